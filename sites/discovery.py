"""Look around on this machine, and change nothing: what a first plan could be made of.

Everything is asked for with a short time limit; what is not here or does not answer is simply not found.
"""

from __future__ import annotations

import getpass
import json
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sites.drivers import command
from sites.drivers.postgres.programs import unprivileged_user
from sites.errors import BlackstartError, CommandError

PATRONI = "http://127.0.0.1:8008"
_LIMIT_SECONDS = 5.0
_UNITS = (
    "postgres",
    "patroni",
    "pgbackrest",
    "restic",
    "redis",
    "valkey",
    "mariadb",
    "mysql",
    "mongo",
    "nats",
    "kafka",
)
_STANDBYS = "SELECT application_name, coalesce(host(client_addr), ''), sync_state FROM pg_stat_replication"
_DATABASES = "SELECT datname FROM pg_database WHERE datallowconn AND datname NOT IN ('postgres', 'template1')"


@dataclass(frozen=True, slots=True)
class Server:
    """A PostgreSQL server. `standby`: whether it follows another one."""

    name: str
    host: str
    port: int
    standby: bool
    synchronous: bool = False


@dataclass(frozen=True, slots=True)
class FoundStanza:
    """One of pgBackRest's: `repos` are the numbers of its repositories that hold backups, `config` is the
    configuration that its own variable names."""

    name: str
    repos: tuple[int, ...] = ()
    config: str | None = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What was found. `repository` is (url, where its password is), by restic's own variables; `user` and
    `password` (where it is) are those by which PostgreSQL was asked, `unasked` why it could not be."""

    servers: tuple[Server, ...] = ()
    databases: tuple[str, ...] = ()
    user: str = ""
    password: dict[str, str] | None = None
    patroni: str | None = None
    repository: tuple[str, dict[str, str]] | None = None
    stanzas: tuple[FoundStanza, ...] = ()
    units: tuple[str, ...] = ()
    unasked: str | None = None


def look_around(environ: Mapping[str, str] = os.environ, patroni: str = PATRONI) -> Surroundings:
    """Ask systemd, PostgreSQL, Patroni, restic's variables, pgBackRest; nothing is raised."""
    cluster = _patroni(patroni)
    return Surroundings(
        servers=cluster or _replication(environ),
        databases=tuple(_psql(_DATABASES, environ)),
        user=environ.get("PGUSER") or _account(environ) or getpass.getuser(),
        unasked=_why_not(environ),
        password={"env": "PGPASSWORD"} if "PGPASSWORD" in environ else None,
        patroni=patroni if cluster else None,
        repository=_repository(environ),
        stanzas=_stanzas(environ),
        units=_units(),
    )


def _patroni(address: str) -> tuple[Server, ...]:
    try:
        with urllib.request.urlopen(f"{address}/cluster", timeout=_LIMIT_SECONDS) as reply:  # noqa: S310
            members = json.load(reply)["members"]
        found = [_member(member) for member in members]
    except (OSError, ValueError, KeyError, TypeError, urllib.error.URLError):
        return ()
    return tuple(sorted(found, key=lambda server: server.standby))


def _member(told: dict[str, Any]) -> Server:
    role = str(told["role"])
    standby = role not in ("leader", "master", "primary")
    return Server(str(told["name"]), str(told["host"]), int(told["port"]), standby, role == "sync_standby")


def _replication(environ: Mapping[str, str]) -> tuple[Server, ...]:
    if not _psql("SELECT 1", environ):
        return ()
    host, port = environ.get("PGHOST", "/var/run/postgresql"), int(environ.get("PGPORT", "5432"))
    standbys = [line.split("|") for line in _psql(_STANDBYS, environ)]
    return (
        Server("primary", host, port, standby=False),
        *(Server(name, at, 5432, True, sync == "sync") for name, at, sync in standbys if at),
    )


def _asking(statement: str) -> list[str]:
    return [
        "psql",
        "--no-psqlrc",
        "--no-password",
        "--tuples-only",
        "--no-align",
        "-c",
        statement,
        "postgres",
    ]


def _psql(statement: str, environ: Mapping[str, str]) -> list[str]:
    return _said(_asking(statement), _account(environ)).splitlines()


def _account(environ: Mapping[str, str]) -> str | None:
    """PostgreSQL lets its own account in by its name alone, and never root."""
    return unprivileged_user() if "PGUSER" not in environ and "PGHOST" not in environ else None


def _why_not(environ: Mapping[str, str]) -> str | None:
    try:
        command.run(_asking("SELECT 1"), limit_seconds=_LIMIT_SECONDS, user=_account(environ), cwd=Path("/"))
    except CommandError as error:
        return " ".join(error.stderr.split()) or str(error)
    except BlackstartError as error:
        return str(error)
    return None


def _repository(environ: Mapping[str, str]) -> tuple[str, dict[str, str]] | None:
    url = environ.get("RESTIC_REPOSITORY")
    if not url:
        return None
    if file := environ.get("RESTIC_PASSWORD_FILE"):
        return url, {"file": file}
    return (url, {"env": "RESTIC_PASSWORD"}) if "RESTIC_PASSWORD" in environ else None


def _stanzas(environ: Mapping[str, str]) -> tuple[FoundStanza, ...]:
    told = _said(["pgbackrest", "info", "--output=json", "--log-level-console=off", "--log-level-file=off"])
    try:
        return tuple(_stanza(one, environ.get("PGBACKREST_CONFIG")) for one in json.loads(told or "[]"))
    except (ValueError, KeyError, TypeError):
        return ()


def _stanza(told: dict[str, Any], config: str | None) -> FoundStanza:
    numbers = {int(base["database"]["repo-key"]) for base in told["backup"]}
    return FoundStanza(str(told["name"]), tuple(sorted(numbers)), config)


def _units() -> tuple[str, ...]:
    argv = ["systemctl", "list-units", "--type=service,timer", "--state=active", "--plain", "--no-legend"]
    names = [line.split()[0] for line in _said(argv).splitlines() if line.split()]
    return tuple(name for name in names if any(word in name for word in _UNITS))


def _said(argv: list[str], user: str | None = None) -> str:
    """What a program printed; nothing where it is not installed, fails, or takes too long."""
    try:
        return command.run(argv, limit_seconds=_LIMIT_SECONDS, user=user, cwd=Path("/")).stdout
    except BlackstartError:
        return ""
