from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rto_rpo.evidence.agreed.not_run import InForce, not_run
from rto_rpo.schedule import ScheduleError, due

SUNDAY = datetime(2026, 11, 22, tzinfo=UTC)
WEEK = SUNDAY + timedelta(days=7)


def at(schedule: str, until: datetime = WEEK) -> list[str]:
    return [f"{when:%d %H:%M}" for when in due(schedule, SUNDAY, until)]


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("0 6 * * 6", ["28 06:00"]),
        ("0 6 * * 0", ["22 06:00"]),
        ("0 6 * * 7", ["22 06:00"]),
        ("30 1,13 24 11 *", ["24 01:30", "24 13:30"]),
        ("0 6 23 * 6", ["23 06:00", "28 06:00"]),
        ("0 */12 23-24 * *", ["23 00:00", "23 12:00", "24 00:00", "24 12:00"]),
        ("0 0 31 2 *", []),
    ],
)
def test_a_schedule_is_due_when_cron_says(schedule: str, expected: list[str]) -> None:
    assert at(schedule) == expected


@pytest.mark.parametrize("schedule", ["", "* * * *", "60 * * * *", "a * * * *", "5-1 * * * *", "*/0 * * * *"])
def test_what_is_no_schedule_is_refused(schedule: str) -> None:
    with pytest.raises(ScheduleError):
        at(schedule)


def missing(*opened: timedelta, now: timedelta = timedelta(days=30)) -> list[str]:
    """Which Saturdays at six are missing, of a plan that stood for three weeks."""
    stood = InForce("desk", "kill", "0 6 * * 6", SUNDAY, SUNDAY + timedelta(days=21))
    runs = [("desk", "kill", SUNDAY + each) for each in opened]
    return [f"{each.due:%d %b}" for each in not_run([stood], runs, SUNDAY + now)]


SIX = timedelta(days=6, hours=6)


def test_a_drill_that_was_due_and_did_not_happen_is_not_run() -> None:
    assert missing() == ["28 Nov", "05 Dec", "12 Dec"]
    assert missing(SIX, SIX + timedelta(days=7, minutes=59)) == ["12 Dec"]
    assert missing(SIX - timedelta(seconds=30)) == ["05 Dec", "12 Dec"]


def test_a_run_at_another_time_answers_for_nothing_and_one_run_answers_once() -> None:
    assert missing(SIX + timedelta(hours=2), SIX, SIX) == ["05 Dec", "12 Dec"]


def test_what_may_still_come_is_not_told_yet() -> None:
    assert missing(now=SIX + timedelta(minutes=59)) == []
    assert missing(now=SIX + timedelta(minutes=60)) == ["28 Nov"]


def test_another_drill_or_plan_answers_for_nothing() -> None:
    stood = InForce("desk", "kill", "0 6 * * 6", SUNDAY, WEEK)
    runs = [("desk", "other", SUNDAY + SIX), ("other", "kill", SUNDAY + SIX)]
    assert len(not_run([stood], runs, WEEK)) == 1
