"""What is protected: datasets, and how they are backed up."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rto_rpo.objective import parse_duration
from sites.plan.noun import Noun
from sites.plan.policy import Alarm, Keep, Pattern, Tag
from sites.plan.references import ProcessName, RepositoryName, SecretRef, SiteName
from sites.plan.restored import RestoreCheck
from sites.plan.scalars import Command, Location, Port, PositiveSpan, Span, Text


class Backup(Noun):
    by: Literal["blackstart", "external"] = Field(
        "blackstart", description="external: somebody else makes it, and blackstart only ever reads it"
    )
    to: RepositoryName = Field(description="the repository that takes the snapshots")
    every: PositiveSpan = Field(description="how often")
    keep: Keep | None = Field(None, description="how long; default: for ever")
    tags: tuple[Tag, ...] = Field((), description="added to its snapshots; external: what all of them have")
    exclude: tuple[Pattern, ...] = Field((), description="what to leave out: *.tmp, /scratch, /logs/*/old")
    before: Command | None = Field(None, description="run before each backup; when it fails there is none")
    after: Command | None = Field(None, description="run after each backup, also after one that failed")
    limit: PositiveSpan = Field(parse_duration("10m"), description="`before` and `after` each end within it")
    host: Text | None = Field(None, description="external: the host that its snapshots are of")
    path: Location | None = Field(None, description="external: the path that its snapshots are of")
    alarm: Alarm | None = Field(default_factory=Alarm, description="when a whole backup is odd; null: never")
    older: Annotated[int, Field(ge=0, le=1000)] = Field(
        1, description="so many older points are restored by each restore test too, in turn"
    )


class PostgresServer(Noun):
    """A PostgreSQL server at one site."""

    site: SiteName = Field(description="where it is")
    host: Text = Field(description="host name or address")
    port: Port = Field(5432, description="TCP port")
    process: ProcessName | None = Field(None, description="the process of the site that is this server")
    data: Location | None = Field(None, description="its data folder; needed to make it a standby again")


class Replication(Noun):
    """The role as which a standby follows its primary."""

    user: Text = Field("replicator", description="its name; it has REPLICATION")
    password: SecretRef = Field(description="its password")


class PostgresDataset(Noun):
    """A PostgreSQL database, with a streaming standby where there is one."""

    kind: Literal["postgres"]
    database: Text = Field(description="name of the database")
    user: Text = Field(description="role that blackstart connects as")
    password: SecretRef | None = Field(None, description="its password; default: none is sent")
    primary: PostgresServer = Field(description="the server that takes writes")
    standby: PostgresServer | None = Field(None, description="the server that follows it")
    replication: Replication | None = Field(
        None, description="as whom a standby follows; needed to switch over and to fail back"
    )
    synchronous: bool = Field(False, description="a commit waits until the standby has it")
    on_standby_loss: Literal["block", "degrade"] | None = Field(
        None,
        description="required when synchronous; block: commits wait until it is back; degrade: `watch` lets "
        "them go on without it, tells so, and makes them wait again once it is back",
    )
    degrade_after: PositiveSpan = Field(
        parse_duration("10s"), description="degrade: once the standby is gone for so long"
    )
    backup: Backup | None = Field(None, description="how it is backed up; default: not at all")
    checks: tuple[RestoreCheck, ...] = Field((), description="what a restore test asks of it besides")
    rpo: Span | None = Field(None, description="objective: acknowledged writes younger than this may be lost")
    cold_rpo: Span | None = Field(
        None, description="objective: so old may it be when it is recovered from backup, without its standby"
    )


class RestorePlace(Noun):
    """Where files, or a database in a file, go at another site."""

    site: SiteName = Field(description="the other site")
    path: Location = Field(description="the folder there; of a database in a file, that file")


class FilesDataset(Noun):
    """A folder of files."""

    kind: Literal["files"]
    site: SiteName = Field(description="where the folder is")
    path: Location = Field(description="the folder")
    restore: RestorePlace | None = Field(None, description="where a failover restores it to")
    backup: Backup | None = Field(None, description="how it is backed up; default: not at all")
    checks: tuple[RestoreCheck, ...] = Field((), description="what a restore test asks of it besides")
    rpo: Span | None = Field(None, description="objective: changes younger than this may be lost")
