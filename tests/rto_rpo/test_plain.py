"""The short way in must never differ from the long one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rto_rpo.ledger.errors import LedgerError
from rto_rpo.ledger.validation import checked
from rto_rpo.operations import Operations
from rto_rpo.plain import taken
from tests.rto_rpo.ledgers import MS, T0, S, header, intents, operation, reading, sha256_of, stream

Fields = dict[str, Any]
SHORT, LONG = True, False
BEFORE = [
    header(streams=[stream(), stream("other")]),
    intents(0, 3, T0),
    intents(5, 3, T0 + 90 * MS),
    operation(0, T0, address="a"),
]


def _placed(seq: int, record: Fields) -> Fields:
    return {"seq": seq, "prev": "0" * 64, **record}


def _prepared(records: list[Fields]) -> Operations:
    operations = Operations()
    for seq, record in enumerate(records):
        operations.take(checked(seq + 1, _placed(seq, record)))
    return operations


def _seen(operations: Operations) -> list[object]:
    found: list[object] = []
    for history in operations.streams.values():
        found += [list(history.payloads), history.read_count, history.unexpected]
        found += [history.reading_problem, history.addresses]
        for column in history.columns:
            found += [bytes(column.state), list(column.lag), list(column.latency), bytes(column.address)]
            found += [column.far_lag]
    return found


def _take(operations: Operations, records: list[Fields], *, short: bool) -> str | None:
    """Take them in, up to one that is refused; the answer is why it was."""
    place = 0
    while place < len(records):
        if short:
            place = taken(operations.streams, records, place)
        for record in records[place : place + 1]:
            try:
                operations.take(checked(5 + place, record))
            except LedgerError as error:
                return str(error)
        place += 1
    return None


def _agree(before: list[Fields], *records: Fields) -> bool:
    """Whether the records were accepted, both ways alike."""
    ways = {way: _prepared(before) for way in (SHORT, LONG)}
    reasons = {way: _take(ways[way], [*records], short=way) for way in (SHORT, LONG)}
    assert reasons[SHORT] == reasons[LONG]
    if reasons[LONG] is None:
        assert _seen(ways[SHORT]) == _seen(ways[LONG])
    return reasons[LONG] is None


odd_values = st.one_of(
    st.sampled_from(
        [None, True, 0, 1, 2, 5, 6, 7, 8, -1, 1.0, 2**63, 2**64, "", "a", "write", "delete", [], {}]
    ),
    st.sampled_from(
        ["acknowledged", "failed", "orders", "other", sha256_of(1), sha256_of(1).upper(), "0" * 63]
    ),
    st.sampled_from([T0, T0 + 10 * MS, T0 + 11 * MS, T0 + 20 * S, T0 + 10 * MS + 2**31, float(T0)]),
)
fields = st.sampled_from([*operation(1, T0), "colour"])
seqs = st.sampled_from([4, 4, 4, True, 4.0, None, "4"])  # its value is the caller's business


@settings(max_examples=400, deadline=None)
@given(
    number=st.sampled_from([1, 2, 5, 7]),
    seq=seqs,
    changes=st.dictionaries(fields, odd_values, max_size=2),
    dropped=st.none() | fields,
)
def test_an_operation_however_odd(number: int, seq: object, changes: Fields, dropped: str | None) -> None:
    due = T0 + number * 10 * MS if number < 3 else T0 + 90 * MS + (number - 5) * 10 * MS
    record = _placed(4, operation(number, due)) | {"seq": seq} | changes
    record.pop(dropped or "", None)
    assert _agree(BEFORE, record) or changes or dropped or type(seq) is not int


rows = st.lists(
    st.one_of(
        st.builds(lambda number: [number, sha256_of(number)], st.integers(0, 9)),
        st.sampled_from(
            [[1, sha256_of(9)], [2**63, sha256_of(1)], [1], [1, "x"], [True, sha256_of(1)], None]
        ),
        st.sampled_from(
            [[-1, sha256_of(1)], [1, sha256_of(1).upper()], [99, sha256_of(1).upper()], [1, None]]
        ),
    ),
    max_size=8,
)


@settings(max_examples=300, deadline=None)
@given(rows=rows, more=st.booleans(), seq=seqs, ns=st.just(T0 + S) | odd_values)
def test_rows_however_odd(rows: list[Any], more: bool, seq: object, ns: object) -> None:
    before = [*BEFORE, *reading([(0, sha256_of(0))], T0 + S)[:1]] if more else BEFORE
    record = _placed(4, {"kind": "read", "ns": ns, "stream": "orders", "rows": rows}) | {"seq": seq}
    sound = all(type(row) is list and len(row) == 2 and type(row[0]) is int for row in rows)
    assert not _agree(before, record) or sound


@pytest.mark.parametrize("ns", [-1, 2**63])
def test_rows_at_a_time_that_no_clock_shows(ns: int) -> None:
    record = _placed(4, {"kind": "read", "ns": ns, "stream": "orders", "rows": [[0, sha256_of(0)]]})
    assert not _agree(BEFORE, record)


def test_more_rows_than_a_record_may_hold() -> None:
    record = _placed(4, {"kind": "read", "ns": T0, "stream": "orders", "rows": [[0, sha256_of(0)]] * 501})
    assert not _agree(BEFORE, record)


@pytest.mark.parametrize("lag", [2**31 - 1, 2**31, 0])
def test_a_lag_at_the_edge_of_what_fits(lag: int) -> None:
    assert _agree(BEFORE, _placed(4, operation(1, T0 + 10 * MS, lag=lag)))


@pytest.mark.parametrize("took_ns", [2**32 - 2, 2**32 - 1, 2**32])
def test_a_latency_at_the_edge_of_what_fits(took_ns: int) -> None:
    assert _agree(BEFORE, _placed(4, operation(1, T0 + 10 * MS, took=took_ns)))


def some_record(stream: str, number: int, kind: int) -> Fields:
    """One that is plain, or nearly; `kind` says how."""
    due = T0 + number * 10 * MS if number < 5 else T0 + 90 * MS + (number - 5) * 10 * MS
    odd: list[Fields]
    odd = [{"address": "b"}, {"outcome": "failed"}, {"act": "read"}, {"lag": 3 * S}, {"stream": None}]
    if kind < 6:
        return operation(number, due, stream=stream, address="a")
    if kind < 11:
        return operation(number, due, **{"stream": stream, "address": "a", **odd[kind - 6]})
    found = reading([(number, sha256_of(number, stream))], T0 + S, stream)
    return found[0] if kind < 13 else found[1]


some_records = st.builds(
    some_record, st.sampled_from(["orders", "other"]), st.sampled_from([1, 2, 5, 6, 7]), st.integers(0, 13)
)
many = st.lists(
    some_records, max_size=14, unique_by=lambda one: (one["kind"], one["stream"], one.get("number"))
)


@settings(max_examples=300, deadline=None)
@given(records=many)
def test_many_at_once_come_to_the_same_as_one_by_one(records: list[Fields]) -> None:
    before = [*BEFORE, *(each | {"stream": "other"} for each in BEFORE[1:])]
    _agree(before, *(_placed(len(before) + place, each) for place, each in enumerate(records)))


def test_the_common_case_takes_the_short_way() -> None:
    operations = _prepared(BEFORE)
    plain = [operation(5, T0 + 90 * MS, address="a"), *reading([(0, sha256_of(0))], T0 + S)[:1]]
    records = [_placed(4 + place, record) for place, record in enumerate([*plain, *plain])]
    assert taken(operations.streams, records, 0) == 2
    assert taken(operations.streams, records, 3) == 4


def test_a_write_that_settles_amid_a_reading_goes_the_long_way() -> None:
    first, second = (operation(number, T0 + number * 10 * MS, address="a") for number in (1, 2))
    read = reading([(0, sha256_of(0))], T0 + S)[0]
    records = [_placed(4 + place, record) for place, record in enumerate([first, read, second])]
    assert taken(_prepared(BEFORE).streams, records, 0) == 2
    assert _agree(BEFORE, *records)
