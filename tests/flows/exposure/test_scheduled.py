"""A schedule that is declared and whose scheduler never fired is told, though no charter knows of it."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flows.exposure.notices import notices
from flows.exposure.scheduled import declared, keep_seen
from flows.exposure.status import lines, status_of
from rto_rpo.evidence.agreed.not_run import InForce, NotRun, overdue
from rto_rpo.evidence.lines.history import entries_of, run_records
from sites.estate import Estate
from tests.drills.small_drill import DRILL, small_estate
from tests.rto_rpo.dossier.stories import NAME, Story, day_of, run_of
from tests.rto_rpo.report.runs import MET

WRITTEN = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)  # a Monday
SATURDAY = datetime(2026, 6, 6, 6, 0, tzinfo=UTC)


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    made = small_estate(tmp_path, schedule="0 6 * * 6")
    write_anew(made, WRITTEN)
    return made


def write_anew(estate: Estate, at: datetime) -> None:
    os.utime(estate.plan.path, (at.timestamp(), at.timestamp()))


def due(estate: Estate, now: datetime) -> list[datetime]:
    return [each.due for each in status_of(estate, now).not_run]


def test_what_never_ran_is_told_once_it_was_due_and_a_week_later_again(estate: Estate) -> None:
    assert due(estate, SATURDAY + timedelta(minutes=59)) == []
    found = status_of(estate, SATURDAY + timedelta(hours=1))
    assert [(each.drill, each.due) for each in found.not_run] == [(DRILL, SATURDAY)]
    assert f"not run: {DRILL}, due 2026-06-06 06:00 UTC" in lines(found)
    week = timedelta(days=7)
    assert due(estate, SATURDAY + week + timedelta(hours=1)) == [SATURDAY, SATURDAY + week]


def test_people_are_told_of_it(estate: Estate) -> None:
    told, _ = notices(estate, SATURDAY + timedelta(days=1))
    assert [one.reason for one in told if one.key.startswith("not-run:")] == [
        "was due at 2026-06-06 06:00 UTC and did not run"
    ]


def test_a_plan_that_is_written_anew_does_not_begin_anew_where_somebody_looked(estate: Estate) -> None:
    sunday = SATURDAY + timedelta(days=1)
    write_anew(estate, sunday)
    assert due(estate, sunday) == []
    write_anew(estate, WRITTEN)
    keep_seen(estate, WRITTEN)
    write_anew(estate, sunday)
    keep_seen(estate, sunday)
    assert due(estate, sunday) == [SATURDAY]
    (estate.state / "schedules.json").write_text("[[")
    assert due(estate, sunday) == []


def test_a_file_from_tomorrow_was_not_declared_before_now(estate: Estate) -> None:
    write_anew(estate, SATURDAY + timedelta(days=30))
    [one] = declared(estate, SATURDAY)
    assert one.since == SATURDAY


def told(story: Story, now: datetime, *plan: InForce) -> list[NotRun]:
    return [*overdue(story.root, run_records(entries_of(story.root)), now, plan).not_run]


def test_what_the_newest_charter_has_is_counted_once_and_a_changed_one_follows_it(tmp_path: Path) -> None:
    story = Story(tmp_path / "evidence")
    story.drill(run_of(MET, 1))  # at six on the 23rd, as its charter says: every day at six
    now, long_ago = day_of(4) + timedelta(hours=2), day_of(-300)
    before = told(story, now)
    assert [each.due.day for each in before] == [24, 25, 26]
    same = InForce(NAME, "kill-primary", story.schedule, long_ago, now)
    assert told(story, now, same) == before
    changed = replace(same, schedule="30 5 * * *", since=day_of(3))
    assert [f"{each.due:%d %H:%M}" for each in told(story, now, changed)] == ["24 06:00", "26 05:30"]
    new = replace(same, drill="cut-sites", schedule="30 5 * * *")
    assert [each.due.day for each in told(story, now, new) if each.drill == "cut-sites"] == [24, 25, 26]


def test_a_run_at_its_time_answers_for_a_schedule_that_no_charter_has(tmp_path: Path) -> None:
    story = Story(tmp_path / "evidence")
    story.drill(run_of(MET, 1))
    story.drill(replace(run_of(MET, 2), drill="cut-sites"))
    now = day_of(2) + timedelta(hours=2)
    late = InForce(NAME, "cut-sites", "0 6 * * *", day_of(1), now)
    assert [each.drill for each in told(story, now, late)] == ["kill-primary"]
