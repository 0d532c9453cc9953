"""Bring recovery points to the DR site: `restic copy`, and then a look at what really is there."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from sites.drivers.restic.repository import Restic
from sites.drivers.restic.results import Listing, Snapshot
from sites.errors import NoRepository, RepositoryDamaged, RepositoryError
from sites.points import points
from sites.protection.first_use import make_if_new
from sites.protection.history import Event, History, failure_kept
from sites.protection.retained import known

# The ids of one call must fit its command line.
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class ReplicationResult:
    """`copied` and `already_there` are full ids as in the source. `newest` has, for each dataset, when its
    newest complete point in the target was taken (UTC), `there` those of all of them, by first id."""

    source: str
    target: str
    copied: tuple[str, ...]
    already_there: int
    newest: dict[str, datetime]
    seconds: float
    there: dict[str, dict[str, datetime]] = field(default_factory=dict, repr=False)


def replicate(
    source: Restic, target: Restic, *, plan: str, history: History | None = None
) -> ReplicationResult:
    """Copy every snapshot of `plan` that `target` lacks. It is made on its first use, to share data well.

    `history` gets the outcome. Raises a BlackstartError unless all of them have arrived; a copy that was
    cut off is taken up again by the next one.
    """
    with failure_kept(history, "replication", target.name):
        result = _replicate(source, target, f"plan:{plan}", history)
    if history:
        history.append(_event(result, _news(result, history)))
    return result


def arrived(source: Sequence[Snapshot], target: Sequence[Snapshot]) -> set[str]:
    """Ids in `source` of what is in `target` too, copied by restic or mirrored byte by byte."""
    there = {snapshot.first_id for snapshot in target}
    return {snapshot.id for snapshot in source if snapshot.first_id in there}


def _replicate(source: Restic, target: Restic, tag: str, history: History | None) -> ReplicationResult:
    began = time.monotonic()
    wanted, before = _both(source, target, tag, history)
    if wanted.unreadable:
        raise RepositoryDamaged(
            f'cannot copy from "{source.name}": snapshots {", ".join(wanted.unreadable)} cannot be read',
            hint=f"`restic check` on {source.name} says more; restore tests show which points are whole",
        )
    there = arrived(wanted.snapshots, before.snapshots)
    missing = [snapshot.id for snapshot in wanted.snapshots if snapshot.id not in there]
    for start in range(0, len(missing), _BATCH):
        target.copy(source, missing[start : start + _BATCH])
    after = target.snapshots(tags=[tag]) if missing else before
    still_missing = set(missing) - arrived(wanted.snapshots, after.snapshots)
    if still_missing:
        named = ", ".join(sorted(snapshot_id[:8] for snapshot_id in still_missing))
        raise RepositoryError(
            f'cannot copy from "{source.name}" to "{target.name}": restic said it did; {named} are not there'
        )
    whole = _whole(after)
    return ReplicationResult(
        source.name,
        target.name,
        tuple(missing),
        len(there),
        {name: max(taken.values()) for name, taken in whole.items()},
        time.monotonic() - began,
        whole,
    )


def _both(source: Restic, target: Restic, tag: str, history: History | None) -> tuple[Listing, Listing]:
    # The two calls spend most of their time on deriving a key: side by side they cost one.
    with ThreadPoolExecutor(1) as beside:
        wanted = beside.submit(source.snapshots, tags=[tag])
        try:
            before = target.snapshots(tags=[tag])
        except NoRepository:
            wanted.result()  # a source that is not there either is the error to report
            make_if_new(target, history, copy_of=source)
            before = Listing(())
        return wanted.result(), before


def _whole(listing: Listing) -> dict[str, dict[str, datetime]]:
    """The complete points of each dataset that has any: when they were taken, by first id."""
    names = {name for snapshot in listing.snapshots if (name := snapshot.tagged("dataset"))}
    whole = {}
    for name in sorted(names):
        complete = {p.snapshot.first_id: p.taken for p in points(listing.snapshots, name) if p.complete}
        if complete:
            whole[name] = complete
    return whole


def _news(result: ReplicationResult, history: History) -> dict[str, dict[str, str]]:
    """What the history does not know yet to have arrived: each point is told of once."""
    events = history.events()
    news = {}
    for name, there in result.there.items():
        before = known(events, result.target, name)
        if new := {first: taken.isoformat() for first, taken in there.items() if first not in before}:
            news[name] = new
    return news


def _event(result: ReplicationResult, arrived: dict[str, dict[str, str]]) -> Event:
    detail = {
        "source": result.source,
        "copied": len(result.copied),
        "already_there": result.already_there,
        "newest": {name: taken.isoformat() for name, taken in result.newest.items()},
        "arrived": arrived,
        "seconds": round(result.seconds, 3),
    }
    return Event("replication", result.target, "done", None, detail)
