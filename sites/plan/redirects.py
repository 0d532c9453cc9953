"""How the clients of a service are sent to another site."""

from __future__ import annotations

import re
from collections.abc import Set
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from rto_rpo.objective import parse_duration
from sites.plan.noun import Noun
from sites.plan.references import SecretRef, SiteName
from sites.plan.scalars import Command, HostPort, HttpAddress, Location, PositiveSpan, Text

_SERVER = re.compile(r"[A-Za-z0-9_.:-]+/[A-Za-z0-9_.:-]+")
_RECORD = re.compile(r"(?=.{1,254}$)([A-Za-z0-9_*][A-Za-z0-9_-]{0,62}\.)+[A-Za-z0-9-]{1,63}\.?")


def _read_server(value: str) -> str:
    if not _SERVER.fullmatch(value):
        raise ValueError(f'"{value}" is not a server of HAProxy; write "BACKEND/SERVER"')
    return value


def _read_record(value: str) -> str:
    if not _RECORD.fullmatch(value):
        raise ValueError(f'"{value}" is not the name of a DNS record; write it whole: "orders.example.com"')
    return value


HAProxyServer = Annotated[str, AfterValidator(_read_server)]
RecordName = Annotated[str, AfterValidator(_read_record)]


class FileRedirect(Noun):
    """A file that a proxy reads is replaced."""

    kind: Literal["file"]
    path: Location = Field(description="the file")
    content: dict[SiteName, Text] = Field(min_length=1, description="what it holds, for each site")

    def told_of(self) -> tuple[str, Set[str]]:
        return "content", self.content.keys()


class CommandRedirect(Noun):
    """The user's own command."""

    kind: Literal["command"]
    command: Command = Field(description="sends clients to the site named in BLACKSTART_SITE")
    status: Command = Field(description="prints the site that clients are sent to now")

    def told_of(self) -> None:
        """It is told the site when it is called."""


class HAProxyRedirect(Noun):
    """Servers of a running HAProxy are taken out and in through its runtime socket."""

    kind: Literal["haproxy"]
    socket: Location | None = Field(None, description="its runtime socket, of level admin; or else `address`")
    address: HostPort | None = Field(None, description="the same socket where it listens on TCP")
    servers: dict[SiteName, Annotated[tuple[HAProxyServer, ...], Field(min_length=1)]] = Field(
        min_length=1, description="the servers of each site, as BACKEND/SERVER"
    )

    @model_validator(mode="after")
    def _one_place(self) -> HAProxyRedirect:
        if (self.socket is None) == (self.address is None):
            raise ValueError("say where its runtime socket is: `socket`, or else `address`")
        return self

    def place(self) -> Path | tuple[str, int]:
        if self.socket is not None:
            return self.socket
        host, _, port = (self.address or "").rpartition(":")
        return host.strip("[]"), int(port)

    def told_of(self) -> tuple[str, Set[str]]:
        return "servers", self.servers.keys()


class Route53Redirect(Noun):
    """A record of a hosted zone of Amazon Route 53. Clients follow when what they have kept has expired."""

    kind: Literal["route53"]
    zone: Text = Field(description="id of the hosted zone")
    record: RecordName = Field(description="name of the record")
    type: Literal["A", "AAAA", "CNAME"] = Field(description="its type")
    ttl: PositiveSpan = Field(parse_duration("60s"), description="so long may resolvers keep it")
    values: dict[SiteName, Annotated[tuple[Text, ...], Field(min_length=1)]] = Field(
        min_length=1, description="what it says, for each site"
    )
    limit: PositiveSpan = Field(
        parse_duration("2m"), description="all name servers know of it within this time"
    )
    endpoint: HttpAddress | None = Field(None, description="address of the interface; default: AWS")
    access_key: SecretRef | None = Field(None, description="access key id; default: what the machine has")
    secret_key: SecretRef | None = Field(None, description="secret access key, with `access_key`")

    @model_validator(mode="after")
    def _both_keys(self) -> Route53Redirect:
        if (self.access_key is None) != (self.secret_key is None):
            raise ValueError("`access_key` and `secret_key` go together")
        return self

    def told_of(self) -> tuple[str, Set[str]]:
        return "values", self.values.keys()


Redirect = Annotated[
    FileRedirect | CommandRedirect | HAProxyRedirect | Route53Redirect, Field(discriminator="kind")
]
