"""A site made of machines that are reached over ssh."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from rto_rpo.objective import parse_duration
from sites.plan.noun import Noun
from sites.plan.ready import HttpReady, TcpReady
from sites.plan.scalars import Command, Location, Name, Port, PositiveSpan, Text
from sites.secret import Secret

_ADDRESS = re.compile(r"[A-Za-z0-9_.:%][A-Za-z0-9_.:%-]*")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]*")
_UNIT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@:\\-]*")


def _word(pattern: re.Pattern[str], what: str) -> AfterValidator:
    """These become words of ssh's and systemctl's command lines: nothing that could be an option."""

    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise ValueError(f'"{value}" is not {what}')
        return value

    return AfterValidator(check)


class Host(Noun):
    """One machine."""

    address: Annotated[Text, _word(_ADDRESS, "a host name or address")] = Field(
        description="host name or address, or a Host of ssh's own configuration"
    )
    port: Port | None = Field(None, description="where its sshd listens; default: as ssh is configured")


class Ssh(Noun):
    """How blackstart logs in: with a key, and only where the host shows the key that is known for it."""

    user: Annotated[Text, _word(_USER, "a user's name")] | None = Field(
        None, description="log in as this user; default: as ssh is configured"
    )
    key: Location | None = Field(
        None, description="file of the private key; default: what ssh finds by itself"
    )
    known_hosts: Location | None = Field(None, description="file of the hosts' keys; default: ssh's own")
    config: Location | None = Field(None, description="ssh's configuration; default: that of our user")
    sudo: bool = Field(
        False, description="true: what is done there is done as root, by sudo without a password"
    )
    connect_limit: PositiveSpan = Field(parse_duration("5s"), description="a connection within this time")
    limit: PositiveSpan = Field(parse_duration("10s"), description="an answer within this time")


class HostProcess(Noun):
    """A systemd unit on one of the hosts, or commands run there in place of systemctl's."""

    host: Name | None = Field(None, description="where it runs; may be left out where there is one host")
    unit: Annotated[Text, _word(_UNIT, "the name of a systemd unit")] | None = Field(
        None, description="the systemd unit; default: none, then all four commands are needed"
    )
    start: Command | None = Field(None, description="starts it, and ends; default: systemctl start")
    stop: Command | None = Field(None, description="stops it gracefully; default: systemctl stop")
    kill: Command | None = Field(
        None, description="kills all of it at once; default: systemctl kill, SIGKILL"
    )
    status: Command | None = Field(
        None, description="exits 0 and prints its process ids, or exits 3; default: systemctl show"
    )
    ready: Annotated[HttpReady | TcpReady, Field(discriminator="kind")] | None = Field(
        None, description="how to see that it is ready; default: when its start has ended"
    )
    autostart: bool = Field(True, description="start it with its site; false: only a runbook starts it")
    owner: Annotated[Text, _word(_USER, "a user's name")] = Field(
        "postgres", description="of a database server: the account there that its data belongs to"
    )


class HostsSite(Noun):
    """Machines that are lost together, reached over ssh."""

    kind: Literal["hosts"]
    hosts: dict[Name, Host] = Field(min_length=1, description="the machines")
    ssh: Ssh = Field(default_factory=Ssh, description="how they are reached")
    start_limit: PositiveSpan = Field(
        parse_duration("60s"), description="a start or a stop ends within this time"
    )
    kill_limit: PositiveSpan = Field(
        parse_duration("10s"), description="nothing is left within this time, or the kill failed"
    )
    cut_limit: PositiveSpan = Field(
        parse_duration("10m"),
        description="a host that is cut off connects itself again after this time; no drill that cuts it off "
        "may take longer",
    )
    drills: bool = Field(False, description="true: drills may damage this site")
    fault_domain: dict[Name, Text] = Field(
        {}, description="what fails together: region, power, provider, account"
    )
    processes: dict[Name, HostProcess] = Field({}, description="what runs there, in the order it starts")

    def environments(self) -> Iterator[tuple[str, Mapping[str, str | Secret]]]:
        """None: what a process finds in its environment is between it and its host."""
        return iter(())

    def host_of(self, process: str) -> str | None:
        """Where a process runs; None if the plan leaves it open."""
        named = self.processes[process].host
        return named if named is not None else next(iter(self.hosts)) if len(self.hosts) == 1 else None
