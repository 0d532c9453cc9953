"""A drill that was due and not run is a finding, from when that was known until the drill is run."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from rto_rpo.dossier.dossier import Dossier, as_things_stand, beside_runs
from rto_rpo.dossier.finding import Finding
from rto_rpo.dossier.findings import finding_id
from rto_rpo.dossier.shelf import read_shelf
from rto_rpo.evidence.lines.record import Finding as Entered
from rto_rpo.evidence.lines.record import FindingState
from tests.rto_rpo.dossier.stories import DRILL, NAME, Story, by, day_of, run_of
from tests.rto_rpo.report.runs import INCONCLUSIVE, MET

OVERDUE = finding_id(NAME, DRILL, ("due",))


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """Due every day at six, and run on the first and the third."""
    made = Story(tmp_path / "evidence")
    made.drill(run_of(MET, 1))
    return made


def told(story: Story, now: datetime) -> Finding | None:
    return of(as_things_stand(read_shelf(story.root), NAME, now))


def of(dossier: Dossier) -> Finding | None:
    return next((one for one in dossier.findings if one.id == OVERDUE), None)


def test_it_opens_an_hour_after_it_was_due_and_not_before(story: Story) -> None:
    assert told(story, day_of(2) + timedelta(minutes=59)) is None
    found = told(story, day_of(2) + timedelta(minutes=61))
    assert found is not None
    assert (found.state("2026-11-24"), found.severity, found.opened.utc[:16]) == (
        *("open", "medium"),
        "2026-11-24T07:00",
    )
    assert found.text == "drill kill-primary was due on 2026-11-24 06:00 UTC, and not run within the hour"


def test_it_says_so_once_however_often_it_was_due(story: Story) -> None:
    found = told(story, day_of(20))
    assert found is not None
    assert [turn.what for turn in found.turns] == ["opened"]


def test_a_run_of_the_drill_closes_it_and_the_next_gap_opens_it_again(story: Story) -> None:
    story.drill(run_of(MET, 3))
    found = told(story, day_of(3))
    assert found is not None
    assert found.state("2026-11-25") == "closed"
    assert found.last.why == "the schedule met: drill kill-primary was run on 2026-11-25"
    again = told(story, day_of(5))
    assert again is not None
    assert [turn.what for turn in again.turns] == ["opened", "closed", "opened again"]


@pytest.mark.parametrize("kind", [INCONCLUSIVE, replace(MET, drill="another")])
def test_a_run_that_is_in_doubt_or_of_another_drill_closes_nothing(story: Story, kind: object) -> None:
    story.drill(run_of(kind, 3))  # type: ignore[arg-type]
    found = told(story, day_of(3))
    assert found is not None
    assert found.state("2026-11-25") == "open"


def test_beside_a_run_it_is_known_from_the_first_run_after_it_on(story: Story) -> None:
    """And the pages that were written then are the same when they are drawn again."""
    story.drill(replace(run_of(MET, 3), drill="another"))
    story.drill(run_of(MET, 4))
    first, second, third = beside_runs(read_shelf(story.root), NAME)
    assert of(first) is None
    assert (one := of(second)) is not None
    assert one.state("2026-11-25") == "open"
    assert (one := of(third)) is not None
    assert one.state("2026-11-26") == "closed"


def test_a_person_takes_it_on_and_accepts_it(story: Story) -> None:
    entered = Entered(
        what="finding",
        by=by("Bo"),
        text="no window",
        id=OVERDUE,
        severity="low",
        owner="Bo",
        due="2026-12-31",
    )
    story.drill(replace(run_of(MET, 3), drill="another"))
    story.say(entered)
    found = told(story, day_of(3))
    assert found is not None
    assert (found.source, found.owner, found.severity) == ("drill", "Bo", "low")
    story.say(
        FindingState(what="finding_state", by=by("Bo"), text="closed market", id=OVERDUE, state="accepted")
    )
    found = told(story, day_of(3))
    assert found is not None
    assert found.state("2026-11-25") == "accepted"
