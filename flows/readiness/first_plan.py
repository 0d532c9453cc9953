"""A first plan from what was found: what holds stands in it, what does not yet is a comment that says why."""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from flows.readiness.checks import Check, checks
from sites.discovery import FoundStanza, Server, Surroundings
from sites.estate import Estate
from sites.plan import Plan
from sites.plan.reading import read_plan

_ROUNDS = 6


@dataclass(frozen=True, slots=True)
class Entry:
    """One noun of a section as lines of YAML. With `why` it is written as a comment."""

    section: str
    name: str
    lines: tuple[str, ...]
    why: str | None = None


def first_plan(found: Surroundings, at: Path) -> tuple[str, list[Check]]:
    """The text of a plan for `at`, and what `check` says of it. Nothing is written.

    An entry that `check` finds something wrong with becomes a comment, until nothing is left that is wrong.
    """
    entries = list(_entries(found))
    for _ in range(_ROUNDS):
        text = _text(found, entries)
        told = list(checks(Estate(_read(at, text))))
        wrong = {_whose(one, entries): one.what for one in told if one.state != "ok"}
        if not any(entry.name in wrong and entry.why is None for entry in entries):
            break
        entries = [replace(e, why=wrong[e.name]) if e.name in wrong and not e.why else e for e in entries]
    return text, told


def _read(at: Path, text: str) -> Plan:
    return read_plan(at, text.encode(), os.environ)


def _whose(check: Check, entries: Sequence[Entry]) -> str | None:
    """The entry that a check is about: by its last word."""
    return next((entry.name for entry in entries if check.name.split()[-1] == entry.name), None)


def _entries(found: Surroundings) -> Iterator[Entry]:
    primary = next((server for server in found.servers if not server.standby), None)
    standby = next((server for server in found.servers if server.standby), None)
    if found.repository is not None:
        url, secret = found.repository
        lines = (f"url: {json.dumps(url)}", f"password: {json.dumps(secret)}")
        yield Entry("repositories", "existing", ("site: dr", *lines))
    for stanza in found.stanzas:
        if stanza.repos:
            yield Entry("repositories", _kept_in(stanza), tuple(_stanza(stanza)))
    for database in found.databases if primary else ():
        yield Entry("datasets", _name(database), tuple(_dataset(found, database, primary, standby)))


def _dataset(
    found: Surroundings, database: str, primary: Server | None, standby: Server | None
) -> Iterator[str]:
    yield "kind: postgres"
    yield f"database: {json.dumps(database)}"
    yield f"user: {json.dumps(found.user)}"
    password = json.dumps(found.password) if found.password else None
    yield f"password: {password}" if password else "# password: {file: /etc/blackstart/secrets/NAME}"
    for key, server in (("primary", primary), ("standby", standby)):
        if server is not None:
            site = "primary" if key == "primary" else "dr"
            yield f"{key}: {{site: {site}, host: {json.dumps(server.host)}, port: {server.port}}}"
    if standby is not None and standby.synchronous:
        yield "synchronous: true"
        yield "on_standby_loss: block"
    if len(found.stanzas) == 1 and found.stanzas[0].repos:
        yield f"backup: {{by: external, to: {_kept_in(found.stanzas[0])}, every: 1d}}"
    yield "rpo: 0s" if standby is not None and standby.synchronous else "rpo: 5m"


def _stanza(stanza: FoundStanza) -> Iterator[str]:
    yield "kind: pgbackrest"
    yield "site: dr"
    yield f"stanza: {json.dumps(stanza.name)}"
    yield f"repo: {stanza.repos[-1]}"  # what is farthest from the server is numbered last
    if stanza.config is not None:
        yield f"config: {json.dumps(stanza.config)}"


def _kept_in(stanza: FoundStanza) -> str:
    return f"{_name(stanza.name)}-wal"


def _name(text: str) -> str:
    return re.sub(r"[^a-z0-9_-]", "-", text.lower()).lstrip("-_")[:60] or "unnamed"


def _text(found: Surroundings, entries: Sequence[Entry]) -> str:
    lines = [
        "# Written by `blackstart init` from what it found on this machine; it changed nothing.",
        "# What is commented out was found too, and does not pass `blackstart check` yet: it says why.",
        "# Every key is explained in docs/plan.md.",
        f"name: {_name(socket.gethostname())}",
        "environment: unnamed        # such as staging or production; a live drill has to name it",
        "",
        "sites:                      # what can be lost; kinds: processes, containers, hosts, shell",
        "  primary: {kind: processes, path: sites/primary}",
        "  dr:      {kind: processes, path: sites/dr}",
    ]
    for section in ("repositories", "datasets"):
        lines += ["", *_section(section, [entry for entry in entries if entry.section == section])]
    return "\n".join([*lines, "", *_remarks(found), ""])


def _section(section: str, entries: Sequence[Entry]) -> Iterator[str]:
    live = [entry for entry in entries if entry.why is None]
    yield f"{section}:" if live else f"{section}: {{}}"
    for entry in live:
        yield f"  {entry.name}:"
        yield from (f"    {line}" for line in entry.lines)
    for entry in entries:
        if entry.why is not None:
            yield f"  # {' '.join(entry.why.split())}"
            yield f"  # {entry.name}:"
            yield from (f"  #   {line}" for line in entry.lines)


def _remarks(found: Surroundings) -> Iterator[str]:
    told: Mapping[str, Sequence[str]] = {
        "Patroni answers here; watch it with `respond: observe`, and never let a runbook promote": (
            [found.patroni] if found.patroni else []
        ),
        "pgBackRest has these stanzas": [stanza.name for stanza in found.stanzas],
        "services that hold or move data": found.units,
        "further standbys": [s.name for s in found.servers if s.standby][1:],
    }
    yield "# Found besides:"
    lines = [f"#   {what}: {', '.join(names)}" for what, names in told.items() if names]
    yield from lines or ["#   nothing"]
