"""What each version of restic can do and how it says that something went wrong."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Literal

from sites.drivers import command
from sites.errors import CommandError, MissingProgram

Failure = Literal["no_repository", "locked", "wrong_password", "interrupted", "partial"]
Version = tuple[int, int, int]

OLDEST: Version = (0, 14, 0)
_TEXT = re.compile(r"^restic (\d+)\.(\d+)(?:\.(\d+))?")

# From which version on an exit code says so; before, and for every other code, restic's words decide.
_EXIT_CODES: tuple[tuple[int, Failure, Version], ...] = (
    (3, "partial", OLDEST),
    (10, "no_repository", (0, 17, 0)),
    (11, "locked", (0, 17, 0)),
    (12, "wrong_password", (0, 17, 1)),
    (130, "interrupted", OLDEST),
)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The row of the table for one version."""

    version: Version

    @property
    def full_snapshot_id(self) -> bool:
        """`backup --json` names the snapshot by all 64 characters; before: by 8."""
        return self.version >= (0, 15, 0)

    @property
    def restore_progress(self) -> bool:
        return self.version >= (0, 16, 0)

    @property
    def retry_lock(self) -> bool:
        return self.version >= (0, 16, 0)

    @property
    def sparse(self) -> bool:
        """`restore --sparse` leaves holes where there are zeros; before, all of them are written."""
        return self.version >= (0, 15, 0)

    @property
    def missing_path_fails(self) -> bool:
        """A missing source path is exit 3; before, restic skips it and exits with 0."""
        return self.version >= (0, 19, 0)

    def failure(self, exit_code: int | None) -> Failure | None:
        """What the exit code alone says; None when it says only that something failed."""
        for code, failure, since in _EXIT_CODES:
            if exit_code == code and self.version >= since:
                return failure
        return None

    def __str__(self) -> str:
        return ".".join(map(str, self.version))


def parse(text: str) -> Capabilities:
    """Read what `restic version` prints. Raises MissingProgram for an older or an unknown restic."""
    found = _TEXT.match(text)
    if not found:
        raise MissingProgram(f"this is no restic: its version reads {text[:80]!r}")
    version = (int(found[1]), int(found[2]), int(found[3] or 0))
    if version < OLDEST:
        raise MissingProgram(
            f"restic {'.'.join(map(str, version))} is too old", hint="restic 0.14 or later is needed"
        )
    return Capabilities(version)


@functools.cache
def capabilities(binary: str) -> Capabilities:
    """Ask the binary, once a process. Raises MissingProgram."""
    try:
        # Not `--json`: that came with 0.17.
        return parse(command.run([binary, "version"], limit_seconds=30).stdout)
    except CommandError as error:
        raise MissingProgram(f"{binary!r} does not say its version: {error}") from error
