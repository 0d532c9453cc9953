"""A dataset of a kind that has no driver yet: dumped, restored and promoted by the user's commands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from rto_rpo.objective import parse_duration
from sites.plan.data import Backup
from sites.plan.noun import Noun
from sites.plan.references import EnvValue, SiteName
from sites.plan.restored import RestoreCheck
from sites.plan.scalars import Command, EnvName, PositiveSpan, Span


@dataclass(frozen=True, slots=True)
class ShellPlace:
    """The other site, where the dataset's own `load` puts it; only that knows where."""

    site: str
    path: Path = Path()


class ShellDataset(Noun):
    """The user's own commands. They find BLACKSTART_DATASET and BLACKSTART_SITE, and BLACKSTART_DUMP."""

    kind: Literal["shell"]
    site: SiteName = Field(description="where it is in normal times")
    dump: Command | None = Field(None, description="writes a dump into the empty folder BLACKSTART_DUMP")
    check_dump: Command | None = Field(
        None, description="exits 0 if the dump in BLACKSTART_DUMP can be restored; leaves it as it is"
    )
    load: Command | None = Field(
        None, description="makes that dump the content of the copy at BLACKSTART_SITE; twice is as once"
    )
    query: Command | None = Field(
        None, description="prints what the dump answers to BLACKSTART_QUERY; leaves it as it is"
    )
    restore_at: SiteName | None = Field(None, description="the other site, where a failover loads it")
    standby: SiteName | None = Field(None, description="the site with a copy that follows by itself")
    writable: Command | None = Field(
        None, description="0: the copy at BLACKSTART_SITE takes writes, 1: it does not, 69: nothing is there"
    )
    promote: Command | None = Field(
        None, description="makes the copy at BLACKSTART_SITE the writable one; no effect if it is"
    )
    in_sync: Command | None = Field(
        None, description="exits 0 if the standby has all that was acknowledged, 1 if not; says how it knows"
    )
    point: Command | None = Field(
        None, description="prints when the newest that the standby has was written: 2026-11-26T06:00:00Z"
    )
    env: dict[EnvName, EnvValue] = Field({}, description="added to their environment; secrets by reference")
    limit: PositiveSpan = Field(parse_duration("10m"), description="each command ends within this time")
    backup: Backup | None = Field(None, description="how its dump is backed up; default: not at all")
    checks: tuple[RestoreCheck, ...] = Field((), description="what a restore test asks of it besides")
    rpo: Span | None = Field(None, description="objective: changes younger than this may be lost")

    @property
    def restore(self) -> ShellPlace | None:
        """Where a failover restores it, as other datasets say it."""
        return ShellPlace(self.restore_at) if self.restore_at is not None else None
