"""The newest commit in a segment of the log: when it was, where, and which transaction."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sites.drivers import command
from sites.drivers.postgres.programs import DEBIAN, PostgresPrograms, find_programs
from sites.errors import CommandError, DatasetError

_READ_SECONDS = 120.0
_COMMIT = re.compile(
    r"tx:\s+(\d+), lsn: ([0-9A-F]+/[0-9A-F]+),.* desc: COMMIT(?:_PREPARED \d+:)? (\d\S+ \d\S+) UTC"
)
# It reads one segment, and the last record may go on in the next one, which it then misses.
_NEXT_IS_MISSING = 1


@dataclass(frozen=True, slots=True)
class Commit:
    """`lsn` is where its record begins; `transaction` its number, of 32 bits."""

    transaction: int
    lsn: str
    committed: datetime


def programs_of(version: str) -> PostgresPrograms:
    """Those of one major version where Debian has them; a log is read by its own version alone.

    Raises MissingProgram.
    """
    folder = DEBIAN / version / "bin"
    return find_programs(folder if version and folder.is_dir() else None)


def last_commit(programs: PostgresPrograms, segment: Path) -> Commit | None:
    """None for a segment in which nothing was committed. Raises DatasetError for one that cannot be read."""
    argv = [programs.path("pg_waldump"), "--rmgr=Transaction", f"--path={segment.parent}", segment.name]
    try:
        done = command.run(
            argv,
            limit_seconds=_READ_SECONDS,
            env={"TZ": "UTC", "LC_ALL": "C"},
            ok_codes=(0, _NEXT_IS_MISSING),
        )
    except CommandError as error:
        raise DatasetError(f"cannot read segment {segment.name} of the log: {error}") from error
    for line in reversed(done.stdout.splitlines()):
        if found := _COMMIT.search(line):
            when = datetime.fromisoformat(found[3]).replace(tzinfo=UTC)
            return Commit(int(found[1]), found[2], when)
    if done.exit_code and "could not find a valid record" in done.stderr:
        raise DatasetError(f"segment {segment.name} of the log is no such thing: {done.stderr.strip()[:200]}")
    return None
