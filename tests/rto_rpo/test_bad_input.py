"""Every way in which a ledger comes to us broken: a clear error or *inconclusive*, never a wrong number."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rto_rpo.ledger.errors import LedgerError
from rto_rpo.ledger.reader import read
from rto_rpo.measure import measure
from rto_rpo.measurement import Decision, Measurement
from rto_rpo.verdict import decide
from tests.rto_rpo.contradictions import chained
from tests.rto_rpo.golden_drill import small
from tests.rto_rpo.ledgers import MS, event, intents, operation, write_ledger

Lines = list[dict[str, Any]]


def whole(path: Path) -> Lines:
    """The records of a drill that is met, without their place in the chain."""
    drill = small()
    write_ledger(path, drill.head, drill.records())
    records = [json.loads(line) for line in path.read_bytes().splitlines()]
    return [{key: value for key, value in each.items() if key not in {"seq", "prev"}} for each in records]


def judged(path: Path) -> tuple[Measurement, Decision]:
    header = next(read(path))
    assert header["kind"] == "header"
    found = measure(path)
    return found, decide(header, found)


def where(records: Lines, kind: str, number: int | None = None) -> int:
    return next(
        at for at, each in enumerate(records) if each["kind"] == kind and number in {None, each.get("number")}
    )


def interleaved(records: Lines, folder: Path) -> Path:
    """Two writers' lines in one file, each of them right by itself."""
    one = chained(folder / "one", records).read_bytes().splitlines(keepends=True)
    path = folder / "ledger"
    path.write_bytes(
        b"".join([one[0], *(line for pair in zip(one[1:], one[1:], strict=True) for line in pair)])
    )
    return path


def backwards(records: Lines, folder: Path) -> Path:
    at = where(records, "operation", 5)
    return chained(
        folder / "ledger", [*records[:at], {**records[at], "ns": records[at - 9]["ns"]}, *records[at + 1 :]]
    )


def operation_backwards(records: Lines, folder: Path) -> Path:
    at = where(records, "operation", 5)
    earlier = {**records[at], "completed_ns": records[at]["sent_ns"] - MS}
    return chained(folder / "ledger", [*records[:at], earlier, *records[at + 1 :]])


def without_intent(records: Lines, folder: Path) -> Path:
    at = where(records, "operation", 5)
    nobodys = {**operation(5000, records[at]["scheduled_ns"]), "ns": records[at]["ns"]}
    return chained(folder / "ledger", [*records[: at + 1], nobodys, *records[at + 1 :]])


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (interleaved, "seq is"),
        (backwards, "the clock went back"),
        (operation_backwards, "the clock went back"),
        (without_intent, "which was never intended"),
    ],
)
def test_a_ledger_that_contradicts_itself_is_void_and_has_no_number(
    tmp_path: Path, broken: Callable[[Lines, Path], Path], said: str
) -> None:
    found, decision = judged(broken(whole(tmp_path / "whole"), tmp_path))

    assert said in (found.void or "")
    assert (found.recovery_times, found.recovery_points) == ((), ())
    assert decision.verdict == "inconclusive"
    assert all((each.lower_seconds, each.upper_seconds) == (None, None) for each in decision.judgements)


def test_the_ledger_that_these_break_is_met(tmp_path: Path) -> None:
    path = chained(tmp_path / "ledger", whole(tmp_path / "whole"))
    assert judged(path)[1].verdict == "met"


def test_wherever_a_power_cut_ends_a_ledger_nothing_is_met(tmp_path: Path) -> None:
    records = whole(tmp_path / "whole")
    raw = chained(tmp_path / "whole-chained", records).read_bytes()
    header = raw.index(b"\n") + 1
    path = tmp_path / "ledger"
    for length in [*range(header, len(raw), 997), *range(len(raw) - 200, len(raw))]:
        path.write_bytes(raw[:length])
        found, decision = judged(path)
        assert found.void, length
        assert (found.recovery_times, found.recovery_points) == ((), ()), length
        assert decision.verdict == "inconclusive", length
    for length in range(0, header, 97):
        path.write_bytes(raw[:length])
        with pytest.raises(LedgerError):
            measure(path)


@pytest.mark.parametrize("number", [5, 25, 45])
def test_an_operation_with_no_outcome_proves_nothing(tmp_path: Path, number: int) -> None:
    """Before the fault, in the outage and after it. It was sent perhaps, and is not there."""
    drill = small(instead={number: None}, lost={number})
    path = write_ledger(tmp_path / "ledger", drill.head, drill.records())

    found, decision = judged(path)

    (point,) = found.recovery_points
    assert point.unrecorded == (number,)
    assert point.upper_seconds is None
    assert decision.verdict == "inconclusive"
    assert next(j for j in decision.judgements if j.objective == "rpo").verdict == "inconclusive"


def test_a_deletion_with_no_outcome_proves_nothing(tmp_path: Path) -> None:
    drill = small(lost={5})
    drill.more = [intents(5, 1, drill.due(15), act="delete")]
    path = write_ledger(tmp_path / "ledger", drill.head, drill.records())

    (point,) = judged(path)[0].recovery_points

    assert (point.lost, point.unrecorded, point.upper_seconds) == ((), (5,), None)


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ("blackstart/ledger/2", "is newer than this judge"),
        ("blackstart/ledger/999999999", "is newer than this judge"),
        ("somebody/else/1", "is not known"),
        (None, "is not known"),
        (7, "is not known"),
    ],
)
def test_a_schema_of_the_future_is_an_error(tmp_path: Path, schema: object, said: str) -> None:
    header, *records = whole(tmp_path / "whole")
    path = chained(tmp_path / "ledger", [{**header, "schema": schema}, *records])
    with pytest.raises(LedgerError, match=said):
        measure(path)


def test_a_kind_of_event_of_the_future_is_no_number(tmp_path: Path) -> None:
    records = whole(tmp_path / "whole")
    at = where(records, "end")
    foreign = {**event("note", records[at]["ns"]), "event": "teleported"}
    found, decision = judged(chained(tmp_path / "ledger", [*records[:at], foreign, *records[at:]]))
    assert found.void
    assert decision.verdict == "inconclusive"
