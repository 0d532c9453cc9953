"""Every check of the comparison is there for a reason: drop or bend one, and a case comes out wrong."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from drills.calibration import comparison
from drills.calibration.case import MS, Case, Truth
from rto_rpo.measurement import Measurement, RecoveryPoint
from tests.drills.calibration.test_comparison import (
    PACE,
    POINT,
    TIME,
    TRUTH,
    held_up,
    lost,
    measured,
    outside,
)

SOURCE = Path(comparison.__file__).read_text(encoding="utf-8")
MUTATIONS = [
    ("whole and self.outage.inside and self.outage.narrow", "whole and self.outage.narrow"),
    ("whole and self.outage.inside and self.outage.narrow", "whole and self.outage.inside"),
    ("self.outage.narrow and _exact(self.losses)", "self.outage.narrow"),
    ("whole and self.outage.inside", "self.outage.inside"),
    ("self.void is None and self.problem is None", "self.problem is None"),
    ("self.void is None and self.problem is None", "self.void is None"),
    ("not each.missed and not each.invented", "not each.invented"),
    ("not each.missed and not each.invented", "not each.missed"),
    ("points[0].reading_complete else None", "True else None"),
    ("if problem is None and _exact(losses):", "if _exact(losses):"),
    ("if problem is None and _exact(losses):", "if problem is None:"),
    ("void = measured.void or _unplanted(case, truth)", "void = _unplanted(case, truth)"),
    ("void = void or _held_up(truth, outage, measured, times[0], pace)", "pass"),
    ("if not measured:", "if False:"),
    ("if not read:", "if False:"),
    ("long = 2 * (stop_ns - start_ns) > late_ns", "long = 2 * (stop_ns - start_ns) >= late_ns"),
    ("long = 2 * (stop_ns - start_ns) > late_ns", "long = stop_ns - start_ns > late_ns"),
    ("long and sent_ns is not None", "sent_ns is not None"),
    ("start_ns <= sent_ns + late_ns", "start_ns < sent_ns + late_ns"),
    ("start_ns <= sent_ns + late_ns", "start_ns <= sent_ns"),
    ("start_ns <= sent_ns + late_ns", "True"),
    ("and sent_ns <= stop_ns", "and sent_ns < stop_ns"),
    ("and sent_ns <= stop_ns", ""),
    ("if met and excess <= ", "if excess <= "),
    ("met and excess <= (stop - start) / 1e9", "met"),
    ("outage.upper_seconds < truth.shortest_ns / 1e9 or ", ""),
    (" or (outage.inside and outage.narrow):", ":"),
    ("outage.inside and excess <= pace.lag_ns / 1e9", "excess <= pace.lag_ns / 1e9"),
    ("outage.inside and excess <= pace.lag_ns / 1e9", "outage.inside"),
    ("lower <= truth.longest_ns / 1e9 and upper", "upper"),
    (" and upper >= truth.shortest_ns / 1e9", ""),
    ("lower <= truth.longest_ns", "lower <= truth.shortest_ns"),
    ("upper >= truth.shortest_ns", "upper >= truth.longest_ns"),
    ("narrow = upper - lower <= allowed", "narrow = True"),
    ("2 * pace.interval_ns + bracket", "3 * pace.interval_ns + bracket"),
    ("pace.interval_ns + bracket + pace", "pace.interval_ns + pace"),
    ("+ pace.slowest_served_ns + late", "+ late"),
    ('if case.kind == "hang" else 0', "if True else 0"),
    ('if case.kind == "hang" else 0', "if False else 0"),
    ('"lost": (lost - truth.lost_after, truth.lost)', '"lost": (lost, truth.lost)'),
    ("(lost & truth.lost_after, truth.lost_after)", "(lost, truth.lost_after)"),
    ("len(planted - seen)", "0"),
    ("len(seen - planted)", "0"),
]  # fmt: skip


def cases() -> Iterator[tuple[Any, Truth, Measurement, Any]]:
    """Kind of outage, truth, measurement and pace: each next to one that comes out otherwise."""
    yield "refuse", TRUTH, measured(), PACE
    for point in (None, replace(POINT, reading_complete=False), *_points()):
        yield "refuse", TRUTH, measured(point=point), PACE
    for void in (None, "the recorder stalled"):
        yield "refuse", Truth(TRUTH.begun_ns, TRUTH.ended_ns), measured(point=None, void=void), PACE
    for time in (None, *(replace(TIME, lower_seconds=a, upper_seconds=b) for a, b in _bounds())):
        for kind in ("refuse", "hang"):
            for lag_ms in (0, 5, 6):
                yield kind, TRUTH, measured(time), replace(PACE, lag_ns=lag_ms * MS)
        for held in ((1_200, 1_250), (1_200, 1_251), (1_205, 1_295)):
            yield "refuse", held_up(held), measured(time), PACE
    for void in ("the recorder stalled", "the ledger has no end"):
        for time, point in ((TIME, POINT), (TIME, None), (None, POINT)):
            yield "refuse", TRUTH, measured(time, point, void), PACE
    yield from _standing_still()


def _standing_still() -> Iterator[tuple[Any, Truth, Measurement, Any]]:
    yield "refuse", held_up((1_200, 1_290)), measured(), PACE
    for held in (
        (1_200, 1_250),
        (1_200, 1_251),
        (1_305, 1_400),
        (1_306, 1_400),
        (1_100, 1_205),
        (1_100, 1_204),
        (1_000, 1_300),
    ):
        for bounds in ((0.204, 0.21), (0.204, 0.317), (0.204, 0.319), (0.19, 0.1989), (0.204, 0.33)):
            yield "refuse", held_up(held), outside(*bounds), PACE
        for void, point in (("the recorder stalled", None), (None, replace(POINT, corrupt=(6, 66)))):
            yield (
                "refuse",
                held_up(held),
                replace(outside(), void=void, recovery_points=(point or POINT,)),
                PACE,
            )
    blind = replace(POINT, lost=lost(9))
    yield "refuse", TRUTH, replace(outside(), void="the recorder stalled", recovery_points=(blind,)), PACE
    for bounds in ((0.1, 0.205), (0.204, 0.21)):  # a moment late, and it was the recorder
        yield "refuse", TRUTH, outside(*bounds), replace(PACE, lag_ns=50 * MS)


def _points() -> Iterator[RecoveryPoint]:
    for numbers in ((9,), (4,), (4, 9, 44)):
        yield replace(POINT, lost=lost(*numbers))
    yield replace(POINT, corrupt=(6, 66))
    yield replace(POINT, duplicated=())
    yield replace(POINT, resurrected=())


def _bounds() -> list[tuple[float, float | None]]:
    tight = [(0.2021, 0.21), (0.2019, 0.21), (0.2005, 0.21), (0.19, 0.1999), (0.1901, 0.2001)]
    return [
        *tight,
        (0.19, None),
        (0.19, 0.21),
        (0.1, 0.205),
        (0.196, 0.2095),
        (0.196, 0.2105),
        (0.204, 0.26),
        (0.2045, 0.2195),
    ]


def results(module: ModuleType) -> list[Any]:
    found = []
    for kind, truth, measurement, pace in cases():
        try:
            one = module.compare(Case(kind, 200 * MS), truth, measurement, "s", pace)
        except Exception as error:  # noqa: BLE001 - a mutated comparison may fail in any way
            found.append(repr(error))
            continue
        losses = [(each.way, each.planted, each.missed, each.invented) for each in one.losses]
        found.append((one.passed, one.void, one.problem, one.outage.inside, one.outage.narrow, losses))
    return found


def mutated(source: str) -> ModuleType:
    name = "mutated_comparison"
    spec = importlib.util.spec_from_loader(name, None)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up there
    try:
        exec(compile(source, name, "exec"), module.__dict__)  # noqa: S102 - our own source, one word changed
    finally:
        del sys.modules[name]
    return module


def test_the_comparison_as_it_is_comes_out_the_same() -> None:
    assert results(mutated(SOURCE)) == results(comparison)


@pytest.mark.parametrize(("old", "new"), MUTATIONS)
def test_a_mutated_comparison_is_caught(old: str, new: str) -> None:
    assert SOURCE.count(old) == 1, "the mutation must name one place of the source"
    assert results(mutated(SOURCE.replace(old, new))) != results(comparison)
