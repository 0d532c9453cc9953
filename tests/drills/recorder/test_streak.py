from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from drills.recorder.streak import Streak

INTERVAL_NS = 10
STABLE_NS = 100

operations = st.lists(
    st.tuples(st.integers(0, 8), st.integers(1, 60), st.sampled_from([True, True, True, True, False])),
    min_size=1,
    max_size=60,
)


@given(operations=operations, late_ns=st.sampled_from([None, 20, 40]))
def test_it_is_never_stable_before_a_run_of_that_length_is_over(
    operations: list[tuple[int, int, bool]], late_ns: int | None
) -> None:
    streak = Streak(INTERVAL_NS, late_ns)
    sent = [number * INTERVAL_NS + lag for number, (lag, _, _) in enumerate(operations)]
    ends = [sent[number] + latency for number, (_, latency, _) in enumerate(operations)]
    moments = sorted(
        [(at, 0, number) for number, at in enumerate(sent)]
        + [(at, 1, number) for number, at in enumerate(ends)]
    )
    settled: set[int] = set()

    for at, what, number in moments:
        if what == 0:
            streak.sent(number, at)
            continue
        acknowledged = operations[number][2]
        streak.settled(number, at, acknowledged=acknowledged)
        settled.add(number)
        if streak.length_ns >= STABLE_NS:
            assert _a_run(operations, sent, ends, settled, late_ns) >= STABLE_NS


def _a_run(
    operations: list[tuple[int, int, bool]],
    sent: list[int],
    ends: list[int],
    settled: set[int],
    late_ns: int | None,
) -> int:
    """The longest stretch of sendings in which every operation is settled and served, by brute force."""
    longest = 0
    for first in range(len(operations)):
        for last in range(first, len(operations)):
            served = last in settled and operations[last][2]
            if not served or (late_ns is not None and ends[last] - sent[last] > late_ns):
                break
            longest = max(longest, sent[last] - sent[first])
    return longest


def test_a_hang_stops_the_run_and_a_late_bad_one_begins_it_anew() -> None:
    streak = Streak(INTERVAL_NS, None)
    for number in range(20):
        streak.sent(number, number * INTERVAL_NS)
    for number in [*range(5), *range(6, 20)]:
        streak.settled(number, number * INTERVAL_NS + 1, acknowledged=True)
    hanging = streak.length_ns
    streak.settled(5, 1000, acknowledged=False)

    assert (hanging, streak.length_ns) == (30, 130)


def test_the_slowest_is_of_the_present_run() -> None:
    streak = Streak(INTERVAL_NS, None)
    for number, (latency_ns, acknowledged) in enumerate([(70, True), (5, False), (8, True), (3, True)]):
        streak.sent(number, number * 100)
        streak.settled(number, number * 100 + latency_ns, acknowledged=acknowledged)

    assert streak.slowest_ns == 8


def test_nothing_before_the_fault_counts_after_it() -> None:
    streak = Streak(INTERVAL_NS, None)
    for number in range(20):
        streak.sent(number, number * INTERVAL_NS)
        streak.settled(number, number * INTERVAL_NS + 1, acknowledged=True)
    streak.begin(195)

    assert streak.length_ns == 0
