"""What a server that does not run left in its control file."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sites.drivers.postgres.folder import DataFolder
from sites.errors import DatasetError

_CONTROL_SECONDS = 10.0
_CLEAN = "shut down"


@dataclass(frozen=True, slots=True)
class Control:
    """`checkpoint` is where its last checkpoint begins in its log: after a clean shutdown, the last entry."""

    state: str
    checkpoint: int
    redo: int
    timeline: int

    @property
    def was_a_primary_and_stopped_cleanly(self) -> bool:
        return self.state == _CLEAN


def read_control(folder: DataFolder) -> Control:
    """Raises DatasetError, also for a folder that holds no server."""
    return control_of(_said_of(folder))


def control_settings(folder: DataFolder) -> dict[str, str]:
    """Everything that the control file says, by its own names. Raises DatasetError."""
    pairs = [line.partition(":") for line in _said_of(folder).splitlines()]
    return {name.strip(): value.strip() for name, mark, value in pairs if mark}


def _said_of(folder: DataFolder) -> str:
    return folder.run(
        "read the control file",
        "pg_controldata",
        str(folder.path),
        limit_seconds=_CONTROL_SECONDS,
        env={"LC_ALL": "C"},
    )


def control_of(said: str) -> Control:
    """What pg_controldata said. Raises DatasetError."""
    return Control(
        state=_field(said, "Database cluster state"),
        checkpoint=log_position(_field(said, "Latest checkpoint location")),
        redo=log_position(_field(said, "Latest checkpoint's REDO location")),
        timeline=int(_field(said, "Latest checkpoint's TimeLineID")),
    )


def log_position(written: str) -> int:
    """A position in the log, such as 0/3000060, as a number."""
    high, _, low = written.partition("/")
    return (int(high, 16) << 32) + int(low, 16)


def _field(said: str, name: str) -> str:
    found = re.search(rf"^{re.escape(name)}: +(.+)$", said, re.MULTILINE)
    if found is None:
        raise DatasetError(f'pg_controldata says nothing of "{name}"')
    return found.group(1).strip()
