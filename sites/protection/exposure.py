"""The recovery point, known at any moment: what could be restored at DR now, and how old it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from sites.capability import Proof
from sites.drivers.restic.repository import Restic
from sites.drivers.restic.results import Listing
from sites.errors import BlackstartError, RepositoryError
from sites.points import Foreign, Point, points
from sites.protection.history import Event, History
from sites.protection.trend import Trend, direction, peaks

# Clocks of two sites may differ a little; more than this and a time is not to be believed.
_CLOCK_SKEW = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Declared:
    """A dataset and its objective. `replica` tells whether a live copy at DR has every commit."""

    dataset: str
    rpo_seconds: float | None
    replica: Callable[[], Proof] | None = None
    foreign: Foreign | None = None


@dataclass(frozen=True, slots=True)
class Exposure:
    """One row of the status.

    `point` is when the newest content restorable at DR was taken (UTC), None when there is none or it cannot
    be known; `snapshot_id` its full id at the source. `exceeded` is true unless it is known to be within the
    RPO. `proven` is when a restore test last was met, `proven_point` the content that it restored.
    `peaks` are the last exposures in seconds, each just before a newer point arrived; `trend` is theirs.
    """

    dataset: str
    rpo_seconds: float | None
    by: Literal["backup", "replica"] | None
    point: datetime | None
    age_seconds: float | None
    exceeded: bool
    snapshot_id: str | None = None
    proven: datetime | None = None
    proven_point: datetime | None = None
    notes: tuple[str, ...] = ()
    peaks: tuple[float, ...] = ()
    trend: Trend | None = None


def exposures(
    declared: Sequence[Declared],
    repository: Restic,
    *,
    history: History | None = None,
    now: datetime | None = None,
) -> list[Exposure]:
    """A row for each dataset, from one look at the DR site's `repository`.

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
    rows = [_exposure(one, listing, history, instant, notes) for one in declared]
    return [_with_trend(row, repository.name, history.events()) for row in rows] if history else rows


def _with_trend(row: Exposure, repository: str, events: Sequence[Event]) -> Exposure:
    found = peaks(row.dataset, repository, events)
    return replace(row, peaks=found, trend=direction(found))


def _exposure(
    declared: Declared, listing: Listing, history: History | None, now: datetime, notes: tuple[str, ...]
) -> Exposure:
    try:
        found = points(listing.snapshots, declared.dataset, declared.foreign)
    except RepositoryError as error:
        found, notes = [], (*notes, str(error))
    point, remarks = _newest(found, now)
    proven, proven_point = _proven(declared.dataset, history)
    in_sync, said = _replica(declared)
    row = Exposure(
        dataset=declared.dataset,
        rpo_seconds=declared.rpo_seconds,
        by="replica" if in_sync else ("backup" if point else None),
        point=now if in_sync else (point.taken if point else None),
        age_seconds=0.0 if in_sync else (_age(point, now) if point else None),
        exceeded=False,
        snapshot_id=point.snapshot.first_id if point else None,
        proven=proven,
        proven_point=proven_point,
        notes=(*notes, *remarks, *said),
    )
    return _judged(row)


def _judged(row: Exposure) -> Exposure:
    if row.rpo_seconds is None:
        return row
    return replace(row, exceeded=row.age_seconds is None or row.age_seconds > row.rpo_seconds)


def _newest(found: Sequence[Point], now: datetime) -> tuple[Point | None, list[str]]:
    """The newest complete point, and a remark on each newer one that is none."""
    remarks = []
    for point in reversed(found):
        name = f"snapshot {point.snapshot.first_id[:8]} of {point.taken:%Y-%m-%dT%H:%M:%SZ}"
        if point.taken > now + _CLOCK_SKEW:
            remarks.append(f"{name} lies in the future: a clock is wrong, so it does not count")
        elif point.lacks:
            remarks.append(f"{name} {point.lacks}")
        else:
            return point, remarks
    return None, [*remarks, "no complete recovery point is there"]


def _age(point: Point, now: datetime) -> float:
    return max(0.0, (now - point.taken).total_seconds())


def _replica(declared: Declared) -> tuple[bool, list[str]]:
    if declared.replica is None:
        return False, []
    try:
        proof = declared.replica()
    except BlackstartError as error:
        return False, [f"the replica cannot be asked: {error}"]
    return proof.holds, [] if proof.holds else [f"the replica does not cover it: {proof.how}"]


def _proven(dataset: str, history: History | None) -> tuple[datetime | None, datetime | None]:
    event = history.last("restore_test", dataset=dataset, outcomes=("met",)) if history else None
    if event is None:
        return None, None
    taken = event.detail.get("taken")
    return event.utc, datetime.fromisoformat(taken) if isinstance(taken, str) else None
