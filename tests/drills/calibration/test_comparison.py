"""What a calibration passes; and that it fails an instrument that is blind, sees ghosts or is off in time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from drills.calibration.case import LOSSES, MS, Case, Truth
from drills.calibration.comparison import Compared, Pace, compare
from rto_rpo.measurement import Lag, LostWrite, Measurement, RecoveryPoint, RecoveryTime

PACE = Pace(interval_ns=5 * MS, slowest_served_ns=2 * MS)
TRUTH = Truth(
    begun_ns=(1_000 * MS, 1_001 * MS),
    ended_ns=(1_201 * MS, 1_202 * MS),
    lost=frozenset({4}),
    lost_after=frozenset({9}),
    duplicated=frozenset({5}),
    corrupt=frozenset({6}),
    resurrected=frozenset({7}),
)
TIME = RecoveryTime("s", 0.197, 0.205, True, 1, 1, 1, 1, 40, 0, 0.2)


def lost(*numbers: int) -> tuple[LostWrite, ...]:
    return tuple(LostWrite(n, "", 0, 0, after_fault=False, after_recovery=False) for n in numbers)


POINT = RecoveryPoint(
    "s", 0, 0, True, 100, 0, 0, 98, lost=lost(4, 9), duplicated=(5,), corrupt=(6,), resurrected=(7,)
)


def measured(
    time: RecoveryTime | None = TIME, point: RecoveryPoint | None = POINT, void: str | None = None
) -> Measurement:
    return Measurement(
        run="r",
        void=void,
        fault_begin_ns=1_000 * MS,
        fault_end_ns=1_002 * MS,
        fault_effective=True,
        late_ns=100 * MS,
        stable_ns=300 * MS,
        recovery_times=() if time is None else (time,),
        recovery_points=() if point is None else (point,),
        split_brain=(),
        safe=None,
        checks=(),
        lag=Lag(None, None, None, 0.0),
    )


def compared(
    found: Measurement, kind: Any = "refuse", *, truth: Truth = TRUTH, pace: Pace = PACE
) -> Compared:
    return compare(Case(kind, 200 * MS), truth, found, "s", pace)


def test_what_was_planted_and_found_passes() -> None:
    found = compared(measured())
    assert found.passed
    assert found.outage.narrow
    assert found.outage.error_seconds == pytest.approx(0.005)
    assert (found.outage.planted_seconds, found.outage.planted_seconds_max) == (0.2, 0.202)
    assert {each.way: (each.planted, each.missed, each.invented) for each in found.losses} == dict.fromkeys(
        ("lost", "lost after the fault", "duplicated", "corrupt", "resurrected"), (1, 0, 0)
    )


@pytest.mark.parametrize(
    "blind",
    [
        {"lost": lost(9)},
        {"lost": lost(4)},
        {"duplicated": ()},
        {"corrupt": ()},
        {"resurrected": ()},
        {"corrupt": (6, 66)},
        {"lost": lost(4, 9, 44)},
    ],
)
def test_a_loss_that_is_missed_or_invented_fails(blind: dict[str, Any]) -> None:
    found = compared(measured(point=replace(POINT, **blind)))
    assert not found.passed
    assert sum(each.missed + each.invented for each in found.losses) == 1


@pytest.mark.parametrize(
    ("lower", "upper", "inside"),
    [
        (0.2021, 0.21, False),
        (0.2019, 0.21, True),
        (0.19, 0.1999, False),
        (0.1901, 0.2001, True),
        (0.19, None, False),
    ],
)
def test_an_outage_outside_its_bounds_fails(lower: float, upper: float | None, inside: bool) -> None:
    found = compared(measured(replace(TIME, lower_seconds=lower, upper_seconds=upper)))
    assert (found.outage.inside, found.passed) == (inside, inside)


def test_bounds_may_be_wide_only_where_a_hang_is_answered_late() -> None:
    wide = measured(replace(TIME, lower_seconds=0.1))
    assert (compared(wide).outage.narrow, compared(wide).passed) == (False, False)
    assert (compared(wide, "hang").outage.narrow, compared(wide, "hang").passed) == (True, True)
    assert compared(wide).outage.width_seconds_max == pytest.approx(0.014)


@pytest.mark.parametrize(("lag_ms", "void"), [(0, False), (5, False), (6, True), (7, True)])
def test_bounds_that_are_wide_for_the_recorders_own_lag_say_nothing(lag_ms: int, void: bool) -> None:
    wide = measured(replace(TIME, lower_seconds=0.19, upper_seconds=0.21))
    found = compared(wide, pace=replace(PACE, lag_ns=lag_ms * MS))
    assert (found.void is not None, found.passed) == (void, False)
    assert not void or "the recorder was held up" in str(found.void)


def test_no_lag_explains_an_outage_outside_its_bounds() -> None:
    outside = measured(replace(TIME, lower_seconds=0.204, upper_seconds=0.22))
    found = compared(outside, pace=replace(PACE, lag_ns=50 * MS))
    assert (found.void, found.passed) == (None, False)


def held_up(*stretches_ms: tuple[int, int]) -> Truth:
    return replace(TRUTH, held_up=tuple((start * MS, stop * MS) for start, stop in stretches_ms))


def outside(lower: float = 0.204, upper: float = 0.21, *, last_bad_ms: int = 1_205) -> Measurement:
    return measured(
        replace(TIME, lower_seconds=lower, upper_seconds=upper, last_bad_sent_ns=last_bad_ms * MS)
    )


@pytest.mark.parametrize(("held_ms", "void"), [(50, False), (51, True)])
def test_a_server_that_stood_still_itself_planted_something_else(held_ms: int, void: bool) -> None:
    held = held_up((1_200, 1_200 + held_ms))
    found = compared(outside(), truth=held)
    assert (found.void is not None, found.passed) == (void, False)
    assert compared(measured(), truth=held).passed, "it did no harm"


@pytest.mark.parametrize(
    ("start_ms", "stop_ms", "void"),
    [(1_305, 1_400, True), (1_306, 1_400, False), (1_100, 1_205, True), (1_100, 1_204, False)],
)
def test_a_standstill_explains_only_what_met_it(start_ms: int, stop_ms: int, void: bool) -> None:
    """The last bad operation was sent at 1205 ms, and an answer 100 ms after that was not late."""
    assert (compared(outside(), truth=held_up((start_ms, stop_ms))).void is not None) == void
    both = held_up((900, 1_000), (start_ms, stop_ms))
    assert (compared(outside(), truth=both).void is not None) == void


@pytest.mark.parametrize(("upper", "void"), [(0.3179, True), (0.3181, False)])
def test_a_standstill_explains_bounds_no_wider_than_it_lasted(upper: float, void: bool) -> None:
    found = compared(outside(0.204, upper), truth=held_up((1_200, 1_300)))
    assert (found.void is not None, found.passed) == (void, False)


def test_nothing_explains_an_outage_that_was_called_over_before_it_was() -> None:
    short = outside(0.19, 0.1989, last_bad_ms=1_190)
    assert (compared(short, truth=held_up((1_000, 1_300))).void) is None
    unknown = measured(replace(TIME, lower_seconds=0.204, upper_seconds=0.21, last_bad_sent_ns=None))
    assert compared(unknown, truth=held_up((1_000, 1_300))).void is None


@pytest.mark.parametrize("blind", [{"lost": lost(9)}, {"corrupt": (6, 66)}])
def test_no_busy_machine_explains_a_loss_that_is_missed_or_invented(blind: dict[str, Any]) -> None:
    point = replace(POINT, **blind)
    for void, truth in (("the recorder stalled", TRUTH), (None, held_up((1_000, 1_300)))):
        found = compared(replace(outside(), void=void, recovery_points=(point,)), truth=truth)
        assert (found.void, found.passed) == (None, False)
        assert compared(replace(outside(), void=void), truth=truth).void is not None


def test_a_recorder_that_stalled_makes_it_void_and_never_passed() -> None:
    found = compared(measured(void="the recorder stalled"))
    assert (found.void, found.problem, found.passed) == ("the recorder stalled", None, False)


@pytest.mark.parametrize(
    ("nothing", "why"),
    [
        (measured(point=None), "not read back whole"),
        (measured(point=replace(POINT, reading_complete=False)), "not read back whole"),
        (measured(point=None, void="the recorder stalled"), "not read back whole"),
        (measured(time=None), "nothing was measured: no recovery"),
        (measured(time=None, void="the ledger has no end"), "nothing was measured: the ledger has no end"),
    ],
)
def test_what_no_busy_machine_explains_is_failed_and_not_void(nothing: Measurement, why: str) -> None:
    found = compared(nothing)
    assert (found.void, found.passed) == (None, False)
    assert why in str(found.problem)


def test_no_recovery_time_at_all_is_outside() -> None:
    assert not compared(measured(time=None)).passed


@pytest.mark.parametrize("way", ["lost", "lost_after", "duplicated", "corrupt", "resurrected"])
def test_a_loss_that_was_asked_for_and_is_not_there_proves_nothing(way: str) -> None:
    case = Case("refuse", 200 * MS, dict.fromkeys(LOSSES, 1), lost_after=1)
    assert compare(case, TRUTH, measured(), "s", PACE).passed
    names = {"lost": lost(9), "lost_after": lost(4)}
    point = replace(POINT, **({"lost": names[way]} if way in names else {way: ()}))
    found = compare(case, replace(TRUTH, **{way: frozenset()}), measured(point=point), "s", PACE)
    assert found.void == f"every write that was planted as {way!r} was deleted, so none could be found"
    assert not found.passed
    none = Case("refuse", 200 * MS, dict.fromkeys(LOSSES, 0))
    assert compare(none, replace(TRUTH, **{way: frozenset()}), measured(point=point), "s", PACE).passed


def test_what_may_have_been_deleted_is_no_planted_loss() -> None:
    left = TRUTH.without({4, 5, 6, 7, 9})
    assert (left.lost, left.lost_after) == (frozenset(), frozenset())
    assert (left.duplicated, left.corrupt) == (TRUTH.duplicated, TRUTH.corrupt), "those are read back"
