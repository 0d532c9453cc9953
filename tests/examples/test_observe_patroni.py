"""Patroni, watched: what blackstart measures is what the rows of a writer beside it say."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sites.errors import BlackstartError
from sites.plan import load
from sites.plan.canary import PostgresCanary
from tests.rto_rpo.ledgers import PlantedDrill, write_ledger

EXAMPLE = Path(__file__).parents[2] / "examples" / "observe_patroni"
INTERVAL_SECONDS = 0.01
UTC = "2026-11-22T06:00:00.000000Z"
PORTS = ("A_PORT", "B_PORT", "A_REST_PORT", "B_REST_PORT")


@dataclass(frozen=True)
class Drilled:
    """`stopped` and `back`: when the operations around the outage were sent, in UTC."""

    agreement: Any
    seen: Any
    stopped: float
    back: float

    def held(self, begin_ms: float, end_ms: float, tried_ms: float = 0) -> Any:
        """The reading of a writer whose first row took `tried_ms` from its trying."""
        first = self.back + end_ms / 1000
        reading = self.agreement.Reading(self.stopped + begin_ms / 1000, first - tried_ms / 1000, first)
        return self.agreement.agreement(self.seen, reading)


@pytest.fixture
def example() -> Iterator[ModuleType]:
    sys.path.insert(0, str(EXAMPLE))
    yield importlib.import_module("run")
    sys.path.remove(str(EXAMPLE))


def test_its_plan_observes_and_fails_nothing_over(tmp_path: Path) -> None:
    variables = {name: str(4000 + at) for at, name in enumerate(PORTS)}
    variables |= {"ESTATE": str(tmp_path), "EVIDENCE": str(tmp_path), "PATRONI": "patroni", "PG_USER": "u"}
    plan = load(EXAMPLE / "plan.yaml", variables)
    assert plan.failover is None
    assert {drill.respond for drill in plan.drills.values()} == {"observe"}
    assert all(isinstance(drill.canary, PostgresCanary) for drill in plan.drills.values())


@pytest.fixture
def drilled(example: ModuleType, tmp_path: Path) -> Drilled:
    """What a drill saw of an outage of half a second, and what a writer beside it would have written."""
    del example
    agreement = importlib.import_module("agreement")
    drill = PlantedDrill(lost={100})
    records = [*drill.records(), {"kind": "anchor", "ns": drill.over, "utc": UTC}]
    path = write_ledger(tmp_path / "ledger.jsonl", drill.head, [*records[:-2], records[-1], records[-2]])
    at_over = datetime.fromisoformat(UTC).timestamp()

    def utc(ns: int) -> float:
        return at_over + (ns - drill.over) / 1e9

    return Drilled(agreement, agreement.seen(path), utc(drill.due(99)), utc(drill.due(151)))


def test_an_outage_is_seen_as_in_the_database_without_what_was_lost(drilled: Drilled) -> None:
    seen = drilled.seen
    assert seen.interval == INTERVAL_SECONDS
    assert seen.last == pytest.approx((drilled.stopped, drilled.stopped + 0.01), abs=1e-6)
    assert seen.first == pytest.approx((drilled.back, drilled.back + 0.001), abs=1e-6)
    assert seen.lost == pytest.approx(0.01)
    assert seen.late_answers == 0


@pytest.mark.parametrize(("begin_ms", "end_ms"), [(0, 0), (-7, 0), (19, 0), (0, -9), (0, 7), (5, 5)])
def test_a_reading_within_one_interval_agrees(drilled: Drilled, begin_ms: int, end_ms: int) -> None:
    found = drilled.held(begin_ms, end_ms)
    assert found.disagreements == ()
    assert abs(found.begin_off) <= INTERVAL_SECONDS
    assert abs(found.end_off) <= INTERVAL_SECONDS


@pytest.mark.parametrize(("tried_ms", "agrees"), [(200, True), (195, True), (180, False), (0, False)])
def test_a_row_that_was_long_in_coming_counts_from_when_it_was_tried(
    drilled: Drilled, tried_ms: float, agrees: bool
) -> None:
    assert (drilled.held(0, 200, tried_ms).disagreements == ()) == agrees


@pytest.mark.parametrize(
    ("begin_ms", "end_ms", "why"),
    [
        (-20, -20, "began -20.0 ms off"),
        (-20, 0, "began -20.0 ms off"),
        (30, 0, "began +20.0 ms off"),
        (0, 21, "ended +20.0 ms off"),
        (0, -20, "ended -20.0 ms off"),
        (0, 200, "beyond the upper bound"),
        (100, 0, "below the lower bound"),
    ],
)
def test_a_report_that_is_shifted_by_two_intervals_is_refused(
    drilled: Drilled, begin_ms: int, end_ms: int, why: str
) -> None:
    """The negative control: whatever end it is shifted at, or both."""
    assert why in "; ".join(drilled.held(begin_ms, end_ms).disagreements)


@pytest.mark.campaign
@pytest.mark.timeout(600)
def test_campaign_of_patroni_watched(example: Any, tmp_path: Path) -> None:
    """Two planned switchovers and the loss of the leader's host, at Patroni's shortest timings."""
    try:
        example.own(example.PROGRAMS)
        example.install(example.PROGRAMS)
    except BlackstartError as error:
        pytest.skip(f"Patroni and etcd cannot be had here, so nothing is shown: {error}")
    with example.cluster(tmp_path / "evidence", fast=True) as built:
        found = list(example.rounds(built))
    for each in found:
        lower, upper, gap = (each[f"{name}_seconds"] for name in ("lower", "upper", "database"))
        off = ", ".join(
            f"{each[f'{end}_off_seconds'] * 1000:+.1f} ms at its {end}" for end in ("begin", "end")
        )
        print(  # noqa: T201
            f"proof: {each['drill']}: {lower:.3f} to {upper:.3f} s, the other reading {gap:.3f} s; off {off}"
        )
        assert each["verdict"] == "met", each["reasons"]
        assert each["disagreements"] == ()
