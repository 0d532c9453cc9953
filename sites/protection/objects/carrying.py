"""The copying of one replication: by rclone what it may carry, the rest by ourselves; each object proven."""

from __future__ import annotations

import heapq
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from sites.drivers.s3 import rclone
from sites.drivers.s3.copying import Copier
from sites.drivers.s3.dataset import ObjectsDataset
from sites.drivers.s3.listing import Listed, listing
from sites.errors import BucketError
from sites.object_manifest import Entry, entry_of
from sites.protection.objects.merge import seen

FEW = 64  # so many are copied by ourselves before rclone has even started
FAILED_MAX = 100  # then it is not the objects
_FILTERS_MAX = 1000
_AHEAD = 4  # so many times the workers wait in line
_Item = TypeVar("_Item")
_Made = TypeVar("_Made")


@dataclass(slots=True)
class Carried:
    """What came of it. `failed` names at most 20 objects, each with the reason; `vanished` went meanwhile."""

    copied: int = 0
    bytes: int = 0
    vanished: int = 0
    failures: int = 0
    failed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    by: str = "boto3"


class Wanted:
    """The objects to copy, kept on disk in two lists: what rclone may carry, and what it may not."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.counts = {"easy": 0, "other": 0}
        self._files = {name: self.path(name).open("w", encoding="utf-8") for name in self.counts}

    def path(self, name: str) -> Path:
        return self.folder / f"wanted-{name}.jsonl"

    def add(self, listed: Listed, *, easy: bool) -> None:
        name = "easy" if easy else "other"
        self._files[name].write(_line(listed))
        self.counts[name] += 1

    def close(self) -> None:
        for file in self._files.values():
            file.close()

    def read(self, name: str) -> Iterator[Listed]:
        with self.path(name).open(encoding="utf-8") as lines:
            for line in lines:
                yield Listed(*json.loads(line))


def copied(
    dataset: ObjectsDataset, copier: Copier, wanted: Wanted, listed: int, program: str | None
) -> tuple[Iterator[Entry], Carried]:
    """Copy all that is wanted; an entry for each that has arrived, in order, as the iterator is drawn from.

    `listed` is how many objects the source has. Raises BucketError when nothing seems to go any more.
    """
    told = Carried()
    if program is None or wanted.counts["easy"] < FEW:
        both = heapq.merge(wanted.read("easy"), wanted.read("other"), key=_key)
        return _by_ourselves(dataset, copier, both, told), told
    proven = _by_rclone(dataset, wanted, listed, program, told)
    left = heapq.merge(wanted.read("left"), wanted.read("other"), key=_key)
    # the proven ones lie on disk in order, and what rclone left is copied while they are read
    return heapq.merge(proven, _by_ourselves(dataset, copier, left, told), key=_key), told


def _line(listed: Listed) -> str:
    return json.dumps((listed.key, listed.size, listed.etag, listed.modified)) + "\n"


def _key(item: Listed | Entry) -> str:
    return item.key


def _by_ourselves(
    dataset: ObjectsDataset, copier: Copier, wanted: Iterable[Listed], told: Carried
) -> Iterator[Entry]:
    def copy(listed: Listed) -> Entry | BucketError | None:
        try:
            return copier.copy(listed)
        except BucketError as error:
            return error

    for listed, done in side_by_side(copy, wanted, dataset.workers):
        if done is None:
            told.vanished += 1
        elif isinstance(done, Entry):
            told.copied += 1
            told.bytes += done.size
            yield done
        else:
            told.failures += 1
            told.failed += [f"{listed.key!r}: {done}"] if len(told.failed) < 20 else []
            if told.failures > FAILED_MAX:
                raise BucketError(
                    f'cannot replicate dataset "{dataset.name}": more than {FAILED_MAX} objects failed, '
                    f"{told.copied} were copied; the first: {told.failed[0]}",
                    hint=done.hint,
                )


def side_by_side(
    act: Callable[[_Item], _Made], items: Iterable[_Item], workers: int
) -> Iterator[tuple[_Item, _Made]]:
    """Like map, in order, a bounded number at once. Left early, what has not begun never does."""
    pool = ThreadPoolExecutor(workers, thread_name_prefix="copy")
    waiting: deque[tuple[_Item, Future[_Made]]] = deque()
    try:
        for item in items:
            waiting.append((item, pool.submit(act, item)))
            if len(waiting) >= workers * _AHEAD:
                first, done = waiting.popleft()
                yield first, done.result()
        while waiting:
            first, done = waiting.popleft()
            yield first, done.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _by_rclone(
    dataset: ObjectsDataset, wanted: Wanted, listed: int, program: str, told: Carried
) -> Iterator[Entry]:
    """Let rclone copy, then look at the replica ourselves. What is not proven is left to us."""
    whole = wanted.counts["easy"] * 3 >= listed and wanted.counts["other"] <= _FILTERS_MAX
    keys, filters = wanted.folder / "keys", wanted.folder / "filters"
    if whole:
        rules = ["- /.blackstart/**", *(rclone.leave_out(one.key) for one in wanted.read("other"))]
        filters.write_text("\n".join(rules) + "\n", encoding="utf-8")
    else:
        with keys.open("w", encoding="utf-8") as file:
            file.writelines(f"{one.key}\n" for one in wanted.read("easy"))
    said = rclone.carry(
        program,
        dataset.source,
        dataset.replica,
        keys=None if whole else keys,
        filters=filters,
        limit_seconds=dataset.limit_seconds,
    )
    told.by = "rclone"
    told.notes += [said] if said else []
    return _proven(dataset, wanted, told)


def _proven(dataset: ObjectsDataset, wanted: Wanted, told: Carried) -> Iterator[Entry]:
    """Hold what rclone was to carry against a new listing; the rest goes to the list of what is left."""
    proven = wanted.folder / "proven.jsonl"
    with proven.open("wb") as good, wanted.path("left").open("w", encoding="utf-8") as left:
        for one in seen(wanted.read("easy"), listing(dataset.replica)):
            if one.source is None:
                continue
            if one.why == "same" and one.entry is not None:
                good.write(one.entry.line())
                told.copied += 1
                told.bytes += one.entry.size
            else:
                left.write(_line(one.source))
    return read_entries(proven)


def read_entries(path: Path) -> Iterator[Entry]:
    """Entries that lie on disk for the length of one run."""
    with path.open("rb") as lines:
        for line in lines:
            yield entry_of(line)
