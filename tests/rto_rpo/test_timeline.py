"""Events in legal order, and an error that names the line for every other order."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from rto_rpo.ledger.errors import LedgerError
from rto_rpo.ledger.records import EventName
from rto_rpo.ledger.validation import checked
from rto_rpo.timeline import AFTER_FAULT, MILESTONES, Timeline
from tests.rto_rpo.ledgers import MS, T0, drill_of, end, event, header, stall

DETAILS: dict[str, dict[str, Any]] = {
    "frozen": {"late_ns": 100 * MS},
    "fault_effective": {"holds": True, "how": "looked"},
    "check": {"name": "gate", "verdict": "met", "reason": "so"},
    "aborted": {"reason": "a guard"},
}


def told(*names: str, **head: Any) -> Timeline:
    first = checked(1, {"seq": 0, "prev": "0" * 64, **header(**head)})
    assert first["kind"] == "header"
    timeline = Timeline(first)
    for seq, name in enumerate(names, 1):
        record = checked(
            seq, {"seq": seq, "prev": "0" * 64, **event(name, T0 + seq, **DETAILS.get(name, {}))}
        )
        assert record["kind"] == "event"
        timeline.add(record)
    return timeline


def test_a_whole_drill() -> None:
    names = [
        "steady",
        "frozen",
        "fault_begin",
        "detected",
        "fault_end",
        "fault_effective",
        "decided",
        "fenced",
    ]
    names += [
        "restored",
        "promoted",
        "started",
        "redirected",
        "safe",
        "stable",
        "old_primary_revived",
        "check",
    ]
    timeline = told(*names, "healed", "undo", "note")
    assert (timeline.fault_begin_ns, timeline.fault_end_ns, timeline.fault_effective) == (
        T0 + 3,
        T0 + 5,
        True,
    )
    assert (timeline.safe_ns, timeline.revived_ns, timeline.watch_ns) == (T0 + 13, T0 + 15, T0 + 3)
    assert [each.name for each in timeline.milestones] == [name for name in names if name in MILESTONES]
    assert [each.name for each in timeline.checks] == ["gate"]
    assert timeline.event_count == 19


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["fault_begin", "fault_begin"], "a second fault_begin"),
        (["fault_begin", "fault_end", "fault_end"], "a second fault_end"),
        (["frozen", "frozen"], "a second frozen"),
        (["fault_end"], "fault_end before fault_begin"),
        (["fault_begin", "frozen"], "frozen after fault_begin"),
        (["fault_begin", "steady"], "steady after fault_begin"),
        (["frozen", "steady"], "steady after frozen"),
        *((["steady", name], f"{name} before fault_begin") for name in sorted(AFTER_FAULT)),
    ],
)
def test_an_order_that_cannot_be(names: list[str], reason: str) -> None:
    with pytest.raises(LedgerError, match=reason) as refused:
        told(*names)
    assert refused.value.line == len(names) + 1


def test_late_must_be_frozen_before_the_fault() -> None:
    with pytest.raises(LedgerError, match="before late was frozen"):
        told("fault_begin", late_ns=None)
    assert told("frozen", "fault_begin", late_ns=None).late_ns == 100 * MS


def test_late_may_not_be_two_things() -> None:
    with pytest.raises(LedgerError, match="late was frozen at 100000000 ns, but the header says 7"):
        told("frozen", late_ns=7)


def test_where_the_fault_is_none_of_ours_milestones_need_none_before_them() -> None:
    timeline = told("detected", "promoted", drill=drill_of("none"))
    assert [each.name for each in timeline.milestones] == ["detected", "promoted"]


@pytest.mark.parametrize(
    ("names", "watch"), [([], 0), (["steady", "frozen"], 2), (["frozen", "fault_begin"], 2)]
)
def test_operations_count_from_the_fault_or_else_the_freezing(names: list[str], watch: int) -> None:
    assert told(*names, drill=drill_of("none")).watch_ns == T0 + watch


def test_an_effect_that_once_did_not_hold_does_not_hold() -> None:
    timeline = told("fault_begin")
    for holds in (True, False, True):
        record = checked(
            1, {"seq": 1, "prev": "0" * 64, **event("fault_effective", T0, holds=holds, how="looked")}
        )
        assert record["kind"] == "event"
        timeline.add(record)
    assert timeline.fault_effective is False


def test_the_first_safe_counts_and_the_last_revival() -> None:
    timeline = told("fault_begin", "safe", "safe", "old_primary_revived", "old_primary_revived")
    assert (timeline.safe_ns, timeline.revived_ns) == (T0 + 2, T0 + 5)


def test_writes_count_from_when_the_revival_began() -> None:
    assert told("fault_begin").revived_from_ns is None
    assert told("fault_begin", "revival_begin").revived_from_ns is None, "it was never up"
    assert told("fault_begin", "old_primary_revived").revived_from_ns == T0 + 2
    assert told("fault_begin", "revival_begin", "old_primary_revived").revived_from_ns == T0 + 2
    assert told("fault_begin", "old_primary_revived", "revival_begin").revived_from_ns == T0 + 2


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (["revival_begin"], "before fault_begin"),
        (["fault_begin", "revival_begin", "revival_begin"], "a second revival_begin"),
    ],
)
def test_a_revival_has_its_place(names: list[str], why: str) -> None:
    with pytest.raises(LedgerError, match=why):
        told(*names)


@pytest.mark.parametrize(("start", "stop"), [(T0 + 2, T0 + 1), (T0, T0 + 9)])
def test_a_stall_is_a_stretch_of_the_past(start: int, stop: int) -> None:
    record = checked(1, {"seq": 1, "prev": "0" * 64, **stall(start, stop), "ns": T0 + 5})
    assert record["kind"] == "stall"
    with pytest.raises(LedgerError, match="out of order"):
        told().stall(record)


def test_an_end_that_aborts_is_an_abort() -> None:
    record = checked(1, {"seq": 1, "prev": "0" * 64, **end(T0, "aborted")})
    assert record["kind"] == "end"
    timeline = told()
    timeline.end(record)
    assert (timeline.end_reason, timeline.aborted) == ("aborted", "no reason was recorded")


def test_every_event_of_an_order_exists() -> None:
    assert set(get_args(EventName)) >= AFTER_FAULT > MILESTONES
