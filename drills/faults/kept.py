"""What a fault keeps aside to put it back: on disk before the damage, with its owner, mode and times."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from rto_rpo.durable import make_folder, sync_folder
from sites.errors import GuardError

_ROOMS = "faults"


def make_room(room: Path) -> None:
    """A folder of our account's alone: what is kept there may be secret."""
    make_folder(room)
    room.chmod(0o700)


def keep(path: Path, kept: Path) -> None:
    """Copy a file aside, durably. Raises GuardError where it could not be given back as it was."""
    make_folder(kept.parent)
    try:
        _copy(path, kept)
    except PermissionError as error:
        raise GuardError(
            f"cannot keep {path} so that it can be put back as it was: {error.strerror}",
            hint="run it as the account that owns the file, or as root",
        ) from None
    sync_folder(kept.parent)


def put_back(kept: Path, to: Path) -> None:
    """Replaced at once or not at all, and on disk on return."""
    to.parent.mkdir(exist_ok=True)
    temporary = to.with_name(to.name + ".new")
    _copy(kept, temporary)
    temporary.replace(to)
    sync_folder(to.parent)


def stays(room: Path) -> str:
    """Put what is kept where no undo removes it, and say where: what it belongs to may come back.

    A file system that is not mounted looks like that, and the only keys of a repository may be here.
    """
    faults = next(folder for folder in (room, *room.parents) if folder.name == _ROOMS)
    to = faults.with_name("kept") / "-".join(room.relative_to(faults).parts)
    if room.is_dir():
        make_folder(to.parent)
        room.rename(to)
        sync_folder(to.parent)
    return f"what was kept of it stays in {to}" if to.is_dir() else "nothing was kept of it"


def _copy(source: Path, to: Path) -> None:
    shutil.copy2(source, to)
    was, now = source.stat(), to.stat()
    if (was.st_uid, was.st_gid) != (now.st_uid, now.st_gid):
        os.chown(to, was.st_uid, was.st_gid)
    with to.open("rb") as file:
        os.fsync(file.fileno())
