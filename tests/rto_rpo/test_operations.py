from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rto_rpo.ledger.errors import LedgerError
from rto_rpo.ledger.validation import checked
from rto_rpo.operations import Operations, StreamHistory
from tests.rto_rpo.ledgers import MS, T0, header, intents, operation, reading, sha256_of, stream

Fields = dict[str, Any]


def taken(*records: Fields, **head: Any) -> StreamHistory:
    operations = Operations()
    for seq, record in enumerate([header(**head), *records]):
        operations.take(checked(seq + 1, {"seq": seq, "prev": "0" * 64, **record}))
    return operations.streams["orders"]


def read_back(*rows: tuple[int, str], **other: Any) -> StreamHistory:
    return taken(
        intents(0, 3, T0), operation(0, T0), operation(1, T0 + 10 * MS), *reading(rows, T0 + MS, **other)
    )


def test_a_reading_counts_with_its_count_and_its_end() -> None:
    assert read_back((0, sha256_of(0)), (1, sha256_of(1))).reading_problem is None


@pytest.mark.parametrize(
    ("other", "problem"),
    [
        ({"end": False}, "no end marker"),
        ({"count": None}, "no count"),
        ({"count": 2}, "1 rows were read where 2 were counted"),
        ({"error": "connection refused"}, "failed: connection refused"),
    ],
)
def test_a_reading_that_does_not_count(other: Fields, problem: str) -> None:
    assert problem in (read_back((0, sha256_of(0)), **other).reading_problem or "")


def test_a_stream_that_was_never_read_back() -> None:
    assert taken(intents(0, 3, T0)).reading_problem == "it was never read back"


def test_operations_that_settle_while_it_is_read_back() -> None:
    first, last = reading([(0, sha256_of(0))], T0 + 50 * MS)
    late = operation(0, T0, completed_ns=T0 + 50 * MS)
    history = taken(intents(0, 1, T0), first, late, last)
    assert history.reading_problem == "operations were still settling when it was read back"


def test_operations_that_settle_after_it_was_read_back() -> None:
    late = operation(0, T0, completed_ns=T0 + 50 * MS)
    history = taken(intents(0, 1, T0), *reading([], T0 + 50 * MS), late)
    assert history.reading_problem == "operations settled after it was read back"


def test_a_reading_that_failed_is_forgotten_by_the_next() -> None:
    settled = [intents(0, 2, T0), operation(0, T0), operation(1, T0 + 10 * MS)]
    broken = reading([(0, sha256_of(0)), (0, sha256_of(0)), (9, sha256_of(9))], T0 + MS, error="reset")
    whole = reading([(0, sha256_of(0)), (1, sha256_of(1))], T0 + MS)
    history = taken(*settled, *broken, *whole)
    assert (history.reading_problem, history.read_count, history.unexpected) == (None, 2, set())
    assert [state >> 4 for state in history.writes.state] == [1, 1]


def test_streams_are_apart() -> None:
    operations = Operations()
    head = header(streams=[stream(), stream("other")])
    for seq, record in enumerate(
        [head, intents(0, 1, T0), intents(0, 1, T0, stream="other"), operation(0, T0)]
    ):
        operations.take(checked(seq + 1, {"seq": seq, "prev": "0" * 64, **record}))
    assert [len(list(each.settled())) for each in operations.streams.values()] == [1, 0]


def test_acts_are_numbered_apart() -> None:
    history = taken(
        intents(0, 1, T0),
        intents(0, 1, T0, act="read"),
        intents(0, 1, T0, act="delete"),
        operation(0, T0, act="read"),
        operation(0, T0, act="delete"),
        operation(0, T0),
    )
    assert [column.count(1) for column in history.columns] == [1, 1, 1]


def test_addresses_beyond_the_first_255_are_nobody() -> None:
    count = 300
    answers = [operation(each, T0 + each * MS, address=f"10.0.0.{each}") for each in range(count)]
    history = taken(intents(0, count, T0, MS), *answers)
    assert sorted(set(history.writes.address)) == list(range(256))
    assert set(history.writes.address[255:]) == {0}


def test_the_last_completed_before_an_instant_is_found_however_far_back() -> None:
    answers = [
        operation(each, T0 + each * MS, outcome="acknowledged" if each < 2 else "failed")
        for each in range(900)
    ]
    history = taken(intents(0, 900, T0, MS), *answers, streams=[stream(interval_ns=MS)])
    assert history.last_completed_before(T0 + 900 * MS, history.writes, lambda s: s & 3 == 1) == T0 + 2 * MS
    assert history.last_completed_before(T0 + 2 * MS, history.writes, lambda s: s & 3 == 1) == T0 + MS
    assert history.last_completed_before(T0 + MS, history.writes, lambda s: s & 3 == 1) is None


SLOW_BEFORE_FAST = [(3, 14, "acknowledged"), (0, 0, "acknowledged"), *[(0, 0, "failed")] * 5]
outcomes = st.sampled_from(["failed", "failed", "failed", "acknowledged"])
answers = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 14), outcomes), min_size=8, max_size=40)


@settings(max_examples=200, deadline=None)
@given(answers=answers, since=st.integers(0, 300), until=st.integers(0, 300))
@example(answers=SLOW_BEFORE_FAST, since=48, until=0)
def test_looking_only_as_far_as_an_answer_can_lie_misses_none(
    answers: list[tuple[int, int, str]], since: int, until: int
) -> None:
    """Due every 7 ns; sent on time or a little late, answered soon or long after."""
    records = [
        operation(number, T0 + 7 * number, lag=lag, took=took, outcome=outcome)
        for number, (lag, took, outcome) in enumerate(answers)
    ]
    given_intents = [intents(0, len(records), T0, 7)] if records else []
    history = taken(*given_intents, *records, streams=[stream(interval_ns=7)], ns=T0 - 100)
    times = [(each["sent_ns"], each["completed_ns"], each["outcome"]) for each in records]
    seen = {(sent, completed) for sent, completed, _, _ in history.settled(T0 + since, T0 + until)}
    assert {(s, c) for s, c, _ in times if c >= T0 + since and s <= T0 + until} <= seen
    wanted = [c for _, c, outcome in times if outcome == "acknowledged" and c < T0 + since]
    last = history.last_completed_before(T0 + since, history.writes, lambda state: state & 3 == 1)
    assert last == max(wanted, default=None)


def test_an_error_names_the_line() -> None:
    with pytest.raises(LedgerError, match="ledger line 2: an outcome of read 0"):
        taken(operation(0, T0, act="read"))
