"""One holder at a time: a lock on a file that nobody renames, lost by whoever dies."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rto_rpo.durable import make_folder, try_lock
from sites.errors import RunbookError

_UNWRITABLE = (errno.EROFS, errno.EACCES)
_PATIENCE_SECONDS = 0.5
_POLL_SECONDS = 0.01


def opened(path: Path, flags: int = 0) -> int:
    """A file that is made where there is none; to read only where it may not be written, as on a disk that
    failed: a lock needs no more. Raises OSError.
    """
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | flags, 0o600)
    except OSError as error:
        if error.errno in _UNWRITABLE:
            with suppress(FileNotFoundError):  # then why it could not be made is what counts
                return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        raise


def cannot_lock(path: Path, error: OSError) -> RunbookError:
    """Nobody knows then who else is at work, so nothing may be changed."""
    return RunbookError(
        f"cannot lock {path}: {error.strerror}",
        hint="make that folder writable for this account, then try again; nothing was changed",
    )


def take(path: Path) -> int | None:
    """A descriptor that holds the lock until it is closed; None when another process has it.

    A holder that was killed while it started a command has left the lock to that command's process, for the
    moment until that has become the command. So who finds it locked looks again for a little while.
    Raises RunbookError where it cannot be locked at all.
    """
    try:
        make_folder(path.parent)
        return _take(path)
    except OSError as error:
        raise cannot_lock(path, error) from error


def _take(path: Path) -> int | None:
    give_up = time.monotonic() + _PATIENCE_SECONDS
    while True:
        fd = opened(path)
        try:
            ours = try_lock(fd) and _is_at(fd, path)
        except OSError:
            os.close(fd)
            raise
        if ours:
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
