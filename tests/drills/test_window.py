"""A drill outside its window, or late, does nothing and says why; so where a calendar does not answer."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from drills import drill as drills
from drills.recording import Recording
from drills.window import check_punctual, check_window, record_window
from rto_rpo.objective import parse_duration
from sites.errors import GuardError
from sites.plan import Drill
from sites.plan.window import Window
from tests.drills.small_drill import DRILL, small_estate

SATURDAY = datetime(2026, 6, 6, 6, 0, tzinfo=UTC)
FRIDAY_EVENING = datetime(2026, 6, 5, 19, 30, tzinfo=UTC)  # New York closes at 20:00 UTC
MONDAY = datetime(2026, 6, 8, 12, 0, tzinfo=UTC)  # and opens at 13:30


def drill_in(tmp_path: Path, calendar: str = "XNYS", margin: str = "1h") -> Drill:
    drill = small_estate(tmp_path).plan.drills[DRILL]
    return drill.model_copy(update={"window": Window(calendar=calendar, margin=parse_duration(margin))})


def test_a_calendar_that_is_not_installed_lets_nothing_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "exchange_calendars", None)
    with pytest.raises(GuardError, match="exchange_calendars is not installed"):
        check_window(drill_in(tmp_path), DRILL, 60, SATURDAY)


def test_a_closed_market_lets_it_begin_and_an_open_one_does_not(tmp_path: Path) -> None:
    pytest.importorskip("exchange_calendars", reason="the extra `calendars` is not installed")
    drill = drill_in(tmp_path)
    check_window(drill, DRILL, 3600, SATURDAY)
    with pytest.raises(GuardError, match="XNYS trades at 2026-06-05"):
        check_window(drill, DRILL, 60, FRIDAY_EVENING)
    check_window(drill, DRILL, 60, FRIDAY_EVENING + timedelta(hours=2))


class Kept:
    """Stands in for the recorder, which is a process of its own."""

    def __init__(self) -> None:
        self.told: list[dict[str, object]] = []

    def event(self, name: str, *, detail: dict[str, object]) -> None:
        assert name == "check"
        self.told.append(detail)


def closed(*minutes: datetime) -> SimpleNamespace:
    """A package of calendars by which trading goes on in these minutes alone."""
    found = [SimpleNamespace(to_pydatetime=lambda at=at: at) for at in minutes]
    always = {
        "first_minute": datetime.min.replace(tzinfo=UTC),
        "last_minute": datetime.max.replace(tzinfo=UTC),
    }
    calendar = SimpleNamespace(
        minutes_in_range=lambda *_: found, is_open_on_minute=lambda *_, **__: False, **always
    )
    return SimpleNamespace(get_calendar=lambda _: calendar)


def test_what_the_calendar_said_is_a_check_of_the_drill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, drill = Kept(), drill_in(tmp_path)
    recorder = cast(Recording, kept)
    monkeypatch.setitem(sys.modules, "exchange_calendars", closed())
    record_window(recorder, drill, DRILL, 60)
    monkeypatch.setitem(sys.modules, "exchange_calendars", closed(MONDAY))
    with pytest.raises(GuardError, match="trades at"):
        record_window(recorder, drill, DRILL, 60)
    record_window(recorder, drill.model_copy(update={"window": None}), DRILL, 60)
    assert [(one["name"], one["verdict"]) for one in kept.told] == [
        ("window", "met"),
        ("window", "inconclusive"),
    ]
    assert "XNYS does not trade from" in str(kept.told[0]["reason"])
    assert "nor within 1h on either side" in str(kept.told[0]["reason"])


def test_what_would_not_end_before_the_market_opens_does_not_begin(tmp_path: Path) -> None:
    pytest.importorskip("exchange_calendars", reason="the extra `calendars` is not installed")
    drill = drill_in(tmp_path, margin="10m")
    check_window(drill, DRILL, 600, MONDAY)
    with pytest.raises(GuardError, match="XNYS trades at 2026-06-08 13:30 UTC"):
        check_window(drill, DRILL, 2 * 3600, MONDAY)


def test_the_last_minute_of_trading_is_one_of_trading_to_its_end(tmp_path: Path) -> None:
    pytest.importorskip("exchange_calendars", reason="the extra `calendars` is not installed")
    close = datetime(2026, 6, 5, 20, 0, tzinfo=UTC)
    drill = drill_in(tmp_path, margin="0s")
    with pytest.raises(GuardError, match="XNYS trades at 2026-06-05 19:59"):
        check_window(drill, DRILL, 60, close - timedelta(seconds=1))
    check_window(drill, DRILL, 60, close)


def test_a_break_within_a_trading_day_is_no_closed_market(tmp_path: Path) -> None:
    """Hong Kong trades nothing over noon, and its orders, risk and people are there all the same."""
    pytest.importorskip("exchange_calendars", reason="the extra `calendars` is not installed")
    drill = drill_in(tmp_path, "XHKG", margin="10m")
    noon = datetime(2026, 6, 5, 4, 15, 30, tzinfo=UTC)
    with pytest.raises(GuardError, match="XHKG only has a break within its trading day"):
        check_window(drill, DRILL, 600, noon)
    check_window(drill, DRILL, 600, noon + timedelta(hours=8))


@pytest.mark.parametrize("calendar", ["XXXX", "no such thing"])
def test_a_calendar_that_does_not_answer_lets_nothing_begin(tmp_path: Path, calendar: str) -> None:
    with pytest.raises(GuardError, match="does not answer"):
        check_window(drill_in(tmp_path, calendar), DRILL, 60, SATURDAY)


def test_a_calendar_that_does_not_reach_that_far_lets_nothing_begin(tmp_path: Path) -> None:
    with pytest.raises(GuardError, match="does not answer"):
        check_window(drill_in(tmp_path), DRILL, 60, SATURDAY + timedelta(days=3650))


def test_a_scheduler_that_comes_back_on_monday_does_not_run_saturdays_kill(tmp_path: Path) -> None:
    drill = small_estate(tmp_path).plan.drills[DRILL]
    check_punctual(drill, DRILL, None, MONDAY)
    check_punctual(drill, DRILL, SATURDAY, SATURDAY + timedelta(minutes=4))
    with pytest.raises(GuardError, match=r"was due at 2026-06-06 06:00:00 UTC .* is not run"):
        check_punctual(drill, DRILL, SATURDAY, MONDAY)


def test_a_drill_that_is_late_or_outside_its_window_changes_nothing(tmp_path: Path) -> None:
    estate = small_estate(tmp_path, window={"calendar": "no such thing"})
    estate.site("primary").up()
    try:
        running = estate.site("primary").running()
        asked = {"environment": "test", "confirm": "0" * 16}
        with pytest.raises(GuardError, match="does not answer"):
            drills.run(estate, DRILL, **asked)
        assert not estate.plan.evidence.path.exists()
        with pytest.raises(GuardError, match="is not run"):
            drills.run(estate, DRILL, **asked, due=datetime(2026, 1, 3, 6, 0, tzinfo=UTC))
        assert estate.site("primary").running() == running
        kept = estate.plan.evidence.path
        assert [each.name for each in kept.iterdir() if each.is_dir()] == []
        assert "not run" in (kept / "chain.jsonl").read_text().replace("_", " ")
    finally:
        estate.site("primary").kill()
