"""Put a dataset back at its place from a repository: the newest whole point, all of it or nothing."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from rto_rpo.durable import sync_folder
from sites.drivers.restic.repository import OnProgress, Restic
from sites.drivers.restic.results import Snapshot
from sites.errors import DatasetError, RepositoryError
from sites.points import DUMP_NAME, Foreign, Point, of_the_past, points


@dataclass(frozen=True, slots=True)
class Restored:
    """`snapshot_id` is the full id that the snapshot had when it was made, `taken` the age of its content.

    `complete` is False when nothing better was there than a partial or unfinished point.
    `kept` is where the content that was there before lies now.
    """

    dataset: str
    snapshot_id: str
    taken: datetime
    complete: bool
    seconds: float
    kept: Path | None


@dataclass(frozen=True, slots=True)
class ChosenPoint:
    """One that is to be restored instead of the newest: its full id at the source, and why that one."""

    snapshot_id: str
    why: str


def restore_dataset(
    repository: Restic,
    dataset: str,
    to: Path,
    *,
    plan: str | None = None,
    chosen: ChosenPoint | None = None,
    foreign: Foreign | None = None,
    on_progress: OnProgress | None = None,
) -> Restored:
    """Restore the newest point of `dataset` of `plan` so that `to` holds it; until then `to` stays as it was.

    What was at `to` is kept beside it as `NAME.before-TIME`. Neither waits for the lock of a site that is
    gone nor leaves one. Raises RepositoryError; then nothing has changed.
    """
    began = time.monotonic()
    reader = repository.unlocked()
    point = choose(reader, dataset, foreign, chosen, plan=plan)
    staging = to.with_name(f".{to.name}.restoring")
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        if staging.exists():
            shutil.rmtree(staging)
        staging.mkdir(mode=0o700)
        reader.restore(point.snapshot.id, staging, on_progress=on_progress)
        kept = _put_in_place(point, staging, to)
        shutil.rmtree(staging)
        sync_folder(to.parent)
    except OSError as error:
        raise DatasetError(f'cannot restore dataset "{dataset}" to {to}: {error.strerror}') from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return Restored(
        dataset, point.snapshot.first_id, point.taken, point.complete, time.monotonic() - began, kept
    )


class Loadable(Protocol):
    """A dataset that is put back from its dump."""

    def load(self, site: str, dump: Path) -> Path | None:
        """Make the dump's content the dataset's at `site`. Returns where what was there before is kept."""
        ...


def restore_dump(
    repository: Restic,
    dataset: str,
    loader: Loadable,
    site: str,
    scratch: Path,
    *,
    plan: str | None = None,
    chosen: ChosenPoint | None = None,
    on_progress: OnProgress | None = None,
) -> Restored:
    """Restore the newest point of `dataset` to a closed folder in `scratch`, and load it at `site`.

    Raises RepositoryError, DatasetError; then what is at the site is as it was.
    """
    began = time.monotonic()
    reader = repository.unlocked()
    point = choose(reader, dataset, chosen=chosen, plan=plan)
    try:
        scratch.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=f".{dataset}-restoring-", dir=scratch) as folder:
            reader.restore(point.snapshot.id, Path(folder), on_progress=on_progress)
            kept = loader.load(site, point.root_in(Path(folder)) / DUMP_NAME)
    except OSError as error:
        raise DatasetError(f'cannot restore dataset "{dataset}" in {scratch}: {error.strerror}') from error
    return Restored(
        dataset, point.snapshot.first_id, point.taken, point.complete, time.monotonic() - began, kept
    )


def choose(
    repository: Restic,
    dataset: str,
    foreign: Foreign | None = None,
    chosen: ChosenPoint | None = None,
    *,
    plan: str | None = None,
) -> Point:
    """The newest complete point of `plan`; failing that, the newest of any sort; or the one that was chosen.

    Raises RepositoryError without one.
    """
    tags = [f"dataset:{dataset}"] if foreign is None else foreign.tags
    listed = repository.snapshots(tags=tags).snapshots
    found = points(listed, dataset, foreign, plan=plan)
    if not found:
        raise RepositoryError(
            f'cannot restore dataset "{dataset}": repository "{repository.name}" has no snapshot of it'
            + _of_others(listed, foreign),
            hint=f"`restic snapshots --tag dataset:{dataset}` lists them; look in the other repositories",
        )
    if chosen is None:
        counted = of_the_past(found) or found  # better one whose clock was wrong than none at all
        return next((point for point in reversed(counted) if point.complete), counted[-1])
    wanted = next((point for point in found if point.snapshot.first_id == chosen.snapshot_id), None)
    if wanted is None:
        raise RepositoryError(
            f'cannot restore dataset "{dataset}": repository "{repository.name}" has no snapshot '
            f"{chosen.snapshot_id[:8]}, which was chosen ({chosen.why})",
            hint="nothing newer is restored instead; choose again: blackstart failover --cold --clean",
        )
    return wanted


def _of_others(listed: Sequence[Snapshot], foreign: Foreign | None) -> str:
    """Whose it has: a plan that was given another name finds nothing of its own."""
    plans = sorted({plan for one in listed if foreign is None and (plan := one.tagged("plan"))})
    return f"; those there are of {', '.join(plans)}" if plans else ""


def _put_in_place(point: Point, staging: Path, to: Path) -> Path | None:
    restored = point.root_in(staging)
    if not restored.is_dir():
        raise RepositoryError(f"snapshot {point.snapshot.id[:8]} holds no folder {point.snapshot.paths[0]}")
    kept = None
    if os.path.lexists(to):
        kept = to.with_name(f"{to.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}")
        to.rename(kept)
    try:
        restored.rename(to)
    except OSError:
        if kept is not None:
            kept.rename(to)
        raise
    return kept


@dataclass(frozen=True, slots=True)
class RestoreSource:
    """Where a dataset is restored from at the other site, and to. A dump is put in place by its `loader`."""

    dataset: str
    repository_name: str
    repository: Restic
    site: str
    to: Path
    loader: Loadable | None = None
    foreign: Foreign | None = None
    chosen: ChosenPoint | None = None
    plan: str | None = None

    def restore(self, limit_seconds: float, *, gently: bool = True) -> Restored:
        """Put the newest whole point in place; `gently` where the first services may serve again by now.

        Raises RepositoryError, DatasetError.
        """
        reader = self.repository.gently() if gently else self.repository
        reader = replace(reader, transfer_limit_seconds=limit_seconds)
        if self.loader is None:
            return restore_dataset(
                reader, self.dataset, self.to, plan=self.plan, foreign=self.foreign, chosen=self.chosen
            )
        return restore_dump(
            reader, self.dataset, self.loader, self.site, self.to.parent, plan=self.plan, chosen=self.chosen
        )
