"""Bring a folder of files to the other site as it stands: all of it, compared file by file, or nothing."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from rto_rpo.durable import sync_folder
from sites.comparison import compare
from sites.errors import DatasetError
from sites.manifest import Manifest, scan


def carry(dataset: str, source: Path, to: Path) -> Manifest:
    """`to` holds what `source` holds; what was there is kept beside it as `NAME.before-TIME`.

    Nothing may write to `source` meanwhile. Raises DatasetError; then `to` is as it was.
    """
    staging = to.with_name(f".{to.name}.carrying")
    try:
        shutil.rmtree(staging, ignore_errors=True)
        to.parent.mkdir(parents=True, exist_ok=True)
        seen = scan(source)
        shutil.copytree(source, staging, symlinks=True)
        _give(source, staging)
        manifest = seen.settle(dataset, datetime.now(UTC).isoformat())
        _refuse_differences(dataset, manifest, staging)
        _exchange(staging, to)
    except (OSError, shutil.Error) as error:
        raise DatasetError(f'cannot carry dataset "{dataset}" from {source} to {to}: {error}') from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return manifest


class Movable(Protocol):
    """A dataset that is dumped at one site and put in place at another."""

    def dump(self, site: str, to: Path) -> None: ...

    def load(self, site: str, dump: Path) -> Path | None: ...


def carry_dump(name: str, dataset: Movable, old: str, new: str, staging: Path) -> None:
    """Site `new` holds what site `old` holds. Nothing may write at `old`, nor have it open at `new`.

    Raises DatasetError; then what is at `new` is as it was.
    """
    try:
        staging.mkdir(parents=True, exist_ok=True, mode=0o700)
        with TemporaryDirectory(prefix=f"carry-{name}-", dir=staging) as folder:
            dump = Path(folder) / "dump"
            dataset.dump(old, dump)
            dataset.load(new, dump)
    except OSError as error:
        raise DatasetError(f'cannot carry dataset "{name}" from site "{old}" to "{new}": {error}') from error


def same(source: Path, to: Path) -> bool:
    """Whether `to` holds just what `source` holds."""
    if not (source.is_dir() and to.is_dir()):
        return False
    return not compare(scan(source).settle("", ""), to).mismatches


def _give(source: Path, copy: Path) -> None:
    """Owners go along, where we may do that."""
    if os.geteuid() != 0:
        return
    for path in (source, *source.rglob("*")):
        owner = path.lstat()
        os.lchown(copy / path.relative_to(source), owner.st_uid, owner.st_gid)


def _refuse_differences(dataset: str, manifest: Manifest, copy: Path) -> None:
    found = compare(manifest, copy)
    wrong = [*found.named(3), *(f"moving: {path}" for path in manifest.moving[:3]), *found.unproven[:3]]
    if wrong:
        raise DatasetError(
            f'the copy of dataset "{dataset}" is not its source: {"; ".join(wrong)}',
            hint="stop what still writes to it",
        )


def _exchange(staging: Path, to: Path) -> None:
    if to.exists():
        kept = to.with_name(f"{to.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}")
        to.rename(kept)
    staging.rename(to)
    sync_folder(to.parent)
