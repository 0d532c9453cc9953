"""The drills that rehearse the loss of a site."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rto_rpo.objective import parse_duration
from sites.plan.canary import Canary, Marks
from sites.plan.caps import Caps
from sites.plan.faults import Fault
from sites.plan.noun import Noun
from sites.plan.references import Bystander, Need
from sites.plan.scalars import HttpAddress, PositiveSpan, Schedule, Span
from sites.plan.third_parties import ThirdParties
from sites.plan.window import Window

ObjectiveKind = Literal["rto", "rpo"]


class Drill(Noun):
    fault: Fault = Field(description="the damage done")
    respond: Literal["runbook", "observe"] = Field(
        description="runbook: blackstart detects and fails over; observe: something else does"
    )
    cold: bool = Field(
        False,
        description="no replica is trusted: the runbook recovers everything from the other site's backups",
    )
    lead: Span = Field(
        parse_duration("0s"), description="the canary writes for so long before anything is injected"
    )
    phase: Span = Field(
        parse_duration("2s"), description="then the fault comes at a random moment within so long"
    )
    after: Literal["stay", "fail_back"] = Field(
        description="stay: the other site goes on serving; fail_back: then the service is brought back"
    )
    back_within: PositiveSpan = Field(
        parse_duration("30m"), description="bringing it back may take so long; longer is missed"
    )
    judge: dict[Need, Annotated[tuple[ObjectiveKind, ...], Field(min_length=1)]] = Field(
        min_length=1, description="the objectives that this drill is about; all others are not tested by it"
    )
    canary: Canary = Field(description="the writes that are measured")
    marks: tuple[Marks, ...] = Field(
        (), description="canaries in the data itself: what a restore or a replica loses is measured by them"
    )
    control: HttpAddress | None = Field(
        None, description="an endpoint outside the drill; while it is silent, nothing is called an outage"
    )
    late: PositiveSpan | None = Field(
        None, description="an answer later than this is bad; default: from the steady state, 100ms or more"
    )
    revive_old_primary: bool = Field(
        False, description="afterwards the old primary comes back and is written to: its fence has to hold"
    )
    stable: PositiveSpan = Field(description="so long without a bad answer ends the outage")
    deadline: PositiveSpan = Field(description="the drill ends here, whatever the state")
    give_up: PositiveSpan | None = Field(
        None, description="if nothing serves so long after the fault, it is undone; default: at the deadline"
    )
    schedule: Schedule | None = Field(None, description="five cron fields, UTC; default: on demand")
    bystanders: tuple[Bystander, ...] = Field(
        (), description="services and sites that have to stay well; harm to one ends the drill"
    )
    caps: Caps = Field(default_factory=Caps, description="how much it may hit")
    third_parties: ThirdParties | None = Field(
        None, description="how they are spared; needed by an http canary outside environment demo"
    )
    window: Window | None = Field(
        None, description="all of the drill, at its longest, must lie in it; default: it may run at any time"
    )
    late_start: PositiveSpan = Field(
        parse_duration("5m"), description="a scheduled run that begins later than this is not run"
    )

    @property
    def measured_datasets(self) -> tuple[str, ...]:
        """The datasets whose rpo this drill measures."""
        return self.canary.dataset, *(marks.dataset for marks in self.marks)
