"""How to see that a process does its work: asked from where blackstart runs, as its clients would."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from rto_rpo.objective import parse_duration
from sites.plan.noun import Noun
from sites.plan.scalars import HttpAddress, Port, PositiveSpan, Text


class HttpReady(Noun):
    """The process is ready once this address answers with 2xx."""

    kind: Literal["http"]
    url: HttpAddress = Field(description="asked with GET; ready when it answers 2xx")
    limit: PositiveSpan = Field(
        parse_duration("30s"), description="ready within this time, or the start failed"
    )


class TcpReady(Noun):
    """The process is ready once this port takes a connection."""

    kind: Literal["tcp"]
    host: Text = Field("127.0.0.1", description="host name or address")
    port: Port = Field(description="ready when it takes a connection")
    limit: PositiveSpan = Field(
        parse_duration("30s"), description="ready within this time, or the start failed"
    )
