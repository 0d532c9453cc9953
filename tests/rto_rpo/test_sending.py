"""When operations were sent, and what an outage could have hidden in."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rto_rpo import sending
from rto_rpo.operations import StreamHistory
from rto_rpo.sending import first_sent, longest_unseen_ns
from tests.rto_rpo.ledgers import S, intents, operation, stream

BEGIN = 1000
FAR = 2**61


def history_of(sent: list[tuple[int, int]], interval_ns: int = 10) -> StreamHistory:
    """(sent, taken) of each."""
    made = StreamHistory(stream(interval_ns=interval_ns))
    for number, (due, took) in enumerate(sent):
        assert made.intend({**intents(number, 1, due, ns=0), "seq": 2 * number, "prev": "0" * 64}) is None
        record = {**operation(number, due, took=took), "seq": 2 * number + 1, "prev": "0" * 64}
        assert made.settle(record) is None
    return made


@given(
    st.lists(st.tuples(st.integers(BEGIN - 40, BEGIN + 300), st.integers(0, 60)), max_size=25),
    st.integers(BEGIN, BEGIN + 320),
    st.sampled_from([1, 2, 7, 50_000]),
    st.sampled_from([1, 5, 200]),
)
def test_it_is_the_longest_stretch_whatever_is_put_in_order_in_one_go(
    sent: list[tuple[int, int]], until: int, at_once: int, goes: int
) -> None:
    since = sorted((due, due + took) for due, took in sent if due >= BEGIN)
    stretches = [
        answered - before
        for (before, _), (_, answered) in pairwise([(BEGIN - 3, 0), *since])
        if before < until
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sending, "_INTERVALS_AT_ONCE", at_once)
        patch.setattr(sending, "_GOES_MAX", goes)
        found = longest_unseen_ns(history_of(sent, interval_ns=1), BEGIN - 3, BEGIN, until)
    assert found == max(stretches, default=0)


@pytest.mark.timeout(10)
def test_what_was_sent_ages_later_takes_no_ages() -> None:
    history = history_of([(BEGIN, 1), (FAR, 1)], interval_ns=1)
    assert longest_unseen_ns(history, BEGIN, BEGIN) == FAR + 1 - BEGIN


def test_nothing_was_sent() -> None:
    history = history_of([])
    assert longest_unseen_ns(history, BEGIN, BEGIN) == 0
    assert first_sent(history.settled, BEGIN) == -1


def test_the_first_that_was_sent_need_not_be_the_first_that_is_told() -> None:
    history = history_of([(3 * S, 1), (S, 1), (2 * S, 1)])
    assert first_sent(history.settled, S + 1) == 2 * S
