"""One holder at a time: a lock on a file that nobody renames, lost by whoever dies."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rto_rpo.durable import make_folder, try_lock

_PATIENCE_SECONDS = 0.5
_POLL_SECONDS = 0.01


def take(path: Path) -> int | None:
    """A descriptor that holds the lock until it is closed; None when another process has it.

    A holder that was killed while it started a command has left the lock to that command's process, for the
    moment until that has become the command. So who finds it locked looks again for a little while.
    """
    make_folder(path.parent)
    give_up = time.monotonic() + _PATIENCE_SECONDS
    while True:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if try_lock(fd) and _is_at(fd, path):
            return fd
        os.close(fd)
        if time.monotonic() > give_up:
            return None
        time.sleep(_POLL_SECONDS)


@contextmanager
def held(path: Path) -> Iterator[bool]:
    """Whether we have the lock, for as long as the block lasts."""
    fd = take(path)
    try:
        yield fd is not None
    finally:
        if fd is not None:
            os.close(fd)


def _is_at(fd: int, path: Path) -> bool:
    """Whether that file is still the one of that name: a lock on one that was taken away locks nobody out."""
    ours = os.fstat(fd)
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    return (ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino)
