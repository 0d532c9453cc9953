"""A dataset as a folder ready to be backed up: the files themselves, or a dump in a closed place."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rto_rpo.durable import try_lock
from sites.drivers.files import FilesDataset
from sites.errors import DatasetError
from sites.exclusion import Exclusion
from sites.known_hashes import KnownHashes, Read, load, save
from sites.points import DUMP_NAME


class Dumpable(Protocol):
    """A dataset that is backed up through a dump, such as a database."""

    @property
    def name(self) -> str: ...

    def dump(self, site: str, to: Path) -> None:
        """Write a dump of the copy at `site` to `to`, which does not exist: a file or a folder."""
        ...

    def check_dump(self, path: Path) -> None:
        """Raise DatasetError when the dump at `path` cannot be restored."""
        ...


@dataclass(frozen=True, slots=True)
class Source:
    """A folder ready to be backed up. `hashes` is where what we read of it is kept for the next time."""

    root: Path
    exclude: Exclusion
    dump_seconds: float = 0.0
    hashes: Path | None = None

    def known(self) -> KnownHashes | None:
        return load(self.hashes, self.root) if self.hashes is not None else None

    def keep(self, read: Iterable[tuple[str, Read]]) -> None:
        """It saves time, and its want costs time and nothing else."""
        if self.hashes is not None:
            with suppress(OSError):
                save(self.hashes, self.root, read)


@contextmanager
def ready(dataset: FilesDataset | Dumpable, site: str, staging: Path) -> Iterator[Source]:
    """Yield the folder to back up. A dump, of the copy at `site`, is gone afterwards. Raises DatasetError."""
    if isinstance(dataset, FilesDataset):
        yield Source(dataset.root(), dataset.exclude, hashes=staging / f".{dataset.name}.hashes")
        return
    began = time.monotonic()
    with _closed_folder(staging.resolve(), dataset.name) as folder:
        to = folder / DUMP_NAME
        dataset.dump(site, to)
        _refuse_empty(dataset.name, to)
        dataset.check_dump(to)
        yield Source(folder, Exclusion(), time.monotonic() - began)


@contextmanager
def _closed_folder(staging: Path, name: str) -> Iterator[Path]:
    """An empty folder that only we can enter, always of the same path: restic finds its parent by that."""
    folder = staging / name
    with _one_at_a_time(staging, name):
        try:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(mode=0o700)
        except OSError as error:
            raise DatasetError(f'cannot stage dataset "{name}" in {staging}: {error.strerror}') from error
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _one_at_a_time(staging: Path, name: str) -> Iterator[None]:
    try:
        staging.mkdir(parents=True, exist_ok=True, mode=0o700)
        fd = os.open(staging / f".{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DatasetError(f'cannot stage dataset "{name}" in {staging}: {error.strerror}') from error
    try:
        if not try_lock(fd):
            raise DatasetError(f'cannot back up dataset "{name}": another backup of it is under way')
        yield
    finally:
        os.close(fd)


def _refuse_empty(name: str, dump: Path) -> None:
    files = dump.rglob("*") if dump.is_dir() else [dump]
    if not any(path.is_file() and path.stat().st_size for path in files):
        raise DatasetError(f'dump of dataset "{name}" is empty', hint="the point before it stays the newest")
