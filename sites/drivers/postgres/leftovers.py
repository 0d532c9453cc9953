"""Give back what a killed server left outside of its data folder.

Every server holds one small segment of shared memory, by which PostgreSQL tells whether a data folder is
still in use. A killed one cannot give it back; its next start does. If there is no next start the segment
stays until the machine is booted, and a machine has room for a few thousand.
"""

from __future__ import annotations

from pathlib import Path

from sites.drivers import command

_SEGMENTS = Path("/proc/sysvipc/shm")
_LINE = 6  # in postmaster.pid, counted from 0: the key and the number of the segment


def release_leftovers(data: Path) -> bool:
    """Remove the segment of a server that is gone for good; True if there was one. Raises CommandError.

    One that any process still uses is left alone.
    """
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    named = lines[_LINE].split() if len(lines) > _LINE else []
    if named not in _unused():
        return False
    command.run(["ipcrm", "-m", named[1]], limit_seconds=10)
    return True


def _unused() -> list[list[str]]:
    """Key and number of every segment that nobody is attached to."""
    header, *rows = (line.split() for line in _SEGMENTS.read_text().splitlines())
    attached = header.index("nattch")
    return [row[:2] for row in rows if row[attached] == "0"]
