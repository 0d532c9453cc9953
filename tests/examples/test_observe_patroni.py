"""Patroni, watched: what blackstart measures is what a writer beside it has."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sites.errors import BlackstartError
from sites.plan import load
from sites.plan.canary import PostgresCanary
from tests.rto_rpo.evidence.agreeing import expect_both_agree
from tests.rto_rpo.ledgers import PlantedDrill, drill_of, header, judged

EXAMPLE = Path(__file__).parents[2] / "examples" / "observe_patroni"
MS = 1_000_000
PORTS = ("A_PORT", "B_PORT", "A_REST_PORT", "B_REST_PORT")
OLD, NEW = 4001, 4002


@dataclass(frozen=True)
class Drilled:
    """What a drill saw of a killed primary, and the instants between which its operations put the outage."""

    agreement: Any
    reading: Any
    drill: PlantedDrill
    seen: Any

    def held(
        self, begin_ms: float = 0, end_ms: float = 0, begin_width_ms: float = 2, end_width_ms: float = 2
    ) -> Any:
        """The writer's tries around an outage of half a second, each end shifted and so vague."""
        stopped, back = self.drill.f0 + MS, self.drill.due(150) + 6 * MS
        last_ns = stopped + round(begin_ms * MS)
        first_ns = back + round(end_ms * MS)
        made = [
            self.made(OLD, last_ns - 2 * MS, "row"),
            self.made(OLD, last_ns, "row"),
            self.made(OLD, last_ns + round(begin_width_ms * MS), "broken"),
            self.made(NEW, first_ns - round(end_width_ms * MS), "read-only"),
            self.made(NEW, first_ns, "row"),
            self.made(NEW, first_ns + 2 * MS, "row"),
        ]
        return self.agreement.agreement(self.seen, self.reading.outage(made, self.seen.late))

    def made(self, port: int, sent_ns: int, outcome: str) -> Any:
        return self.reading.Try(port, sent_ns, sent_ns + MS // 2, outcome)


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


def drilled_by(drill: PlantedDrill, tmp_path: Path) -> Drilled:
    agreement, reading = (importlib.import_module(name) for name in ("agreement", "reading"))
    return Drilled(agreement, reading, drill, agreement.seen(drill.write(tmp_path / "ledger.jsonl")))


@pytest.fixture
def drilled(example: ModuleType, tmp_path: Path) -> Drilled:
    del example
    return drilled_by(PlantedDrill(), tmp_path)


def test_what_a_killed_primary_looks_like_to_blackstart(drilled: Drilled) -> None:
    seen, drill = drilled.seen, drilled.drill
    assert seen.interval == 10 * MS
    assert (seen.serving, seen.gone) == (drill.f0, drill.f1)
    assert (seen.s, seen.s_answered) == (drill.due(150), drill.due(150) + MS)
    assert (seen.b_sent, seen.b) == (drill.due(151), drill.due(151) + MS)
    assert (seen.killed, seen.flapped) == (True, False)


def test_without_a_fault_of_ours_the_operations_say_when_it_began(example: Any, tmp_path: Path) -> None:
    del example
    head = header(drill=drill_of("none"), judged=[judged("gateway", "rto", 30.0)])
    drill = PlantedDrill(fault_ns=0, head=head)
    seen = drilled_by(drill, tmp_path).seen
    first_bad = next(number for number in range(drill.count) if drill.is_down(number))
    assert (seen.serving, seen.gone) == (drill.due(first_bad - 1), drill.due(first_bad))
    assert not seen.killed


def test_a_service_that_was_back_for_a_moment_cannot_be_compared(example: Any, tmp_path: Path) -> None:
    del example
    flapping = drilled_by(PlantedDrill(instead={120: {}}), tmp_path)
    assert flapping.seen.flapped
    assert flapping.held().word == "not comparable"


@pytest.mark.parametrize(("begin_ms", "end_ms"), [(0, 0), (-1, 0), (8, 0), (0, -5), (0, 5), (5, 5)])
def test_a_reading_within_one_interval_agrees(drilled: Drilled, begin_ms: int, end_ms: int) -> None:
    found = drilled.held(begin_ms, end_ms)
    assert found.word == "agrees", found


@pytest.mark.parametrize(
    ("begin_ms", "end_ms", "why"),
    [
        (20, 20, "serving is -21.0 ms off"),
        (20, 0, "serving is -21.0 ms off"),
        (-20, 0, "serving is +17.0 ms off"),
        (0, 20, "s is -23.0 ms off"),
        (0, -20, "b is +23.5 ms off"),
        (0, 200, "beyond the upper bound"),
        (200, 0, "below the lower bound"),
    ],
)
def test_a_reading_that_is_shifted_by_two_intervals_is_refused(
    drilled: Drilled, begin_ms: int, end_ms: int, why: str
) -> None:
    """The negative control: whatever end it is shifted at, or both."""
    found = drilled.held(begin_ms, end_ms)
    assert found.word == "does not agree"
    assert why in "; ".join(found.disagreements)


@pytest.mark.parametrize(
    ("begin_width_ms", "end_width_ms", "end"), [(10.5, 2, "begin"), (2, 10.5, "end"), (2, 200, "end")]
)
@pytest.mark.parametrize("shift_ms", [0, 30])
def test_a_reading_that_is_vague_itself_is_no_agreement(
    drilled: Drilled, begin_width_ms: float, end_width_ms: float, end: str, shift_ms: float
) -> None:
    """The other negative control: a wide stretch would meet anything, and is said to show nothing."""
    found = drilled.held(0, shift_ms, begin_width_ms, end_width_ms)
    assert found.word == "not comparable"
    assert f"the reading's own {end} is" in "; ".join(found.incomparable)


@pytest.mark.parametrize("number", [150, 151])
def test_an_operation_that_took_longer_than_an_interval_is_no_agreement(
    example: Any, tmp_path: Path, number: int
) -> None:
    """A connection that was slow to be made meets whatever came to pass meanwhile."""
    del example
    refused = {"outcome": "failed", "cause": "refused"}
    slow = {at: {"took": 12 * MS, **(refused if at < 151 else {})} for at in range(number, number + 2)}
    found = drilled_by(PlantedDrill(instead={**slow, 151: slow[151]}), tmp_path).held()
    assert found.word == "not comparable"
    assert "took +12.0 ms, more than an interval" in "; ".join(found.incomparable)


def test_a_row_that_was_answered_late_is_no_service(drilled: Drilled) -> None:
    """As it is none to blackstart."""
    at, made = drilled.drill.f0, drilled.made
    hung = drilled.reading.Try(NEW, at + 100 * MS, at + 300 * MS, "row")
    rows = [made(OLD, at, "row"), made(OLD, at + MS, "broken"), made(NEW, at + 90 * MS, "read-only"), hung]
    rows += [made(NEW, at + 400 * MS, "row"), made(NEW, at + 410 * MS, "row")]
    assert drilled.reading.outage(rows, late_ns=100 * MS).first.sent_ns == at + 400 * MS
    assert drilled.reading.outage(rows, late_ns=1000 * MS).first == hung


def test_a_writer_that_saw_nothing_is_no_reading(drilled: Drilled) -> None:
    outage, made = drilled.reading.outage, drilled.made
    with pytest.raises(ValueError, match="wrote nothing"):
        outage([made(OLD, 0, "row"), made(OLD, MS, "broken")], 100 * MS)
    with pytest.raises(ValueError, match="on both sides"):
        outage([made(OLD, 0, "row"), made(NEW, MS, "row")], 100 * MS)


def test_the_log_of_a_writer_that_was_killed_is_read_to_its_last_whole_line(
    drilled: Drilled, tmp_path: Path
) -> None:
    (tmp_path / "log").write_text("4001 10 20 row\n4001 30 45 broken\n4001 50 6")
    found = drilled.reading.tries([tmp_path / "log"], 0, 100)
    assert [(each.sent_ns, each.outcome) for each in found] == [(10, "row"), (30, "broken")]
    assert drilled.reading.tries([tmp_path / "log"], 20, 29) == []


def _of_an_unanswered_write(found: dict[str, Any]) -> bool:
    """Of a write under way when the revived node was put down again nobody can tell what became."""
    maybe = "writes sent to the old primary once the new side served may have been committed there"
    weighing = [one for one in found["reasons"] if "split brain" in one]
    return found["drill"] == "kill-leader" and found["verdict"] == "inconclusive" and maybe in weighing[0]


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
        estate = built.estate()
        assert [estate.postgres("ledger").manager(site) for site in ("node-a", "node-b")] == ["Patroni"] * 2
        found = list(example.rounds(built))
    for each in found:
        print(f"proof: {example.row(each)}")  # noqa: T201
        assert each["verdict"] == "met" or _of_an_unanswered_write(each), each["reasons"]
        assert each["agreement"] != "does not agree", each["why"]
    assert any(each["agreement"] == "agrees" for each in found), [each["why"] for each in found]
    expect_both_agree(tmp_path / "evidence")
