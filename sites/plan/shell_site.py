"""A site that blackstart reaches by the user's own commands alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field

from rto_rpo.objective import parse_duration
from sites.plan.noun import Noun
from sites.plan.ready import HttpReady, TcpReady
from sites.plan.references import EnvValue
from sites.plan.scalars import Command, EnvName, Name, PositiveSpan, Text
from sites.secret import Secret


class ShellProcess(Noun):
    """What the commands of a site call by this name."""

    ready: Annotated[HttpReady | TcpReady, Field(discriminator="kind")] | None = Field(
        None, description="how to see that it is ready; default: when its start command has ended"
    )
    autostart: bool = Field(True, description="start it with its site; false: only a runbook starts it")


class ShellSite(Noun):
    """The user's own commands. They find BLACKSTART_SITE and, where one is meant, BLACKSTART_PROCESS."""

    kind: Literal["shell"]
    start: Command = Field(description="starts one process; no effect if it runs")
    stop: Command = Field(description="stops one process, gracefully; no effect if it does not run")
    kill: Command = Field(
        description="kills everything at the site at once, or the one process that is named"
    )
    status: Command = Field(
        description='prints "NAME NUMBER" for each process that runs, then "END" and how many those are'
    )
    fence: Command | None = Field(
        None, description="exits 0 once the site provably takes no writes any more; default: kill"
    )
    reachable: Command | None = Field(
        None, description="exits 0 if the site can be asked at all; default: its status says so"
    )
    env: dict[EnvName, EnvValue] = Field({}, description="added to their environment; secrets by reference")
    limit: PositiveSpan = Field(parse_duration("30s"), description="each command ends within this time")
    kill_limit: PositiveSpan = Field(
        parse_duration("10s"), description="nothing is left within this time, or the kill failed"
    )
    drills: bool = Field(False, description="true: drills may damage this site")
    fault_domain: dict[Name, Text] = Field(
        {}, description="what fails together: region, power, provider, account"
    )
    processes: dict[Name, ShellProcess] = Field({}, description="what runs there, in the order it starts")

    def environments(self) -> Iterator[tuple[str, Mapping[str, str | Secret]]]:
        """Every environment that it declares: that of its commands."""
        yield "", self.env
