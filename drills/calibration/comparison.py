"""Planted against measured. Pure: the same truth and measurement give the same findings."""

from __future__ import annotations

from dataclasses import dataclass

from drills.calibration.case import Case, Truth
from rto_rpo.measurement import Measurement, RecoveryPoint, RecoveryTime


@dataclass(frozen=True, slots=True)
class Outage:
    """A planted outage and its bounds. `error_seconds` is the longest way from the truth to a bound."""

    name: str
    planted_seconds: float
    lower_seconds: float | None
    upper_seconds: float | None
    width_seconds_max: float
    inside: bool
    narrow: bool

    @property
    def error_seconds(self) -> float | None:
        if self.lower_seconds is None or self.upper_seconds is None:
            return None
        return max(abs(self.planted_seconds - end) for end in (self.lower_seconds, self.upper_seconds))


@dataclass(frozen=True, slots=True)
class Losses:
    """Writes that went wrong in one way: planted, not found, and found though nobody planted them."""

    way: str
    planted: int
    missed: int
    invented: int


@dataclass(frozen=True, slots=True)
class Compared:
    """One case. `void` says why nothing can be said of it: then it is neither passed nor failed."""

    outage: Outage
    losses: tuple[Losses, ...]
    void: str | None

    @property
    def passed(self) -> bool:
        exact = all(not each.missed and not each.invented for each in self.losses)
        return self.void is None and self.outage.inside and exact


@dataclass(frozen=True, slots=True)
class Pace:
    """What the width of the bounds may follow from."""

    interval_ns: int
    slowest_served_ns: int


def compare(case: Case, truth: Truth, measured: Measurement, stream: str, pace: Pace) -> Compared:
    """Hold what was measured of `stream` against what was done to it."""
    times = [each for each in measured.recovery_times if each.stream == stream]
    points = [each for each in measured.recovery_points if each.stream == stream]
    outage = _outage(case, truth, times[0] if times else None, measured, pace)
    found = points[0] if points and points[0].reading_complete else None
    unread = None if found else f"stream {stream!r} was not read back whole"
    return Compared(outage, tuple(_losses(truth, found)), measured.void or unread)


def _outage(case: Case, truth: Truth, time: RecoveryTime | None, measured: Measurement, pace: Pace) -> Outage:
    lower = time.lower_seconds if time else None
    upper = time.upper_seconds if time else None
    allowed = _width_max(case, measured, pace)
    inside = narrow = False
    if lower is not None and upper is not None:
        inside = lower <= truth.longest_ns / 1e9 and upper >= truth.shortest_ns / 1e9
        narrow = upper - lower <= allowed
    return Outage(case.name, truth.shortest_ns / 1e9, lower, upper, allowed, inside, narrow)


def _width_max(case: Case, measured: Measurement, pace: Pace) -> float:
    """Two intervals, the fault's own bracket and the slowest answer; `late` where a hang is answered late."""
    bracket = (measured.fault_end_ns or 0) - (measured.fault_begin_ns or 0)
    late = (measured.late_ns or 0) if case.kind == "hang" else 0
    return (2 * pace.interval_ns + bracket + pace.slowest_served_ns + late) / 1e9


def _losses(truth: Truth, point: RecoveryPoint | None) -> list[Losses]:
    lost = {write.number for write in point.lost} if point else set()
    found: dict[str, tuple[set[int], frozenset[int]]] = {
        "lost": (lost - truth.lost_after, truth.lost),
        "lost after the fault": (lost & truth.lost_after, truth.lost_after),
        "duplicated": (set(point.duplicated) if point else set(), truth.duplicated),
        "corrupt": (set(point.corrupt) if point else set(), truth.corrupt),
        "resurrected": (set(point.resurrected) if point else set(), truth.resurrected),
    }
    return [
        Losses(way, len(planted), len(planted - seen), len(seen - planted))
        for way, (seen, planted) in found.items()
    ]
