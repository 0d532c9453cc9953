"""What may be forgotten: whole points by rules, both of their snapshots at once, and never a needed one.

The rules are ours and not restic's `forget`, because restic knows nothing of points: it would count a partial
one as the last of its day, and keep a snapshot whose manifest it drops.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sites.drivers.restic.repository import Restic
from sites.drivers.restic.results import Snapshot
from sites.errors import RepositoryDamaged
from sites.points import Point, points
from sites.protection.damaged import tested
from sites.protection.history import Event, History, failure_kept

_PERIODS = {"hourly": "%Y%m%d%H", "daily": "%Y%m%d", "weekly": "%G%V", "monthly": "%Y%m", "yearly": "%Y"}
# A backup that still runs has no manifest yet: only what is older than this was surely never finished.
_UNFINISHED = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Rules:
    """How many points to keep of each kind. Nothing younger than `minimum` is ever forgotten."""

    last: int = 0
    hourly: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0
    yearly: int = 0
    minimum: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Retained:
    """`forgotten` are the full ids of the data's snapshots in this repository, `kept` counts the points left.

    `awaited` of them would have gone but have not arrived at the other site.
    """

    dataset: str
    repository: str
    kept: int
    forgotten: tuple[str, ...]
    awaited: int = 0


def unwanted(
    found: Sequence[Point], rules: Rules, now: datetime, arrived: Set[str] | None = None
) -> tuple[list[Point], list[Point]]:
    """The points to forget, and those that only stay until they have arrived elsewhere.

    `found` are all points of one dataset; `arrived` the first ids of those at the other site, None where
    there is no such site. A point of the future, which a wrong clock made, is neither counted nor forgotten.
    """
    past = sorted((p for p in found if p.taken <= now), key=lambda p: p.taken, reverse=True)
    kept = {id(point) for point in _kept(past, rules, now)}
    going = [point for point in past if id(point) not in kept]
    waiting = [p for p in going if arrived is not None and p.complete and p.snapshot.first_id not in arrived]
    return [point for point in going if point not in waiting], waiting


def _kept(newest_first: Sequence[Point], rules: Rules, now: datetime) -> Iterator[Point]:
    whole = [point for point in newest_first if point.complete]
    yield from whole[: max(1, rules.last)]
    for name, period in _PERIODS.items():
        yield from _last_of_each(whole, period, getattr(rules, name))
    for point in newest_first:
        age = now - point.taken
        newer = not whole or point.taken > whole[0].taken
        fresh = point.manifest is None and age < _UNFINISHED
        if age < rules.minimum or fresh or (newer and not point.complete):
            yield point


def _last_of_each(newest_first: Sequence[Point], period: str, count: int) -> Iterator[Point]:
    seen: set[str] = set()
    for point in newest_first:
        name = point.taken.astimezone(UTC).strftime(period)
        if name not in seen and len(seen) < count:
            seen.add(name)
            yield point


def retain(
    repository: Restic,
    dataset: str,
    rules: Rules,
    *,
    plan: str,
    copy: Restic | None = None,
    history: History | None = None,
    now: datetime | None = None,
) -> Retained:
    """Forget what the rules do not want of `dataset` of `plan`. Frees no room yet: `prune` does.

    With `copy`, what has not arrived there stays. Raises a BlackstartError; `history` gets the outcome.
    """
    with failure_kept(history, "retention", repository.name, dataset):
        result = _retain(repository, (dataset, plan), rules, copy, now or datetime.now(UTC), history)
    if history and result.forgotten:
        detail = {"forgotten": len(result.forgotten), "kept": result.kept, "awaited": result.awaited}
        history.append(Event("retention", repository.name, "done", dataset, detail))
    return result


def _retain(
    repository: Restic,
    whose: tuple[str, str],
    rules: Rules,
    copy: Restic | None,
    now: datetime,
    history: History | None,
) -> Retained:
    dataset, plan = whose
    tags = [f"dataset:{dataset}", f"plan:{plan}"]
    listing = repository.snapshots(tags=tags)
    if listing.unreadable:
        raise RepositoryDamaged(
            f'cannot forget snapshots of dataset "{dataset}": repository "{repository.name}": '
            f"{', '.join(listing.unreadable)} cannot be read, so what is whole is not known",
            hint="restore tests show which points are whole; nothing was forgotten",
        )
    for each in (repository, copy):
        if each is not None and history is not None:
            _refuse_damaged(each.name, dataset, history)
    found = points(listing.snapshots, dataset)
    there = copy.snapshots(tags=tags).snapshots if copy else ()
    arrived = {point.snapshot.first_id for point in points(there, dataset) if point.complete}
    going, waiting = unwanted(found, rules, now, arrived if copy else None)
    # the manifest first: cut off between the two, what is left is a point that was never finished
    manifests = [point.manifest.id for point in going if point.manifest is not None]
    gone = tuple(point.snapshot.id for point in going)
    orphans = [s.id for s in _orphans(listing.snapshots, found, now)]
    if history and going:
        # ahead of the act: cut off in it, what is gone by then was let go and was not lost
        named = [point.snapshot.first_id for point in going]
        history.append(Event("retention", repository.name, "begun", dataset, {"points": named}))
    repository.forget_snapshots([*manifests, *gone, *orphans])
    return Retained(dataset, repository.name, len(found) - len(gone), gone, len(waiting))


def _refuse_damaged(repository: str, dataset: str, history: History) -> None:
    """What the rules count as kept may be what does not come back, and what they drop all that still does."""
    doubted = tested(history.events(), repository, dataset).doubted
    if doubted is not None:
        raise RepositoryDamaged(
            f'cannot forget snapshots of dataset "{dataset}": in repository "{repository}" the restore test '
            f"of {doubted.utc:%Y-%m-%dT%H:%M:%SZ} found damage: {doubted.detail.get('reason')}",
            hint="`blackstart restore-test` shows when it is whole again; nothing was forgotten",
        )


def _orphans(snapshots: Sequence[Snapshot], found: Sequence[Point], now: datetime) -> Iterator[Snapshot]:
    """Manifests whose data is gone; a young one's may still be on its way here."""
    paired = {point.manifest.id for point in found if point.manifest is not None}
    for snapshot in snapshots:
        stray = snapshot.tagged("manifest-of") is not None and snapshot.id not in paired
        if stray and now - snapshot.time > _UNFINISHED:
            yield snapshot
