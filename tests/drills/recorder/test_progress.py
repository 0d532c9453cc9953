"""When a run is steady: every stream of clients served for long enough, and one mark in every folder."""

from __future__ import annotations

from drills.recorder.progress import Limits, Progress
from drills.recorder.streak import Streak

MS = 1_000_000
LIMITS = Limits(steady_ns=50 * MS, stable_ns=50 * MS, deadline_ns=10_000 * MS, ours=True)


def served(count: int, interval_ns: int = 10 * MS) -> Streak:
    streak = Streak(interval_ns, None)
    for number in range(count):
        streak.sent(number, number * interval_ns)
        streak.settled(number, number * interval_ns + MS, acknowledged=True)
    return streak


def progress(*marks: Streak) -> Progress:
    made = Progress(LIMITS, None)
    made.streaks, made.marks = [served(20)], list(marks)
    return made


def test_a_run_is_not_steady_before_each_folder_has_a_mark() -> None:
    assert progress().steady
    assert progress(served(1, 10_000 * MS)).steady
    assert not progress(served(1), Streak(10 * MS, None)).steady


def test_a_mark_that_could_not_be_written_is_none() -> None:
    failed = Streak(10 * MS, None)
    failed.sent(0, 0)
    assert not progress(failed).steady
    failed.settled(0, MS, acknowledged=False)
    assert not progress(failed).steady
