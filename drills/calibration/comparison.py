"""Planted against measured. Pure: the same truth and measurement give the same findings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from drills.calibration.case import Case, Truth
from rto_rpo.measurement import Measurement, RecoveryPoint, RecoveryTime


@dataclass(frozen=True, slots=True)
class Outage:
    """A planted outage and its bounds. `error_seconds` is the longest way from the truth to a bound.

    It lasted `planted_seconds` at least, and `planted_seconds_max` at most: whoever waited for a server that
    hung is answered one after the other.
    """

    name: str
    planted_seconds: float
    planted_seconds_max: float
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
    """One case. `void` says why nothing can be said of it: then it is neither passed nor failed.

    That is so only where the machine held somebody up, and every loss was found all the same: no busy machine
    makes one go unseen. `problem` says what the instrument itself did not do.
    """

    outage: Outage
    losses: tuple[Losses, ...]
    void: str | None
    problem: str | None = None

    @property
    def passed(self) -> bool:
        whole = self.void is None and self.problem is None
        return whole and self.outage.inside and self.outage.narrow and _exact(self.losses)


@dataclass(frozen=True, slots=True)
class Pace:
    """What the width of the bounds may follow from; `lag_ns` is that of what the bounds are taken from."""

    interval_ns: int
    slowest_served_ns: int
    lag_ns: int = 0


def compare(case: Case, truth: Truth, measured: Measurement, stream: str, pace: Pace) -> Compared:
    """Hold what was measured of `stream` against what was done to it."""
    times = [each for each in measured.recovery_times if each.stream == stream]
    points = [each for each in measured.recovery_points if each.stream == stream]
    outage = _outage(case, truth, times[0] if times else None, measured, pace)
    found = points[0] if points and points[0].reading_complete else None
    problem = _problem(measured, stream, measured=bool(times), read=found is not None)
    losses = tuple(_losses(truth, found))
    void = None
    if problem is None and _exact(losses):
        void = measured.void or _unplanted(case, truth)
        void = void or _held_up(truth, outage, measured, times[0], pace)
    return Compared(outage, losses, void, problem)


def _exact(losses: Iterable[Losses]) -> bool:
    return all(not each.missed and not each.invented for each in losses)


def _problem(found: Measurement, stream: str, *, measured: bool, read: bool) -> str | None:
    """What no busy machine explains: a ledger that cannot be judged, a reading that was not whole."""
    if not measured:
        return f"nothing was measured: {found.void or 'no recovery was found'}"
    if not read:
        return f"stream {stream!r} was not read back whole"
    return None


def _unplanted(case: Case, truth: Truth) -> str | None:
    """Which loss there was none of in the end: what deletes at random deleted all that had gone wrong so."""
    asked = [way for way, count in case.losses.items() if count] + ["lost_after"] * (case.lost_after > 0)
    gone = next((way for way in asked if not getattr(truth, way)), None)
    return (
        None
        if gone is None
        else f"every write that was planted as {gone!r} was deleted, so none could be found"
    )


def _held_up(
    truth: Truth, outage: Outage, measured: Measurement, time: RecoveryTime, pace: Pace
) -> str | None:
    """Why bounds that miss or are too wide say nothing: the machine held the server or the recorder up.

    A server that stands still answers late, which is an outage that nobody planted: it explains why the last
    bad operation was bad, where that met it, and bounds as much wider as it lasted. What the recorder was
    late in sending widens them by just that. Nothing explains an outage that was called over before it was.
    """
    if outage.lower_seconds is None or outage.upper_seconds is None:
        return None
    excess = outage.upper_seconds - outage.lower_seconds - outage.width_seconds_max
    if outage.upper_seconds < truth.shortest_ns / 1e9 or (outage.inside and outage.narrow):
        return None
    for start, stop in truth.held_up:
        met = _met(time.last_bad_sent_ns, start, stop, measured.late_ns or 0)
        if met and excess <= (stop - start) / 1e9:
            return f"the server that plants was itself held up for {(stop - start) / 1e9:.3f} s"
    if outage.inside and excess <= pace.lag_ns / 1e9:
        return f"the recorder was held up for {pace.lag_ns / 1e9:.3f} s where the bounds are taken from"
    return None


def _met(sent_ns: int | None, start_ns: int, stop_ns: int, late_ns: int) -> bool:
    """Whether an operation may have been late because its server stood still from start to stop."""
    long = 2 * (stop_ns - start_ns) > late_ns
    return long and sent_ns is not None and start_ns <= sent_ns + late_ns and sent_ns <= stop_ns


def _outage(case: Case, truth: Truth, time: RecoveryTime | None, measured: Measurement, pace: Pace) -> Outage:
    lower = time.lower_seconds if time else None
    upper = time.upper_seconds if time else None
    allowed = _width_max(case, measured, pace)
    inside = narrow = False
    if lower is not None and upper is not None:
        inside = lower <= truth.longest_ns / 1e9 and upper >= truth.shortest_ns / 1e9
        narrow = upper - lower <= allowed
    planted = truth.shortest_ns / 1e9, truth.longest_ns / 1e9
    return Outage(case.name, *planted, lower, upper, allowed, inside, narrow)


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
