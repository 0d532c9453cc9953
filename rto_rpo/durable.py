"""Files that survive a power cut: written whole or not at all, and there once the call has returned."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


def write_durably(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Replace `path` by `content` in one step, fsynced with its folder. Raises OSError."""
    temporary = path.with_name(path.name + ".new")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(fd, "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    temporary.replace(path)
    sync_folder(path.parent)


def try_lock(fd: int) -> bool:
    """Lock an open file until it is closed; False where another has it. Raises OSError."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def make_folder(path: Path) -> None:
    """Make a folder and its parents, durably. An existing one is fine. Raises OSError."""
    for part in reversed((path, *path.parents)):
        if not part.exists():
            part.mkdir(exist_ok=True)
            sync_folder(part.parent)


def sync_folder(folder: Path) -> None:
    """Make created, renamed and removed names in `folder` durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
