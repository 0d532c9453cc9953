"""A segment as pgBackRest stores it, unpacked and held against the checksum in its file's name."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import shutil
import zlib
from pathlib import Path

from sites.drivers import command
from sites.drivers.pgbackrest.results import stored_as
from sites.errors import CommandError, MissingProgram, RepositoryDamaged

_LIMIT_SECONDS = 120.0
_SEGMENT_LETTERS = 24


def unpacked(stored: Path, repository: str) -> Path:
    """The segment beside `stored`, under its own name. Raises RepositoryDamaged, MissingProgram."""
    sha1, packed = stored_as(stored.name)
    to = stored.with_name(stored.name[:_SEGMENT_LETTERS])
    try:
        _unpack(stored, to, packed)
        with to.open("rb") as content:
            found = hashlib.file_digest(content, "sha1").hexdigest()
    except (OSError, EOFError, zlib.error, CommandError) as error:
        to.unlink(missing_ok=True)
        raise RepositoryDamaged(
            f'repository "{repository}": {stored.name} cannot be unpacked: {error}',
            hint="restore from another repository, then make a full backup",
        ) from error
    if found != sha1:
        to.unlink()
        raise RepositoryDamaged(
            f'repository "{repository}": {stored.name} holds something else than its name says',
            hint="restore from another repository, then make a full backup",
        )
    return to


def _unpack(stored: Path, to: Path, packed: str | None) -> None:
    if packed is None:
        shutil.copyfile(stored, to)
    elif packed in ("gz", "bz2"):
        with (gzip if packed == "gz" else bz2).open(stored) as source, to.open("wb") as target:
            shutil.copyfileobj(source, target)
    else:
        _by_program(stored, to, packed)


def _by_program(stored: Path, to: Path, packed: str) -> None:
    programs = {
        "zst": ("zstd", "-q", "-d", str(stored), "-o", str(to)),
        "lz4": ("lz4", "-q", "-d", str(stored), str(to)),
    }
    if packed not in programs:
        raise MissingProgram(f"{stored.name} is compressed in a way that is not known here")
    program = programs[packed][0]
    try:
        command.run(programs[packed], limit_seconds=_LIMIT_SECONDS)
    except MissingProgram as error:
        hint = f"on Debian: apt-get install {program}"
        raise MissingProgram(f"the log is compressed by {program}, which is not here", hint=hint) from error
