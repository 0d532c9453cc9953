"""A dataset that is one SQLite database."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sites.plan.data import Backup, RestorePlace
from sites.plan.noun import Noun
from sites.plan.references import SiteName
from sites.plan.restored import RestoreCheck
from sites.plan.scalars import Location, Span


class SqliteDataset(Noun):
    """A SQLite database, copied while it is in use."""

    kind: Literal["sqlite"]
    site: SiteName = Field(description="where the database is")
    path: Location = Field(description="the database file")
    restore: RestorePlace | None = Field(None, description="where a failover restores it to")
    backup: Backup | None = Field(None, description="how it is backed up; default: not at all")
    checks: tuple[RestoreCheck, ...] = Field((), description="what a restore test asks of it besides")
    rpo: Span | None = Field(None, description="objective: changes younger than this may be lost")
