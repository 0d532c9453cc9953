"""When the recorder stalled it saw nothing. Late is 100 ms, so half of it is 50 ms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.rto_rpo.ledgers import (
    MS,
    T0,
    PlantedDrill,
    S,
    drill_of,
    event,
    header,
    intents,
    judged,
    judged_run,
    operation,
    stall,
    stream,
)  # fmt: skip

FAULT = {"fault_begin", "fault_end", "fault_effective"}
FAILED = {"outcome": "failed", "cause": "refused"}


def void(drill: PlantedDrill, folder: Path) -> str | None:
    return judged_run(drill, folder)[0].void


def with_stall(start: int, length: int, **other: Any) -> PlantedDrill:
    drill = PlantedDrill(**other)
    drill.more = [stall(start, start + length)]
    return drill


def test_a_run_without_any_stall(tmp_path: Path) -> None:
    assert void(PlantedDrill(), tmp_path) is None


@pytest.mark.parametrize(("length", "is_void"), [(50 * MS, False), (50 * MS + 1, True)])
def test_a_stall_longer_than_half_of_late(tmp_path: Path, length: int, is_void: bool) -> None:
    found = void(with_stall(PlantedDrill().f1, length), tmp_path)
    assert (found is not None) == is_void
    assert not is_void or "the recorder stalled for 0.050 s" in str(found)


def test_the_window_is_from_the_last_acknowledgement_before_the_fault_to_the_end_of_stability(
    tmp_path: Path,
) -> None:
    drill = PlantedDrill(after_ns=3 * S)
    begin, end, length = drill.due(100) + MS, drill.due(151) + S, 60 * MS
    assert void(with_stall(begin - length - 1, length, after_ns=3 * S), tmp_path) is None
    assert void(with_stall(begin - length, length, after_ns=3 * S), tmp_path) is not None
    assert void(with_stall(end, length, after_ns=3 * S), tmp_path) is not None
    assert void(with_stall(end + 1, length, after_ns=3 * S), tmp_path) is None


def test_without_a_stable_run_the_window_ends_with_the_sending(tmp_path: Path) -> None:
    drill = with_stall(PlantedDrill().due(219), 60 * MS, after_ns=700 * MS)
    assert void(drill, tmp_path) is not None
    drill = with_stall(PlantedDrill().due(219) + 1, 60 * MS, after_ns=700 * MS)
    assert void(drill, tmp_path) is None


@pytest.mark.parametrize(("lag", "is_void"), [(50 * MS, False), (50 * MS + 1, True)])
def test_an_operation_that_was_sent_late(tmp_path: Path, lag: int, is_void: bool) -> None:
    found = void(PlantedDrill(instead={110: {**FAILED, "lag": lag}}), tmp_path)
    assert (found is not None) == is_void
    assert not is_void or "operation 110 was sent 0.050 s after its time" in str(found)


def test_a_shorter_lag_widens_the_bounds(tmp_path: Path) -> None:
    drill = PlantedDrill(instead={151: {"lag": 9 * MS}, 150: {**FAILED, "lag": 9 * MS}})
    measurement, _ = judged_run(drill, tmp_path)
    assert measurement.void is None
    assert measurement.recovery_times[0].lower_seconds == pytest.approx(0.492 + 0.009)
    assert measurement.recovery_times[0].upper_seconds == pytest.approx(0.508 + 0.009)


def test_a_stream_that_was_sent_no_more_after_the_fault(tmp_path: Path) -> None:
    """The last write was sent before the fault; a read that was due as it began has no outcome."""
    drill = PlantedDrill(
        outage_ns=0, after_ns=10 * MS, instead={99: {"took": 12 * MS}, 100: {"took": 50 * MS}}
    )
    drill.more = [intents(0, 1, drill.f0, act="read")]
    assert "operation 0 was due and has no outcome" in str(void(drill, tmp_path))


def test_a_number_that_has_no_outcome(tmp_path: Path) -> None:
    assert "operation 110 was due and has no outcome" in str(
        void(PlantedDrill(instead={110: None}), tmp_path)
    )


@pytest.mark.parametrize("number", [50, 290])
def test_what_is_outside_of_the_window_does_not_matter(tmp_path: Path, number: int) -> None:
    for planted in (None, {"lag": 60 * MS}):
        assert void(PlantedDrill(after_ns=2 * S, instead={number: planted}), tmp_path) is None


@pytest.mark.parametrize(("missing", "is_void"), [(5, False), (6, True)])
def test_a_gap_in_the_schedule(tmp_path: Path, missing: int, is_void: bool) -> None:
    """Nothing was even intended for a while: six intervals without a sending are 50 ms too many."""
    drill = PlantedDrill()
    first, rest = 120, 120 + missing
    records = [each for each in drill.records() if each["kind"] != "intents"]
    records = [each for each in records if not first <= each.get("number", 0) < rest]
    records += [intents(0, first, drill.due(0)), intents(rest, drill.count - rest, drill.due(rest))]
    drill.records = lambda: records  # type: ignore[method-assign]
    found = void(drill, tmp_path)
    assert (found is not None) == is_void
    assert not is_void or "nothing was sent for 0.070 s, where 0.010 s is due" in str(found)


def test_a_recorder_that_sent_next_to_nothing(tmp_path: Path) -> None:
    drill = PlantedDrill()
    records = [each for each in drill.records() if each["kind"] not in {"intents", "operation"}]
    records += [intents(0, 1, drill.due(0)), operation(0, drill.due(0))]
    records += [intents(1, 1, drill.due(99 * 100)), operation(1, drill.due(99 * 100), ns=drill.over)]
    records = [each for each in records if each.get("completed_ns", 0) <= each["ns"]]
    drill.records = lambda: records  # type: ignore[method-assign]
    assert void(drill, tmp_path) is not None


def test_a_fault_before_the_first_operation_was_due(tmp_path: Path) -> None:
    drill = PlantedDrill(outage_ns=0, after_ns=2 * S, without={"steady", *FAULT})
    drill.more = [event("fault_begin", T0 + 10 * MS), event("fault_end", T0 + 20 * MS)]
    drill.more += [event("fault_effective", T0 + 20 * MS, holds=True, how="looked")]
    assert "nothing was sent for 0.090 s" in str(void(drill, tmp_path))


def test_a_stream_that_nothing_is_judged_by_may_stall(tmp_path: Path) -> None:
    head = header(judged=[judged("gateway", "rto", 30.0, None)])
    assert void(PlantedDrill(head=head, instead={110: None}), tmp_path) is None


@pytest.mark.parametrize(
    ("answer", "number", "is_void"),
    [
        ({}, 120, False),
        (FAILED, 120, True),
        ({"took": 101 * MS}, 120, True),
        (FAILED, 20, False),
        (FAILED, 300, False),
    ],
)
def test_the_recorders_own_network(
    tmp_path: Path, answer: dict[str, Any], number: int, is_void: bool
) -> None:
    drill = PlantedDrill(after_ns=2 * S, head=header(streams=[stream(), stream("outside", "control")]))
    drill.more = controlled(drill, {number: answer})
    found = void(drill, tmp_path)
    assert (found is not None) == is_void
    assert not is_void or "the control endpoint 'outside' did not answer in time" in str(found)


def controlled(drill: PlantedDrill, instead: dict[int, dict[str, Any] | None]) -> list[dict[str, Any]]:
    """The control endpoint, asked whenever a client is. What is None was never even intended."""
    found = []
    for number in range(drill.count):
        answer = instead.get(number, {})
        if answer is not None:
            found.append(intents(number, 1, drill.due(number), stream="outside", act="read"))
            found.append(operation(number, drill.due(number), stream="outside", act="read", **answer))
    return found


@pytest.mark.parametrize(
    ("missing", "why"),
    [
        (range(400), "was not asked in the window that counts"),
        (range(120, 400), "was not asked for"),
        (range(120, 126), "was not asked for 0.070 s"),
        (range(120, 125), None),
        (range(300, 400), None),
    ],
)
def test_a_control_that_was_not_asked_proves_nothing(tmp_path: Path, missing: range, why: str | None) -> None:
    drill = PlantedDrill(after_ns=2 * S, head=header(streams=[stream(), stream("outside", "control")]))
    drill.more = controlled(drill, dict.fromkeys(missing))
    measurement, decision = judged_run(drill, tmp_path)
    assert (measurement.void is None) == (why is None)
    assert why is None or f"the control endpoint 'outside' {why}" in str(measurement.void)
    assert (decision.verdict == "met") == (why is None)


def test_an_unseen_outage_cannot_be_bounded_by_a_recorder_that_stalled(tmp_path: Path) -> None:
    drill = PlantedDrill(head=header(drill=drill_of("none")), outage_ns=0, after_ns=2 * S, instead={50: None})
    drill.without = FAULT
    measurement, _ = judged_run(drill, tmp_path)
    assert measurement.void is not None
    assert measurement.recovery_times[0].upper_seconds is None
