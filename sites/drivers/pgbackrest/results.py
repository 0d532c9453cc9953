"""What pgBackRest says of a repository, as values."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sites.drivers.pgbackrest.failure import of
from sites.errors import NoRepository, RepositoryDamaged, RepositoryError

_OK, _NO_PATH, _NO_BACKUPS, _NO_DATA = 0, 1, 2, 3
_SEGMENT = re.compile(r"(?:^|/)([0-9A-F]{24})-[0-9a-f]{40}(?:\.\w+)?$")
_STORED = re.compile(r"-([0-9a-f]{40})(?:\.(\w+))?$")
_LABEL = re.compile(r"new backup label = (\S+)")
_INVALID = re.compile(r"^\s*(backup: \S+, status: (?!valid)\S+?|status: error),?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class BackupSet:
    """One base backup. `began` is when its making began (UTC): all that was committed before is in it.

    `first_wal` to `last_wal` name the segments without which it cannot be restored, `archive` says in which
    archive those are. `damaged`: pages of the source had wrong checksums when they were read.
    """

    label: str
    kind: str
    archive: str
    first_wal: str
    last_wal: str
    began: datetime
    ended: datetime
    bytes: int
    added_bytes: int
    damaged: bool

    @property
    def full(self) -> bool:
        return self.kind == "full"


@dataclass(frozen=True, slots=True)
class Info:
    """One repository of a stanza: its sets, oldest first, and the newest segment of each archive.

    `archive` is the one that the server as it is now archives to.
    """

    sets: tuple[BackupSet, ...]
    newest_wal: dict[str, str]
    archive: str
    server_version: str
    busy: bool


def read_info(text: str, repository: str, stanza: str) -> Info:
    """What `info --output=json` printed of one repository.

    pgBackRest exits with 0 even where the repository cannot be read. Raises the RepositoryError that says so.
    """
    try:
        [told] = [one for one in json.loads(text) if one["name"] == stanza]
        status = told["repo"][0]["status"]
        code, said = int(status["code"]), str(status["message"])
        if code not in (_OK, _NO_BACKUPS):
            raise _unusable(code, said, repository, stanza)
        archive_of = {a["database"]["id"]: str(a["id"]) for a in told["archive"]}
        newest = {str(a["id"]): str(a["max"]) for a in told["archive"] if a["max"]}
        sets = tuple(_set(one, archive_of) for one in told["backup"])
        database = told["db"][-1] if told["db"] else {"id": None, "version": ""}
        archive, server = archive_of.get(database["id"], ""), str(database["version"])
        return Info(sets, newest, archive, server, bool(told["status"]["lock"]["backup"]["held"]))
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise RepositoryError(
            f'repository "{repository}": what pgBackRest says of it cannot be understood: {error!r}'
        ) from error


def _unusable(code: int, said: str, repository: str, stanza: str) -> RepositoryError:
    if code in (_NO_PATH, _NO_DATA):
        return NoRepository(
            f'repository "{repository}": stanza "{stanza}" is not there ({said})',
            hint="a first backup makes it; if it was there before, find out where it went",
        )
    kind, reason = of(None, said)
    first = " ".join(said.split())[:300]
    return kind(f'repository "{repository}": {reason}: {first}')


def _set(told: dict[str, Any], archive_of: dict[int, str]) -> BackupSet:
    when = told["timestamp"]
    return BackupSet(
        label=str(told["label"]),
        kind=str(told["type"]),
        archive=archive_of.get(told["database"]["id"], ""),
        first_wal=str(told["archive"]["start"]),
        last_wal=str(told["archive"]["stop"]),
        began=datetime.fromtimestamp(int(when["start"]), UTC),
        ended=datetime.fromtimestamp(int(when["stop"]), UTC),
        bytes=int(told["info"]["size"]),
        added_bytes=int(told["info"]["delta"]),
        damaged=bool(told.get("error")),
    )


def read_segments(text: str) -> dict[str, str]:
    """Whole segments in what `repo-ls --recurse --output=json` printed of an archive: the file of each."""
    try:
        names = [_SEGMENT.search(name) for name in json.loads(text)]
    except (ValueError, TypeError) as error:
        raise RepositoryError(f"what pgBackRest lists cannot be understood: {error}") from error
    return {found[1]: found.string for found in names if found}


def stored_as(file: str) -> tuple[str, str | None]:
    """The SHA-1 of a segment's content and how it is compressed, both by the name of its file."""
    found = _STORED.search(file)
    if found is None:
        raise RepositoryError(f"{file!r} is no file of a segment")
    return found[1], found[2]


def read_label(text: str) -> str:
    """The set that a backup made, from its log. Raises RepositoryError where that says nothing of one."""
    found = _LABEL.search(text)
    if found is None:
        raise RepositoryError("pgBackRest ended well and named no backup that it made")
    return found[1]


def read_verified(text: str, repository: str) -> str:
    """What `verify` found, its bad news first, in one line; it exits with 0 whatever that is.

    Raises RepositoryDamaged.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = "; ".join([line for line in lines if _INVALID.match(line)] or lines)[:500]
    if _INVALID.search(text) or "status: ok" not in text:
        raise RepositoryDamaged(
            f'repository "{repository}": not all of it is whole: {said or "it said nothing"}',
            hint="restore from another repository, then make a full backup",
        )
    return said
