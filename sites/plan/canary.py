"""Canaries: the numbered writes that a drill is measured by. One noun for each kind."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rto_rpo.objective import parse_duration
from sites.plan.noun import Noun
from sites.plan.references import DatasetName, EnvValue, ServiceName
from sites.plan.scalars import (
    Command,
    Count,
    EnvName,
    Frequency,
    FrequencyOrMax,
    HostPort,
    PayloadSize,
    PositiveSpan,
    Rate,
    Span,
    Text,
    UrlPath,
)


class CanaryNoun(Noun):
    """What every canary of a service declares; each kind narrows `kind` and adds its own."""

    kind: str
    service: ServiceName = Field(description="written through its endpoint")
    dataset: DatasetName = Field(description="where the writes end up")
    rate: FrequencyOrMax = Field(
        description="how often, whatever the answers; max: near the most that is kept up with"
    )
    limit: PositiveSpan = Field(parse_duration("2s"), description="an answer later than this is none")
    payload: PayloadSize = Field(64, description="bytes in each write")
    delete_one_in: Count | None = Field(
        None, description="one acknowledged write in so many is deleted again; default: none is"
    )


class ConnectedCanary(CanaryNoun):
    """A canary that connects to its service itself."""

    connections: Literal["fresh", "pooled"] = Field(
        "fresh", description="fresh: a new connection for each operation; pooled: they are kept"
    )
    clients: Count = Field(
        1, description="so many writers take turns, each with connections of its own; needs pooled"
    )


class HttpCanary(ConnectedCanary):
    """Numbered writes through a service's endpoint: POST to write, GET to read back, DELETE to delete."""

    kind: Literal["http"]
    write_path: UrlPath = Field("/orders", description="takes POST with a JSON object for each write")
    list_path: UrlPath = Field("/orders", description="answers GET with what was written")
    id_field: Text = Field("client_order_id", description="field of a write that holds its number")
    payload_field: Text = Field("payload", description="field of a write that holds its payload")
    list_field: Text = Field("orders", description="field of the answer that holds the list")


class PostgresCanary(ConnectedCanary):
    """Numbered rows in the table `blackstart.canary` of the dataset's own database."""

    kind: Literal["postgres"]
    service: ServiceName = Field(description="the database as its clients find it")
    addresses: tuple[HostPort, ...] = Field(
        (), description="where clients look for the server that takes writes; default: the dataset's servers"
    )


class ShellCanary(CanaryNoun):
    """The user's own commands, one run for each operation."""

    kind: Literal["shell"]
    service: ServiceName = Field(description="written as its clients write, by the commands")
    write: Command = Field(
        description="payload on standard input; exit 0: committed, 68: nobody listens, 69: not done, "
        "77: refused, others: unknown"
    )
    read: Command = Field(description='prints "NUMBER PAYLOAD" for each write held, and "END COUNT" last')
    delete: Command | None = Field(None, description="deletes one write; exits as `write` does")
    by_site: bool = Field(
        False, description="with BLACKSTART_SITE set, the commands talk to that site's own address"
    )
    env: dict[EnvName, EnvValue] = Field({}, description="added to their environment; secrets by reference")


class MarksNoun(Noun):
    """What marks in a dataset declare, wherever it keeps its data; each kind narrows `kind`."""

    kind: str
    dataset: DatasetName = Field(description="the dataset that holds the marks")
    rate: Frequency = Field(Rate(1.0), description="how often a mark is written")
    limit: PositiveSpan = Field(
        parse_duration("10s"), description="a mark not known to be kept by then is unknown"
    )
    payload: PayloadSize = Field(64, description="bytes in each mark")
    lead: Span = Field(
        parse_duration("0s"), description="marks are written for so long before anything is injected"
    )


class FilesCanary(MarksNoun):
    """Numbered marks in a folder of files, read back from where the failover restores it."""

    kind: Literal["files"]


class ObjectsCanary(MarksNoun):
    """Numbered marks in a bucket, read back from its replica."""

    kind: Literal["objects"]


Marks = Annotated[FilesCanary | ObjectsCanary, Field(discriminator="kind")]

# To add a kind: its noun here, its client in drills/clients.py.
Canary = Annotated[HttpCanary | PostgresCanary | ShellCanary, Field(discriminator="kind")]
