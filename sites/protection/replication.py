"""Bring recovery points to the DR site: `restic copy`, and then a look at what really is there."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
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
    """`copied` are full ids as in the source, `already_there` counts the others. `newest` has, for each
    dataset, when its newest complete point in the target was taken (UTC), `there` those of all, by first id.
    """

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
    wanted, before, sent = _begun(source, target, tag, history)
    there = arrived(wanted.snapshots, before.snapshots) - sent
    missing = [snapshot.id for snapshot in wanted.snapshots if snapshot.id not in there]
    left = [snapshot_id for snapshot_id in missing if snapshot_id not in sent]
    for start in range(0, len(left), _BATCH):
        target.copy(source, left[start : start + _BATCH])
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


def _begun(
    source: Restic, target: Restic, tag: str, history: History | None
) -> tuple[Listing, Listing, set[str]]:
    """What the source has and what the target had, and the ids that were sent meanwhile.

    The two listings spend most of their time on deriving a key: side by side they cost one, and beside a copy
    of what is known to be new they cost nothing. What is to be said of the listings comes first.
    """
    new = made_since(history, source.name, target.name)[-_BATCH:]
    with ThreadPoolExecutor(2) as beside:
        wanted = beside.submit(source.snapshots, tags=[tag])
        before = beside.submit(target.snapshots, tags=[tag])
        failed = _sent(source, target, new)
        had = _of_the_target(before, wanted, source, target, history)
    _refuse_unreadable(wanted.result(), source)
    if failed is None:
        return wanted.result(), had, set(new)
    # of what was forgotten at the source meanwhile, and of a target not made yet, nothing is to be said
    if before.exception() is None and set(new) <= {snapshot.id for snapshot in wanted.result().snapshots}:
        raise failed
    return wanted.result(), had, set()


def made_since(history: History | None, source: str, target: str) -> list[str]:
    """Full ids of what was put into `source` since the last replication to `target`, by the history."""
    ids: list[str] = []
    for event in history.events() if history else ():
        if (event.kind, event.repository, event.outcome) == ("replication", target, "done"):
            ids = []
        elif (event.kind, event.repository) == ("backup", source) and "manifest_id" in event.detail:
            ids += [event.detail["snapshot_id"], event.detail["manifest_id"]]
    return ids


def _sent(source: Restic, target: Restic, snapshot_ids: Sequence[str]) -> RepositoryError | None:
    try:
        if snapshot_ids:
            target.copy(source, snapshot_ids)
    except RepositoryError as error:
        return error
    return None


def _of_the_target(
    before: Future[Listing], wanted: Future[Listing], source: Restic, target: Restic, history: History | None
) -> Listing:
    """What the target had. It is made where there is none."""
    try:
        return before.result()
    except NoRepository:
        wanted.result()  # a source that is not there either is the error to report
        make_if_new(target, history, copy_of=source)
        return Listing(())


def _refuse_unreadable(wanted: Listing, source: Restic) -> None:
    if wanted.unreadable:
        raise RepositoryDamaged(
            f'cannot copy from "{source.name}": snapshots {", ".join(wanted.unreadable)} cannot be read',
            hint=f"`restic check` on {source.name} says more; restore tests show which points are whole",
        )


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
