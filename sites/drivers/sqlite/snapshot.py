"""One copy of a SQLite database as of one moment, made while others go on writing to it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

_PAGES = 2048  # a step of the copy; writers get their turn between two of them
_PAUSE_SECONDS = 0.005
_RESTARTS_MAX = 3
_LOCK_SECONDS = 10.0


class Overrun(Exception):
    """The copy is not done by its time limit."""


class _Restarted(Exception):
    """Somebody wrote meanwhile, so that the copy began anew once too often."""


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """The database as its other users see it. A file that is not there is not made. Raises sqlite3.Error."""
    with closing(sqlite3.connect(_uri(path, "mode=ro"), uri=True, timeout=_LOCK_SECONDS)) as connection:
        connection.isolation_level = None
        yield connection


@contextmanager
def standing_still(path: Path) -> Iterator[sqlite3.Connection]:
    """A copy that nobody writes to: nothing is left beside it. Raises sqlite3.Error."""
    with closing(sqlite3.connect(_uri(path, "mode=ro&immutable=1"), uri=True)) as connection:
        yield connection


def snapshot(source: sqlite3.Connection, to: Path, *, limit_seconds: float) -> dict[str, int]:
    """Copy `source` to the file `to`; how many rows each table had at that moment.

    With a write-ahead log one reading sees one moment for as long as it likes and keeps nobody waiting: the
    rows are counted in the source. Without one the copy is made in steps, and the rows counted in the copy.
    Raises sqlite3.Error, Overrun.
    """
    deadline = time.monotonic() + limit_seconds
    with closing(sqlite3.connect(to)) as target:
        if _value(source, "PRAGMA journal_mode") == "wal":
            source.execute("BEGIN")
            counts = row_counts(source)  # the first reading fixes the moment
            _copy(source, target, -1, deadline)
            source.execute("ROLLBACK")
            return counts
        try:
            _copy(source, target, _PAGES, deadline)
        except _Restarted:
            _copy(source, target, -1, deadline)  # in one go: it is the writers who wait
        return row_counts(target)


def row_counts(connection: sqlite3.Connection) -> dict[str, int]:
    """Rows of every ordinary table. Raises sqlite3.Error."""
    named = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
        "AND sql NOT LIKE 'CREATE VIRTUAL TABLE%' ORDER BY name"
    )
    counting = {name: f"SELECT count(*) FROM {_quoted(name)}" for (name,) in named}  # noqa: S608  it is quoted
    return {name: int(_value(connection, statement)) for name, statement in counting.items()}


def integrity(connection: sqlite3.Connection) -> str:
    """What SQLite's own check says, "ok" if all is well. Raises sqlite3.Error."""
    return "; ".join(str(row[0]) for row in connection.execute("PRAGMA integrity_check(3)"))


def _copy(source: sqlite3.Connection, target: sqlite3.Connection, pages: int, deadline: float) -> None:
    lowest, restarts = None, 0

    def look(_status: int, remaining: int, _total: int) -> None:
        nonlocal lowest, restarts
        if time.monotonic() > deadline:
            raise Overrun
        if lowest is not None and remaining > lowest:
            restarts += 1
        lowest = remaining
        if pages > 0 and restarts > _RESTARTS_MAX:
            raise _Restarted

    source.backup(target, pages=pages, progress=look, sleep=_PAUSE_SECONDS)


def _value(connection: sqlite3.Connection, statement: str) -> str:
    return str(connection.execute(statement).fetchone()[0])


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _uri(path: Path, options: str) -> str:
    return f"file:{quote(str(path))}?{options}"
