"""The recovery point, known at any moment: what could be restored at DR now, and how old it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sites.capability import Position, Proof
from sites.drivers.restic.repository import Restic
from sites.drivers.restic.results import Listing
from sites.errors import BlackstartError, RepositoryError
from sites.points import CLOCK_SKEW, Foreign, Point, points
from sites.protection.damaged import Tested, tested
from sites.protection.history import History
from sites.protection.trend import Trend, direction, peaks

Source = Literal["backup", "wal", "replica", "copy"]


@dataclass(frozen=True, slots=True)
class Declared:
    """A dataset of `plan` and its objective.

    `replica` tells whether a live copy at DR has every commit, `position` how far one has come, by the log,
    `newest` when the newest that one has was written, by somebody else's word.
    """

    dataset: str
    rpo_seconds: float | None
    replica: Callable[[], Proof] | None = None
    foreign: Foreign | None = None
    position: Callable[[], Position] | None = None
    newest: Callable[[], datetime | None] | None = None
    plan: str | None = None


@dataclass(frozen=True, slots=True)
class Best:
    """The newest whole point: when its content was taken, which one it is, up to where in a log.

    `promised`: not only is it whole now, nothing is acknowledged before it is there.
    """

    taken: datetime
    snapshot_id: str
    by: Source = "backup"
    lsn: str | None = None
    promised: bool = False


@dataclass(frozen=True, slots=True)
class Exposure:
    """One row of the status.

    `point` is when the newest content restorable at DR was taken (UTC), None when there is none or it cannot
    be known; `snapshot_id` its full id at the source, `lsn` how far in its log it goes. `exceeded` is true
    unless it is known to be within the RPO. `proven` is when a restore test last was met, `proven_point` the
    content that it restored.
    `peaks` are the last exposures in seconds, each just before a newer point arrived; `trend` is theirs.
    """

    dataset: str
    rpo_seconds: float | None
    by: Source | None
    point: datetime | None
    age_seconds: float | None
    exceeded: bool
    snapshot_id: str | None = None
    proven: datetime | None = None
    proven_point: datetime | None = None
    notes: tuple[str, ...] = ()
    peaks: tuple[float, ...] = ()
    trend: Trend | None = None
    lsn: str | None = None


def exposures(
    declared: Sequence[Declared],
    repository: Restic,
    *,
    history: History | None = None,
    now: datetime | None = None,
) -> list[Exposure]:
    """A row for each dataset, from one look at the DR site's `repository`, and what its restore tests showed.

    The times are those at which the source was read, never when a run ended. Raises nothing for what
    cannot be known: the row notes it, and counts as exceeded.
    """
    instant = now or datetime.now(UTC)
    notes: tuple[str, ...] = ()
    try:
        listing = repository.unlocked().uncached().snapshots()
        if listing.unreadable:
            notes = (
                f'repository "{repository.name}" has unreadable snapshots: {", ".join(listing.unreadable)}',
            )
    except RepositoryError as error:
        listing, notes = Listing(()), (str(error),)
    rows = []
    events = history.events() if history else []
    for one in declared:
        best, remarks = _restorable(one, listing, instant, tested(events, repository.name, one.dataset))
        rows.append(row(one, best, repository.name, history, instant, (*notes, *remarks)))
    return rows


def row(
    declared: Declared,
    best: Best | None,
    repository: str | None,
    history: History | None,
    now: datetime,
    notes: Sequence[str],
) -> Exposure:
    """The row of one dataset: the best of its backups, or its live copy where that is newer."""
    replica, said = _replica(declared, now)
    newest = max((one for one in (best, replica) if one is not None), key=_taken, default=None)
    proven, proven_point = _proven(declared.dataset, history)
    age_seconds = max(0.0, (now - newest.taken).total_seconds()) if newest else None
    rpo_seconds = declared.rpo_seconds
    found = peaks(declared.dataset, repository, history.events()) if history and repository else ()
    return Exposure(
        dataset=declared.dataset,
        rpo_seconds=rpo_seconds,
        by=newest.by if newest else None,
        point=newest.taken if newest else None,
        age_seconds=age_seconds,
        exceeded=_exceeded(rpo_seconds, age_seconds, newest),
        snapshot_id=best.snapshot_id if best else None,
        proven=proven,
        proven_point=proven_point,
        notes=(*notes, *said),
        peaks=found,
        trend=direction(found),
        lsn=newest.lsn if newest else None,
    )


def _exceeded(rpo_seconds: float | None, age_seconds: float | None, newest: Best | None) -> bool:
    """An rpo of nothing is kept by what commits wait for, never by what happens to be level just now."""
    if rpo_seconds is None or newest is None or age_seconds is None:
        return rpo_seconds is not None
    return age_seconds > rpo_seconds or (rpo_seconds == 0 and not newest.promised)


def _taken(one: Best) -> datetime:
    return one.taken


def _restorable(
    declared: Declared, listing: Listing, now: datetime, shown: Tested
) -> tuple[Best | None, list[str]]:
    """The newest whole snapshot, and a remark on each newer one that is none."""
    try:
        found = points(listing.snapshots, declared.dataset, declared.foreign, plan=declared.plan)
    except RepositoryError as error:
        return None, [str(error)]
    point, remarks = _newest(found, now, shown)
    return (Best(point.taken, point.snapshot.first_id) if point else None), remarks


def _newest(found: Sequence[Point], now: datetime, shown: Tested) -> tuple[Point | None, list[str]]:
    """The newest complete point that no restore test speaks against, and a remark on each newer one."""
    remarks = []
    for point in reversed(found):
        name = f"snapshot {point.snapshot.first_id[:8]} of {point.taken:%Y-%m-%dT%H:%M:%SZ}"
        if point.taken > now + CLOCK_SKEW:
            remarks.append(f"{name} lies in the future: a clock is wrong, so it does not count")
        elif point.lacks:
            remarks.append(f"{name} {point.lacks}")
        elif (why := shown.against(point.snapshot.first_id)) is not None:
            remarks.append(f"{name} {why}")
        else:
            return point, remarks
    return None, [*remarks, "no complete recovery point is there"]


def _replica(declared: Declared, now: datetime) -> tuple[Best | None, list[str]]:
    """What the live copy holds: all that is acknowledged, or what it has replayed of the log."""
    said: list[str] = []
    if declared.replica is not None:
        try:
            proof = declared.replica()
            if proof.holds:
                return Best(now, "", "replica", promised=True), []
            said = [f"the replica does not cover it: {proof.how}"]
        except BlackstartError as error:
            said = [f"the replica cannot be asked: {error}"]
    if declared.position is None:
        return _as_told(declared, now, said)
    try:
        at = declared.position()
    except BlackstartError as error:
        return None, [*said, f"how far the replica has come cannot be asked: {error}"]
    if at.behind_bytes == 0:
        return Best(now, "", "replica", at.lsn), [*said, f"the replica has all of the log, up to {at.lsn}"]
    behind = f", {at.behind_bytes} bytes behind" if at.behind_bytes is not None else ""
    if at.committed is None:
        return None, [*said, f"the replica is at {at.lsn}{behind}, and has replayed no commit yet"]
    if at.committed > now + CLOCK_SKEW:
        when = f"{at.committed:%Y-%m-%dT%H:%M:%SZ}"
        return None, [*said, f"the replica's newest commit, of {when}, lies in the future: a clock is wrong"]
    told = f"the replica is at {at.lsn}{behind}, its newest commit of {at.committed:%Y-%m-%dT%H:%M:%SZ}"
    return Best(min(at.committed, now), "", "replica", at.lsn), [*said, told]


def _as_told(declared: Declared, now: datetime, said: list[str]) -> tuple[Best | None, list[str]]:
    try:
        taken = declared.newest() if declared.newest is not None else None
    except BlackstartError as error:
        return None, [*said, str(error)]
    if taken is not None and taken > now + CLOCK_SKEW:
        told = f"the replica's newest, of {taken:%Y-%m-%dT%H:%M:%SZ}, lies in the future"
        return None, [*said, f"{told}: a clock is wrong, so it does not count"]
    return (Best(min(taken, now), "", "replica") if taken is not None else None), said


def _proven(dataset: str, history: History | None) -> tuple[datetime | None, datetime | None]:
    event = history.last("restore_test", dataset=dataset, outcomes=("met",)) if history else None
    if event is None:
        return None, None
    taken = event.detail.get("taken")
    return event.utc, datetime.fromisoformat(taken) if isinstance(taken, str) else None
