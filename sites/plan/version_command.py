"""What tells the version of something that blackstart has no driver to ask."""

from __future__ import annotations

from pydantic import Field

from rto_rpo.objective import parse_duration
from sites.plan.noun import Noun
from sites.plan.references import EnvValue, SiteName
from sites.plan.scalars import Command, EnvName, PositiveSpan


class VersionCommand(Noun):
    """Run before each drill; the first line that it prints is the version, and is kept as evidence."""

    command: Command = Field(description="prints the version; no shell is involved")
    sites: tuple[SiteName, ...] = Field(
        (), description="run once for each, which BLACKSTART_SITE names; default: once, of no site"
    )
    env: dict[EnvName, EnvValue] = Field({}, description="added to its environment; secrets by reference")
    limit: PositiveSpan = Field(
        parse_duration("5s"), description="an answer within this time, or the version is not known"
    )
