"""A repository that pgBackRest keeps: base backups and the log of a PostgreSQL server."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rto_rpo.objective import parse_duration
from sites.plan.noun import Noun
from sites.plan.references import EnvValue, RepositoryName, SiteName
from sites.plan.scalars import EnvName, Location, PositiveSpan, Text


class Stanza(Noun):
    """One repository of a stanza, as pgBackRest's own configuration has it."""

    kind: Literal["pgbackrest"]
    site: SiteName = Field(description="the site that is lost together with it")
    stanza: Text = Field(description="the stanza's name")
    repo: Annotated[int, Field(ge=1, le=256)] = Field(
        1, description="its number there: 2 for what repo2-path and the like say"
    )
    config: Location | None = Field(
        None, description="pgBackRest's configuration; default: where pgBackRest looks for it itself"
    )
    user: Text | None = Field(
        None, description="runs pgBackRest when blackstart is root; default: postgres, where there is one"
    )
    copy_of: RepositoryName | None = Field(
        None, description="gets the same backups and the same log as this repository of the stanza"
    )
    full: PositiveSpan = Field(
        parse_duration("7d"), description="so old may the last full backup get; in between only what changed"
    )
    env: dict[EnvName, EnvValue] = Field(
        {}, description="what pgBackRest needs in its environment, such as PGBACKREST_REPO2_CIPHER_PASS"
    )
    append_only: bool = Field(
        False, description="what is kept here cannot be deleted from here: upkeep expires nothing"
    )
