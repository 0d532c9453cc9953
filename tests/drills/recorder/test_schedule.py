from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from drills.recorder.schedule import AHEAD_NS, Batch, Schedule


@given(
    start_ns=st.integers(0, 10**15),
    interval_ns=st.integers(1_000_000, 3 * 10**9),
    now_ns=st.integers(0, 4 * 10**9),
)
def test_batches_join_without_gap_and_reach_ahead_of_time(
    start_ns: int, interval_ns: int, now_ns: int
) -> None:
    schedule, first, now_ns = Schedule(start_ns, interval_ns), 0, start_ns + now_ns

    while batch := schedule.next_batch(first, now_ns):
        assert (batch.first, batch.scheduled_ns) == (first, schedule.due_ns(first))
        assert batch.count >= 1
        first += batch.count

    assert schedule.due_ns(first) > now_ns + AHEAD_NS


def test_a_slow_stream_is_announced_one_by_one() -> None:
    schedule = Schedule(0, 5 * 10**9)

    assert schedule.next_batch(1, 4_400_000_000) is None
    assert schedule.next_batch(1, 4_500_000_000) == Batch(1, 1, 5 * 10**9)
