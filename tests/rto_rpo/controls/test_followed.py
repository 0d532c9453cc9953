"""Findings are followed only as long as drills are run that look for them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rto_rpo.dossier.findings import finding_id
from rto_rpo.evidence.lines.record import Finding as Entered
from rto_rpo.evidence.lines.record import FindingState
from tests.rto_rpo.controls.assessing import on_day
from tests.rto_rpo.controls.test_witness import SMALL
from tests.rto_rpo.dossier.stories import DRILL, NAME, Story, by, run_of
from tests.rto_rpo.report.runs import MET


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path / "evidence")


def test_after_a_year_without_a_drill_nobody_looked(story: Story) -> None:
    story.schedule = "0 6 29 2 *"  # not due before the end of February 2028
    story.drill(run_of(MET, 1, SMALL))
    assert on_day(story, 300, "followed").state == "met"
    found = on_day(story, 400, "followed")
    assert (found.state, found.reason) == ("not tested", "no drill of the last year looked for anything")


def test_a_drill_that_is_overdue_follows_nothing(story: Story) -> None:
    story.drill(run_of(MET, 1, SMALL))
    assert on_day(story, 1, "followed").state == "met"
    found = on_day(story, 3, "followed")
    told = "due and not run since: kill-primary, the last on 2026-11-24"
    assert (found.state, found.reason) == ("not met", told)
    story.drill(run_of(MET, 4, SMALL))
    assert on_day(story, 4, "followed").state == "met"


def test_an_accepted_risk_is_an_open_finding_when_it_gets_worse(story: Story) -> None:
    story.schedule = "0 6 29 2 *"
    name = finding_id(NAME, DRILL, ("objective", "orders", "rpo"))
    story.drill(run_of(replace(MET, reading_ends=False), 1, SMALL))
    story.sign_off(1, "Ada", "executor")
    entered = Entered(what="finding", by=by("Bo"), text="the reading broke", id=name, severity="medium")
    story.say(entered.model_copy(update={"owner": "Bo", "due": "2026-12-31"}), by="Bo")
    accepted = FindingState(what="finding_state", by=by("Cy"), text="so be it", id=name, state="accepted")
    story.say(accepted, by="Cy")
    assert on_day(story, 1, "followed").reason == "no finding is open"
    story.drill(run_of(replace(MET, lost=frozenset({36, 37, 38})), 2, SMALL))
    found = on_day(story, 2, "followed")
    assert (found.state, found.reason) == ("met", "findings open, each with an owner and a day: 1")
