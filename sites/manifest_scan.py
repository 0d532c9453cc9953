"""Look at a tree without following links: what is there, what it holds, and what moved meanwhile."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from sites.exclusion import Exclusion

Kind = Literal["file", "dir", "symlink", "other"]

# What changes when a file is changed: kind and mode, size, the times of content and of inode, the inode.
Signature = tuple[int, int, int, int, int]

_BUFFER_BYTES = 1 << 20
_BATCH_FILES = 64
_BATCH_BYTES = 8 << 20
_THREADS_MAX = 8
# File times advance in steps of the kernel's tick. A file is read only when its last change is at
# least this old, so that any later change is bound to show as a newer time.
_TICK_NS = 20_000_000
_local = threading.local()


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing in a tree. `path` is relative to the root ("." is the root itself), in slashes.

    Names that are no UTF-8 carry their bytes as lone surrogates (surrogateescape). `size` is 0 for
    all but files; `sha256` is of a file's content, `target` what a link says. `moving`: it changed,
    came or went while we looked. `error`: why it could not be read, so nothing is claimed of its content.
    """

    path: str
    kind: Kind
    size: int
    mode: int
    mtime_ns: int
    sha256: str | None = None
    target: str | None = None
    moving: bool = False
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """An entry as the walk met it, its content unread."""

    entry: Entry
    signature: Signature


def walk(root: Path, exclude: Exclusion) -> dict[str, Found]:
    """The root and everything below it, by path. Raises OSError when the root itself cannot be looked at."""
    excluded = exclude.predicate().fullmatch
    base = os.fspath(root)
    found = {".": _found(".", base, root.lstat())}
    folders = [""]
    while folders:
        folder = folders.pop()
        try:
            children = list(_children(os.path.join(base, folder)))  # noqa: PTH118  a Path costs more than the stat
        except FileNotFoundError:
            continue  # gone since its parent was listed; the second look will tell
        except OSError as error:
            met = found[folder or "."]
            found[folder or "."] = replace(met, entry=replace(met.entry, error=_reason(error)))
            continue
        for child, status in children:
            path = f"{folder}/{child.name}" if folder else child.name
            if excluded(path):
                continue
            found[path] = _found(path, child.path, status)
            if stat.S_ISDIR(status.st_mode):
                folders.append(path)
    return found


def read(
    root: Path, found: Iterable[Found], *, threads: int | None = None, stop: threading.Event | None = None
) -> list[Entry]:
    """Hash every file among `found`; one that changes meanwhile is moving, an unreadable one has `error`.

    Once `stop` is set the rest is left out, and a file in the middle is moving.
    """
    base, stop = os.fspath(root), stop or threading.Event()

    def each(batch: list[Found]) -> list[Entry]:
        return [_read(base, item, stop) for item in batch if not stop.is_set()]

    with ThreadPoolExecutor(threads or min(_THREADS_MAX, os.cpu_count() or 1)) as pool:
        return [entry for batch in pool.map(each, _batches(found)) for entry in batch]


def wait_out_the_tick(found: Iterable[Found]) -> None:
    """Until the youngest change is so old that another one, whoever reads meanwhile, has a newer time."""
    now_ns = time.time_ns()
    # what a wrong clock puts into the future is nothing to wait for
    youngest_ns = max((ns for item in found if (ns := item.signature[3]) <= now_ns), default=0)
    if (left_ns := youngest_ns + _TICK_NS - now_ns) > 0:
        time.sleep(left_ns / 1e9)


def _children(folder: str) -> Iterator[tuple[os.DirEntry[str], os.stat_result]]:
    with os.scandir(folder) as listing:
        for child in listing:
            try:
                yield child, child.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue  # gone since the listing; the folder's own time shows it


def _found(path: str, full: str, status: os.stat_result) -> Found:
    kind = _kind(status.st_mode)
    size = status.st_size if kind == "file" else 0
    target, error = None, None
    if kind == "symlink":
        try:
            target = os.readlink(full)  # noqa: PTH115  the same
        except OSError as problem:
            error = _reason(problem)
    entry = Entry(
        path, kind, size, stat.S_IMODE(status.st_mode), status.st_mtime_ns, target=target, error=error
    )
    return Found(entry, _signature(status))


def _kind(mode: int) -> Kind:
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "dir"
    return "symlink" if stat.S_ISLNK(mode) else "other"


def _signature(status: os.stat_result) -> Signature:
    return (status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def _batches(found: Iterable[Found]) -> Iterator[list[Found]]:
    batch: list[Found] = []
    held = 0
    for item in found:
        batch.append(item)
        held += item.entry.size
        if len(batch) >= _BATCH_FILES or held >= _BATCH_BYTES:
            yield batch
            batch, held = [], 0
    yield batch


def _read(base: str, found: Found, stop: threading.Event) -> Entry:
    entry = found.entry
    if entry.kind != "file":
        return entry
    try:
        # Not blocking and not following: what was a file may be a pipe or a link by now.
        fd = os.open(
            os.path.join(base, entry.path),  # noqa: PTH118  a Path costs more than the stat
            os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC,
        )
    except FileNotFoundError:
        return replace(entry, moving=True)
    except OSError as error:
        return replace(entry, error=_reason(error))
    try:
        return _read_open(fd, found, stop)
    except OSError as error:
        return replace(entry, error=_reason(error))
    finally:
        os.close(fd)


def _read_open(fd: int, found: Found, stop: threading.Event) -> Entry:
    if _signature(os.fstat(fd)) != found.signature:
        return replace(found.entry, moving=True)
    age_ns = time.time_ns() - found.signature[3]
    if 0 <= age_ns < _TICK_NS:
        time.sleep((_TICK_NS - age_ns) / 1e9)
    digest, size = _digest(fd, stop)
    moving = size != found.entry.size or _signature(os.fstat(fd)) != found.signature
    return replace(found.entry, sha256=digest, moving=moving)


def _digest(fd: int, stop: threading.Event) -> tuple[str, int]:
    buffer = getattr(_local, "buffer", None)
    if buffer is None:
        buffer = _local.buffer = memoryview(bytearray(_BUFFER_BYTES))
    digest, size = hashlib.sha256(), 0
    while not stop.is_set() and (count := os.readv(fd, [buffer])):
        digest.update(buffer[:count])
        size += count
    return digest.hexdigest(), size


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
