"""Drills that were due and did not happen: the schedules that were in force, held against the chain."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from rto_rpo.evidence.agreed.charter import frozen_charter
from rto_rpo.evidence.lines.history import RunRecord
from rto_rpo.evidence.lines.line import Opened
from rto_rpo.schedule import ScheduleError, due

TOLERANCE: Final = timedelta(hours=1)
EARLY: Final = timedelta(minutes=1)  # clocks of two machines are never the same


@dataclass(frozen=True, slots=True)
class InForce:
    """A drill's schedule (five cron fields, UTC) and how long it stood in the plan: [since, until)."""

    plan: str
    drill: str
    schedule: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class NotRun:
    """A drill that was due at `due`, and of which no run was opened within the tolerance.

    `why`: what was kept of it when it was found to be too late or not allowed; None where nothing was.
    """

    plan: str
    drill: str
    due: datetime
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Blind:
    """A stretch of a plan's time of which nothing says which drills were due: [since, until)."""

    plan: str
    since: datetime
    until: datetime


def not_run(
    schedules: Sequence[InForce],
    runs: Sequence[tuple[str, str, datetime]],
    now: datetime,
    tolerance: timedelta = TOLERANCE,
) -> tuple[NotRun, ...]:
    """What was due and did not happen. `runs` are (plan, drill, opened). One run answers for one due time.

    What is due less than the tolerance ago may still come, and is not told yet.
    """
    left: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    for plan, drill, opened in runs:
        left[plan, drill].append(opened)
    for times in left.values():
        times.sort()
    return tuple(
        sorted(
            (
                NotRun(stretch.plan, stretch.drill, at)
                for stretch in sorted(schedules, key=lambda each: each.since)
                for at in due(stretch.schedule, stretch.since, stretch.until)
                if at + tolerance <= now and not _answered(left[stretch.plan, stretch.drill], at, tolerance)
            ),
            key=lambda each: (each.due, each.plan, each.drill),
        )
    )


def _answered(opened: list[datetime], at: datetime, tolerance: timedelta) -> bool:
    """`opened` is sorted. One run answers for one time that was due."""
    place = bisect_left(opened, at - EARLY)
    if place == len(opened) or opened[place] > at + tolerance:
        return False
    del opened[place]
    return True


@dataclass(frozen=True, slots=True)
class Programme:
    """What was due and did not happen, and the times of which nobody can tell."""

    not_run: tuple[NotRun, ...]
    blind: tuple[Blind, ...]


def overdue(
    root: Path, records: Sequence[RunRecord], now: datetime, declared: Sequence[InForce] = ()
) -> Programme:
    """The same from a folder of evidence: each charter holds the schedules of its plan as they stood.

    `declared`: those of the plan at hand, where there is one; they count where its newest charter lacks them.
    """
    runs = [(each.opened.plan, each.opened.drill, opened_at(each.opened)) for each in records]
    stretches = [*_stretches(root, records, now)]
    schedules = [
        InForce(each.opened.plan, drill, schedule, opened_at(each.opened), each.until)
        for each in stretches
        for drill, schedule in (each.schedules or {}).items()
    ]
    last = {each.opened.plan: opened_at(each.opened) for each in stretches}
    schedules = [*_with_those_declared(schedules, declared, last, now)]
    return Programme(not_run(schedules, runs, now), tuple(_blind(stretches)))


def _with_those_declared(
    frozen: Sequence[InForce], declared: Sequence[InForce], last: Mapping[str, datetime], now: datetime
) -> Iterator[InForce]:
    """No charter has them, so they came after the plan's last run; one that they replace held until then."""
    known = {(each.plan, each.drill, each.schedule) for each in frozen if each.until == now}
    new = {
        (each.plan, each.drill): replace(each, since=max(each.since, last.get(each.plan, each.since)))
        for each in declared
        if (each.plan, each.drill, each.schedule) not in known
    }
    for each in frozen:
        after = new.get((each.plan, each.drill))
        yield replace(each, until=min(each.until, after.since)) if after and each.until == now else each
    yield from new.values()


def opened_at(opened: Opened) -> datetime:
    return datetime.fromisoformat(opened.utc)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """How long a run's charter speaks, and for which schedules. None: it has none that can be believed."""

    opened: Opened
    until: datetime
    schedules: dict[str, str] | None


def _stretches(root: Path, records: Sequence[RunRecord], now: datetime) -> Iterator[_Stretch]:
    """Until the plan's next run, or now."""
    last: dict[str, Opened] = {}
    for record in records:
        opened = record.opened
        if before := last.get(opened.plan):
            yield _Stretch(before, opened_at(opened), _schedules(root, before))
        last[opened.plan] = opened
    for opened in last.values():
        yield _Stretch(opened, now, _schedules(root, opened))


def _blind(stretches: Sequence[_Stretch]) -> Iterator[Blind]:
    """One after the other of a plan are one."""
    open_: dict[str, Blind] = {}
    for each in stretches:
        plan, since = each.opened.plan, opened_at(each.opened)
        if each.schedules is None:
            open_[plan] = replace(open_.get(plan, Blind(plan, since, since)), until=each.until)
        elif plan in open_:
            yield open_.pop(plan)
    yield from open_.values()


def _schedules(root: Path, opened: Opened) -> dict[str, str] | None:
    found = frozen_charter(root / opened.folder, opened.charter_sha256)
    if found is None:
        return None
    return {drill: schedule for drill, schedule in found.schedules.items() if _sound(schedule)}


def _sound(schedule: str) -> bool:
    instant = datetime.fromisoformat("2000-01-01T00:00:00Z")
    try:
        next(due(schedule, instant, instant + timedelta(days=1)), None)
    except ScheduleError:
        return False
    return True
