"""A canary's client for a folder of files: each write is a small file of its own, a numbered mark.

Marks are written into the protected folder itself and read back from where it was restored, so that
what a backup lost is seen in the data and not believed from a snapshot's date.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

from rto_rpo.durable import sync_folder
from sites.capability import Outcome, ReadBack
from sites.drivers.on_threads import OnThreads
from sites.errors import DatasetError

FOLDER = ".blackstart-marks"


@dataclass(frozen=True, slots=True)
class MarkedFolder:
    """`folder` takes the marks; `restored` is where they are looked for afterwards."""

    folder: Path
    restored: Path
    kind: Literal["files"] = "files"


class MarksClient:
    """Implements `sites.capability.Client`. The disk is waited for on threads, never by the loop."""

    def __init__(
        self,
        marked: MarkedFolder,
        *,
        run: str,
        limit_seconds: float,
        workers: int,
        read_limit_seconds: float = 30.0,
    ) -> None:
        self._marked = marked
        self._run = run
        self._tried: dict[str, set[int]] = {}
        self._threads = OnThreads(workers, limit_seconds, read_limit_seconds)

    async def write(self, stream: str, number: int, payload: bytes) -> Outcome:
        """Put the mark on disk, once, whole or not at all. Never raises for what the disk does."""
        self._tried.setdefault(stream, set()).add(number)
        return await self._operate(lambda: self._put(stream, number, payload))

    async def delete(self, stream: str, number: int) -> Outcome:
        return await self._operate(lambda: self._remove(stream, number))

    async def read_back(self, stream: str) -> ReadBack:
        """Read the marks of the restored folder. Raises DatasetError where not all of it can be read.

        They are listed, and each that was written is looked for by its name besides: a listing that was cut
        short holds fewer than are counted, and does not count.
        """
        try:
            return await self._threads.read(lambda: self._list(stream))
        except OSError as error:
            reason = error.strerror or "no answer in time"
            raise DatasetError(f"cannot read the marks below {self._marked.restored}: {reason}") from error

    async def aclose(self) -> None:
        self._threads.close()

    async def _operate(self, act: Callable[[], Outcome]) -> Outcome:
        return await self._threads.operate(act, str(self._marked.folder))

    def _place(self, root: Path, stream: str) -> Path:
        return root / FOLDER / f"{self._run[:8]}-{stream}"

    def _put(self, stream: str, number: int, payload: bytes) -> Outcome:
        """Until the rename there is no mark, so what fails before it has provably not been written."""
        place = self._place(self._marked.folder, stream)
        unfinished = place / f".{number}"
        try:
            _make(place, self._marked.folder)
            _write(unfinished, payload)
            unfinished.rename(place / str(number))
        except OSError as error:
            with contextlib.suppress(OSError):
                unfinished.unlink()
            return Outcome("failed", _cause(error), str(self._marked.folder))
        return self._settled(place)

    def _remove(self, stream: str, number: int) -> Outcome:
        place = self._place(self._marked.folder, stream)
        try:
            (place / str(number)).unlink()
        except OSError as error:
            return Outcome("failed", _cause(error), str(self._marked.folder))
        return self._settled(place)

    def _settled(self, place: Path) -> Outcome:
        try:
            sync_folder(place)
        except OSError as error:
            return Outcome("indeterminate", _cause(error), str(self._marked.folder))
        return Outcome("acknowledged", "synced", str(self._marked.folder))

    def _list(self, stream: str) -> ReadBack:
        root = self._marked.restored
        if not root.is_dir():
            raise DatasetError(f"cannot read the marks below {root}: there is no such folder")
        place = self._place(root, stream)
        numbers = _numbers(place)
        rows = [(number, sha256((place / str(number)).read_bytes()).hexdigest()) for number in numbers]
        named = {number for number in self._tried.get(stream, ()) if (place / str(number)).exists()}
        return ReadBack(rows, len(named.union(_numbers(place))), end=True, address=str(root))


def _numbers(place: Path) -> list[int]:
    """The marks in a folder; none where the folder itself was not restored."""
    if not place.exists():
        return []
    names = (entry.name for entry in os.scandir(place) if not entry.name.startswith("."))
    return sorted(int(name) for name in names if name.isascii() and name.isdigit())


def _make(place: Path, root: Path) -> None:
    """The folder of marks, its new parts on disk. Never the dataset's own: one that is gone stays gone."""
    if place.is_dir():
        return
    for folder in (place.parent, place):
        folder.mkdir(exist_ok=True)
    for folder in (place.parent, root):
        sync_folder(folder)


def _write(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _cause(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, "unknown").lower()
