"""The state of a control follows from the evidence alone, and unknown is never met."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rto_rpo.controls.answer import State
from rto_rpo.controls.assess import Assessment
from rto_rpo.controls.profile import Control, Profile, Reading, profile, shipped
from rto_rpo.dossier.dossier import beside_runs
from rto_rpo.dossier.shelf import read_shelf
from rto_rpo.evidence.lines.record import Finding, Presence
from tests.rto_rpo.dossier.stories import NAME, Story, by, run_of, whole_story
from tests.rto_rpo.report.runs import INCONCLUSIVE, MET, MISSED, Run

READ = Reading.model_validate({"address": "here", "date": "2026-11-01", "of": "original"})


def profile_of(*answers: str, of: str = "original", **other: str) -> Profile:
    read = READ.model_copy(update={"of": of})
    control = Control(clause="1", asks="x", quotation="x y z", read=read, answers=answers, **other)  # type: ignore[arg-type]
    return Profile(name="p", title="t", original="o", binds="b", controls=(control,))


def assessed(story: Story, wanted: Profile) -> Assessment:
    """As of the newest run."""
    *_, last = beside_runs(read_shelf(story.root), NAME, [wanted])
    return last.mappings[0].assessments[0]


def state(story: Story, *answers: str) -> State:
    return assessed(story, profile_of(*answers)).state


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path / "evidence")


@pytest.mark.parametrize(
    ("kind", "answer", "expected"),
    [
        (MET, "tested-yearly", "met"),
        (MISSED, "tested-yearly", "met"),
        (INCONCLUSIVE, "tested-yearly", "inconclusive"),
        (MET, "switchover", "met"),
        (MISSED, "switchover", "not met"),
        (INCONCLUSIVE, "switchover", "inconclusive"),
        (MET, "checked", "met"),
        (MISSED, "checked", "not met"),
        (INCONCLUSIVE, "checked", "inconclusive"),
        (MET, "orders-known", "met"),
        (MISSED, "orders-known", "not met"),
        (INCONCLUSIVE, "orders-known", "inconclusive"),
        (MET, "restored", "not tested"),
        (MET, "attack", "not tested"),
        (MET, "apart", "inconclusive"),
        (MET, "promises", "not tested"),
        (MISSED, "promises", "not met"),
        (MET, "check:runbook", "met"),
        (MET, "check:kill", "not tested"),
        (MET, "criteria-frozen", "met"),
        (MET, "approved", "not tested"),
        (MET, "signed-off", "not tested"),
        (MET, "took-part", "not tested"),
        (MET, "ended", "met"),
        (MET, "kept-6-years", "met"),
        (MET, "followed", "met"),
        (MISSED, "followed", "not met"),
    ],
)
def test_one_run_answers(story: Story, kind: Run, answer: str, expected: str) -> None:
    story.drill(run_of(kind, 1))
    assert state(story, answer) == expected


def test_the_worst_answer_is_the_clauses(story: Story) -> None:
    story.drill(run_of(MISSED, 1))
    assert state(story, "tested-yearly") == "met"
    assert state(story, "tested-yearly", "restored") == "not tested"
    assert state(story, "tested-yearly", "restored", "apart") == "inconclusive"
    assert state(story, "tested-yearly", "restored", "apart", "switchover") == "not met"


def test_a_clause_of_which_a_quotation_was_read_is_never_met(story: Story) -> None:
    story.drill(run_of(MET, 1))
    found = assessed(story, profile_of("tested-yearly", of="quotation"))
    assert found.state == "inconclusive"
    assert "was not read" in found.reason


def test_what_a_firm_says_does_not_apply_is_na_with_its_reason(story: Story) -> None:
    story.drill(run_of(MET, 1))
    found = assessed(story, profile_of("restored", not_applicable="no backups: nothing is kept"))
    assert (found.state, found.reason) == ("n.a.", "no backups: nothing is kept")


def test_an_old_drill_is_no_drill_of_the_year(story: Story) -> None:
    story.drill(run_of(MET, 1))
    story.drill(replace(run_of(MET, 400), fault={"kind": "none"}))
    assert state(story, "tested-yearly") == "not tested"


def test_people_who_did_not_answer_are_named(story: Story) -> None:
    story.drill(run_of(MET, 1))
    for person, said in (("Ada", "called"), ("Bo", "called"), ("Ada", "acknowledged")):
        entry = Presence.model_validate(
            {"what": "presence", "by": by("Ada"), "text": "", "person": person, "state": said}
        )
        story.say(entry, 1)
    found = assessed(story, profile_of("took-part"))
    assert (found.state, found.reason) == ("not met", "did not answer: Bo")


def test_a_finding_without_an_owner_is_not_followed(story: Story) -> None:
    story.drill(run_of(MET, 1))
    story.say(
        Finding(
            what="finding", by=by("Bo"), text="x", id="F-1", severity="low", owner="Ada", due="2026-12-31"
        )
    )
    story.drill(run_of(MET, 2))
    assert state(story, "followed") == "met"
    story.say(Finding(what="finding", by=by("Bo"), text="x", id="F-2", severity="low"))
    story.drill(run_of(MET, 3))
    assert state(story, "followed") == "not met"


def test_a_drill_that_did_not_run_breaks_the_programme(story: Story) -> None:
    story.drill(run_of(MET, 1))
    story.drill(run_of(MET, 2))
    assert state(story, "programme") == "met"
    story.drill(run_of(MET, 4))
    assert state(story, "programme") == "not met"


def test_nothing_is_met_before_anything_ran(tmp_path: Path) -> None:
    story = whole_story(tmp_path / "evidence")
    profiles = [profile(name) for name in shipped()]
    assert list(beside_runs(read_shelf(tmp_path), NAME, profiles)) == []
    first = next(beside_runs(read_shelf(story.root), NAME, profiles))
    for mapping in first.mappings:
        for one in mapping.assessments:
            assert one.state in {"met", "not met", "not tested", "inconclusive", "n.a."}
            assert one.reason
            assert one.state != "met" or one.control.verified
