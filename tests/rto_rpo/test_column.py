from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rto_rpo.column import ACKNOWLEDGED, FAILED, INDETERMINATE, UNSETTLED, Column, positions, states

SECOND = 10**9


def filled(*outcomes: int) -> Column:
    column = Column()
    column.intend(100, len(outcomes), 1000, 10)
    for slot, outcome in enumerate(outcomes):
        if outcome:
            due = column.due_ns(slot)
            column.settle(slot, due, due + slot, due + 2 * slot, outcome, 0)
    return column


def test_a_slot_has_its_number_and_its_instants() -> None:
    column = filled(ACKNOWLEDGED, FAILED, INDETERMINATE)
    assert [column.number(slot) for slot in range(3)] == [100, 101, 102]
    assert [column.due_ns(slot) for slot in range(3)] == [1000, 1010, 1020]
    assert [column.sent_ns(slot) for slot in range(3)] == [1000, 1011, 1022]
    assert [column.completed_ns(slot) for slot in range(3)] == [1000, 1012, 1024]


def test_settled_operations_come_with_their_state_and_address() -> None:
    column = filled(ACKNOWLEDGED, UNSETTLED, FAILED)
    column.address[2] = 7
    assert list(column.settled()) == [(1000, 1000, ACKNOWLEDGED, 0), (1022, 1024, FAILED, 7)]
    assert list(column.unsettled()) == [1]
    assert [column.count(outcome) for outcome in range(4)] == [1, 1, 1, 0]


@pytest.mark.parametrize(("lag", "latency"), [(-3 * SECOND, 0), (3 * SECOND, 5 * SECOND), (0, 2**32 - 1)])
def test_lags_and_latencies_that_do_not_fit_are_kept_aside(lag: int, latency: int) -> None:
    column = Column()
    column.intend(0, 2, 10 * SECOND, 10)
    column.settle(1, 10 * SECOND + 10, 10 * SECOND + 10 + lag, 10 * SECOND + 10 + lag + latency, FAILED, 0)
    sent = 10 * SECOND + 10 + lag
    assert (column.lag_ns(1), column.sent_ns(1), column.completed_ns(1)) == (lag, sent, sent + latency)
    assert list(column.settled()) == [(sent, sent + latency, FAILED, 0)]
    assert column.lag_max_ns() == max(0, lag)
    assert list(column.lagging(SECOND)) == ([1] if lag > SECOND else [])


def test_lagging_means_more_than_the_limit() -> None:
    column = filled(ACKNOWLEDGED, ACKNOWLEDGED, ACKNOWLEDGED)
    assert list(column.lagging(1)) == [2]
    assert list(column.lagging(2)) == []


@pytest.mark.parametrize("number", [99, 103, 149, 152, -1])
def test_finds_no_number_that_was_not_intended(number: int) -> None:
    column = filled(ACKNOWLEDGED, FAILED, FAILED)
    column.intend(150, 2, 1050, 10)
    assert column.find(number) == -1


def test_finds_nothing_in_an_empty_column() -> None:
    assert Column().find(0) == -1
    assert Column().first_due_ns is None


def test_states_that_are_marked_are_found_at_their_slots() -> None:
    assert list(positions(bytearray([0, 5, 1, 5]), states(lambda state: state == 5))) == [1, 3]


batches = st.lists(
    st.tuples(st.integers(0, 3), st.integers(1, 5), st.integers(0, 40), st.integers(1, 7)), max_size=12
)


@settings(max_examples=100, deadline=None)
@given(batches=batches, since=st.integers(0, 200), until=st.integers(0, 200))
def test_any_schedule_reads_back_as_it_was_intended(
    batches: list[tuple[int, int, int, int]], since: int, until: int
) -> None:
    column, expected, number = Column(), [], 0
    for gap, count, due, step in batches:
        number += gap
        column.intend(number, count, due, step)
        expected += [(number + each, due + each * step) for each in range(count)]
        number += count
    for slot, (number_there, due) in enumerate(expected):
        assert column.find(number_there) == slot
        assert (column.number(slot), column.due_ns(slot)) == (number_there, due)
        column.settle(slot, due, due, due, ACKNOWLEDGED, 0)
    wanted = sorted(due for _, due in expected if since <= due <= until)
    assert sorted(sent for sent, _, _, _ in column.settled(since, until)) == wanted
    assert column.first_due_ns == min((due for _, due in expected), default=None)
    for first in (0, 1, len(expected) // 2, len(expected)):
        later = sorted(due for _, due in expected[first:] if since <= due <= until)
        assert sorted(sent for sent, _, _, _ in column.settled(since, until, first)) == later


@pytest.mark.parametrize("within", [0, 2, 5, 6, 2**32 - 2, 2**32 - 1, 2**40])
@pytest.mark.parametrize("latency", [5, 6, 2**32 - 2, 2**32 - 1, 2**33])
@pytest.mark.parametrize("outcome", [ACKNOWLEDGED, FAILED, INDETERMINATE, UNSETTLED])
def test_only_stretches_that_were_served_in_time_are_left_out(
    within: int, latency: int, outcome: int
) -> None:
    column = Column()
    for number, told in ((0, 0), (3, 0), (6, 1)):
        column.intend(number, 3, 1000 + 10 * number, 10, told)
    for slot in range(9):
        due, settled = column.due_ns(slot), outcome if slot == 4 else ACKNOWLEDGED
        if settled:
            column.settle(slot, due, due, due + (latency if slot == 4 else 5), settled, 0)
    seen = {sent for sent, _, _, _ in column.settled(but_served_ns=within)}
    bad = {s for s, c, state, _ in column.settled() if c - s > within or state & 3 != ACKNOWLEDGED}
    assert bad <= seen
    assert within < 6 or not {column.due_ns(slot) for slot in (6, 7, 8)} & seen
