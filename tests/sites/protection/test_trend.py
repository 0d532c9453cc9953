"""Exposures at their highest, from the history alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sites.protection.history import Event
from sites.protection.trend import direction, peaks

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def arrived(minute: int, taken: int, outcome: str = "done", repository: str = "far") -> Event:
    newest = {"ticks": (NOON + timedelta(minutes=taken)).isoformat()}
    at = NOON + timedelta(minutes=minute)
    return Event("replication", repository, outcome, None, {"newest": newest}, at)


def test_a_peak_is_the_age_just_before_the_next_point_arrived() -> None:
    events = [arrived(5, 0), arrived(20, 15), arrived(21, 15), arrived(60, 50)]
    assert peaks("ticks", "far", events) == (1200.0, 2700.0)


def test_what_failed_or_went_elsewhere_is_no_arrival() -> None:
    events = [arrived(5, 0), arrived(20, 15, "failed"), arrived(30, 25, repository="near"), arrived(60, 50)]
    assert peaks("ticks", "far", events) == (3600.0,)
    assert peaks("orders", "far", events) == ()


def test_a_repository_without_a_copy_is_told_by_its_backups() -> None:
    taken = [NOON + timedelta(hours=hour) for hour in (0, 1, 3)]
    events = [Event("backup", "far", "done", "ticks", {"taken": at.isoformat()}, at) for at in taken]
    assert peaks("ticks", "far", events) == (3600.0, 7200.0)


@pytest.mark.parametrize(
    ("seconds", "trend"),
    [
        ((60,) * 5, None),
        ((60,) * 6, "steady"),
        ((60, 60, 60, 60, 90, 90), "growing"),
        ((60, 60, 60, 60, 61, 300), "growing"),
        ((60, 60, 60, 60, 30, 30), "shrinking"),
        ((60, 60, 60, 300, 60, 60, 60, 60, 60), "steady"),
    ],
)
def test_the_trend_holds_the_newest_third_against_the_rest(seconds: tuple[float, ...], trend: str) -> None:
    assert direction(seconds) == trend
