"""What happens when a site is lost: detection, the fence, the user's own steps and approvals."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from rto_rpo.objective import parse_duration
from sites.plan.lease import Lease
from sites.plan.noun import Noun
from sites.plan.references import EnvValue, SiteName
from sites.plan.scalars import Command, Count, EnvName, Name, PositiveSpan, Text
from sites.plan.vantage import Vantage


class Detect(Noun):
    """How many bad signs in a row make an outage."""

    every: PositiveSpan = Field(parse_duration("40ms"), description="one probe in this time")
    again: PositiveSpan = Field(
        parse_duration("5ms"), description="after a refusal the next probe comes so soon, if that is sooner"
    )
    limit: PositiveSpan = Field(parse_duration("500ms"), description="not answered by then, it is silence")
    refused: Count = Field(5, description="so many refusals in a row are an outage")
    silent: Count = Field(15, description="so many bad signs in a row are an outage when some are silence")
    quorum: Count | None = Field(
        None, description="so many vantages have to see it at the same time; default: more than half"
    )


class PowerOff(Noun):
    """The provider's own commands. Both find the site's name in BLACKSTART_SITE."""

    command: Command = Field(description="turns the whole site off; harmless when it is off")
    confirm: Command = Field(description="exits 0 when the site is off, 1 while it is not")
    env: dict[EnvName, EnvValue] = Field({}, description="added to their environment; secrets by reference")
    limit: PositiveSpan = Field(parse_duration("60s"), description="off within this time, or it is no fence")


class OwnStep(Noun):
    """A step of the user's own. Its commands find the sites in BLACKSTART_SITE and BLACKSTART_FROM."""

    after: tuple[Text, ...] = Field((), description="the steps that come first, as --preview names them")
    before: tuple[Text, ...] = Field((), description="the steps that wait for it")
    do: Command = Field(description="does it; harmless when it is done already")
    done: Command | None = Field(
        None, description="exits 0 when it is done already, 1 when not; default: it is always done again"
    )
    undo: Command | None = Field(None, description="takes it back; default: it cannot be taken back")
    env: dict[EnvName, EnvValue] = Field({}, description="added to their environment; secrets by reference")
    limit: PositiveSpan = Field(parse_duration("60s"), description="done within this time, or it failed")
    by_hand: Text | None = Field(None, description="how a person does the same; default: the command")


class Approval(Noun):
    """A step that waits for a person: `blackstart approve`."""

    after: tuple[Text, ...] = Field((), description="the steps that come first, as --preview names them")
    before: tuple[Text, ...] = Field((), description="the steps that wait for it")
    ask: Text = Field(description="what the person is asked")
    limit: PositiveSpan = Field(parse_duration("1h"), description="an answer within this time, or it is a no")


class OwnSteps(Noun):
    """Steps of the user's own and approvals in one of the planned changes."""

    steps: dict[Name, OwnStep] = Field({}, description="steps of your own, before or after any other")
    approvals: dict[Name, Approval] = Field({}, description="where a person has to agree")


class Failover(Noun):
    from_site: SiteName = Field(alias="from", description="the site that serves")
    to_site: SiteName = Field(alias="to", description="the site that takes over")
    fence: Literal["required", "operator"] = Field(
        "required",
        description="no promotion before the old site is fenced; operator: a person may say that it is",
    )
    power_off: PowerOff | None = Field(None, description="fences the site by turning it off")
    lease: Lease | None = Field(
        None, description="fences the site by itself: its door shuts when it cannot renew"
    )
    decide: Literal["automatic", "approval", "notify"] = Field(
        description="automatic: it starts as soon as the outage is declared; approval: once a person agrees; "
        "notify: people are told, and start it"
    )
    decide_by: PositiveSpan = Field(
        parse_duration("15m"), description="a person's answer within this time, or it is a no"
    )
    detect: Detect = Field(default_factory=Detect, description="when the service counts as gone")
    vantages: dict[Name, Vantage] = Field(
        {}, description="from where it is looked at; default: from where `watch` or the drill runs"
    )
    steps: dict[Name, OwnStep] = Field({}, description="steps of your own, before or after any other")
    approvals: dict[Name, Approval] = Field({}, description="where a person has to agree")
    switchover: OwnSteps = Field(
        default_factory=OwnSteps, description="the same in a switchover, by the names of its steps"
    )
    failback: OwnSteps = Field(
        default_factory=OwnSteps, description="the same in a failback, by the names of its steps"
    )
