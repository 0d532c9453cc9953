"""The state of a control follows from the evidence alone, and unknown is never met."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rto_rpo.controls.answer import State
from rto_rpo.controls.answers import ANSWERS
from rto_rpo.controls.assess import states_of, tally
from rto_rpo.controls.profile import profile, shipped
from rto_rpo.dossier.dossier import as_things_stand, beside_runs
from rto_rpo.dossier.shelf import read_shelf
from rto_rpo.evidence.keeping.pruning import prune
from tests.rto_rpo.controls.assessing import assessed, profile_of, state
from tests.rto_rpo.dossier.stories import NAME, PLAN, Story, day_of, run_of, whole_story
from tests.rto_rpo.report.runs import INCONCLUSIVE, MET, MISSED, Run

SHORT = PLAN.replace(b"retention: 6y", b"retention: 300d")


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
        (MET, "kept-6-years", "not tested"),
        (MET, "followed", "met"),
        (MISSED, "followed", "not met"),
    ],
)
def test_one_run_answers(story: Story, kind: Run, answer: str, expected: str) -> None:
    story.drill(run_of(kind, 1))
    assert state(story, answer) == expected


UNCALIBRATED = replace(MET, calibration=None)


@pytest.mark.parametrize(
    "answer",
    ["tested-yearly", "switchover", "checked", "orders-known", "activated", "ended", "check:runbook"],
)
def test_a_run_in_doubt_makes_no_control_met(story: Story, answer: str) -> None:
    story.drill(run_of(MET, 1))
    assert state(story, answer) == "met"
    story.drill(replace(run_of(UNCALIBRATED, 2)))
    found = assessed(story, profile_of(answer))
    # that there was a conclusive drill stays true
    assert found.state == ("met" if answer == "tested-yearly" else "inconclusive")


def test_a_doubted_run_still_shows_what_is_bad(story: Story) -> None:
    story.drill(run_of(replace(MISSED, calibration=None), 1))
    assert state(story, "checked") == state(story, "switchover") == "not met"


def test_a_runbook_that_ended_well_is_no_check_of_the_data(story: Story) -> None:
    story.drill(run_of(replace(MET, checked_by="drill"), 1))
    found = assessed(story, profile_of("checked"))
    assert (found.state, found.answers[0][1].runs) == ("not tested", ())


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"kind": "damage_that_replicates", "dataset": "ticks", "damage": "files_encrypted"}, "met"),
        ({"kind": "damage_that_replicates", "dataset": "orders", "damage": "table_dropped"}, "met"),
        ({"kind": "corrupt_repository", "repository": "onsite"}, "met"),
        ({"kind": "pause_site", "site": "primary"}, "not tested"),
    ],
)
def test_the_damage_of_an_attack_is_known_by_its_kind(
    story: Story, fault: dict[str, Any], expected: State
) -> None:
    story.drill(replace(run_of(MET, 1), fault=fault))
    assert state(story, "attack") == expected


def test_the_worst_answer_is_the_clauses(story: Story) -> None:
    story.drill(run_of(MISSED, 1))
    assert state(story, "tested-yearly") == "met"
    assert state(story, "tested-yearly", "restored") == "not tested"
    assert state(story, "tested-yearly", "restored", "apart") == "inconclusive"
    assert state(story, "tested-yearly", "restored", "apart", "switchover") == "not met"


def test_what_several_answers_have_in_common_is_said_once(story: Story) -> None:
    story.drill(run_of(MET, 1))
    (story.drill(run_of(MET, 2)) / "charter.json").unlink()
    found = assessed(story, profile_of("checked", "orders-known"))
    assert len({one.reason for _, one in found.answers}) == 1
    assert found.reason.count("is missing") == 1


def test_all_profiles_together_are_counted(story: Story) -> None:
    story.drill(run_of(MET, 1))
    profiles = [profile_of("tested-yearly"), profile_of("restored"), profile_of("restored")]
    *_, last = beside_runs(read_shelf(story.root), NAME, profiles)
    assert tally(last.mappings) == "3 clauses of 3 profiles: 1 met, 2 not tested"
    assert states_of(last.mappings) == ["met", "not met", "inconclusive", "not tested"]
    other = profile_of("restored", not_applicable="nothing is kept")
    *_, last = beside_runs(read_shelf(story.root), NAME, [other])
    assert tally(last.mappings) == "1 clause of 1 profile: 1 n.a."
    assert states_of(last.mappings)[-1] == "n.a."


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


def test_a_pruning_is_judged_by_the_age_of_what_it_took(story: Story) -> None:
    """Whatever the plan declares today."""
    story.drill(run_of(MET, 1, SHORT))
    story.drill(run_of(MET, 3))
    prune(story.root, plan=NAME, retention=timedelta(days=300), hold=None, key=None, now=day_of(302))
    found = assessed(story, profile_of("kept-6-years"))
    assert (found.state, found.reason) == ("not met", "pruned too early: 1 run, the youngest after 300 days")


def test_a_tabletop_alone_is_no_programme_of_drills(story: Story) -> None:
    story.talk(1)
    assert {state(story, answer) for answer in ("recorded", "followed", "programme", "ended")} == {
        "not tested"
    }


def test_of_a_drill_that_was_not_due_yet_nothing_is_met(story: Story) -> None:
    story.drill(replace(run_of(MET, 1), drill="cut-sites"))
    found = assessed(story, profile_of("programme"))
    told = "no run of the last year that can be relied on is there of: kill-primary"
    assert (found.state, found.reason) == ("not tested", told)


def test_a_run_that_missed_by_an_instrument_that_was_not_proven_is_no_test(story: Story) -> None:
    story.drill(run_of(replace(MISSED, calibration=None), 1))
    assert state(story, "tested-yearly") == "inconclusive"


def test_what_is_restored_and_checked_is_so_in_one_run(story: Story) -> None:
    story.drill(run_of(MET, 1))
    assert state(story, "checked") == "met"
    assert state(story, "restored-checked") == "not tested"
    restored = ("restored", 0.4, {"dataset": "orders", "complete": True})
    story.drill(replace(run_of(MET, 2), checked_by="drill", more=(restored,)))
    assert state(story, "restored-checked") == "not tested"
    story.drill(replace(run_of(MET, 3), more=(restored,)))
    assert state(story, "restored-checked") == "met"
    story.drill(replace(run_of(MET, 400), fault={"kind": "none"}))
    assert state(story, "restored-checked") == "not tested"  # a year and a month ago


def test_of_several_checks_that_answer_a_word_the_worst_counts(story: Story) -> None:
    good = {"name": "engine", "verdict": "met", "reason": "3 known", "answers": ["orders"]}
    bad = {"name": "feed", "verdict": "missed", "reason": "1 unknown", "answers": ["cash", "orders"]}
    story.drill(replace(run_of(MET, 1), check=good, more=(("check", 0.85, bad),)))
    found = assessed(story, profile_of("check:orders"))
    assert (found.state, found.reason[:20]) == ("not met", "feed: 1 unknown (202")


@pytest.mark.parametrize("word", ["kill", "shutdown", "backup"])
def test_a_word_is_answered_by_declaration_and_never_by_a_name(story: Story, word: str) -> None:
    yes = {"verdict": "met", "reason": "so"}
    for number, name in enumerate((word, f"{word}-board", f"{word}_x", f"{word} x"), 1):
        story.drill(replace(run_of(MET, number), check={**yes, "name": name}))
        assert state(story, f"check:{word}") == "not tested"
    story.drill(replace(run_of(MET, 5), check={**yes, "name": "engine", "answers": [word]}))
    assert state(story, f"check:{word}") == "met"


def test_a_firms_own_word_is_the_whole_name_of_a_check_and_nothing_that_begins_so(story: Story) -> None:
    story.drill(run_of(MET, 1))
    assert (state(story, "check:reconciliation"), state(story, "check:reconcil")) == ("met", "not tested")


def test_nobody_but_the_drill_gives_a_drills_own_check(story: Story) -> None:
    posing = {"name": "failback", "verdict": "met", "reason": "so", "answers": ["failback", "runbook"]}
    story.drill(replace(run_of(MET, 1), check=posing))
    assert state(story, "check:failback") == "not tested"
    story.drill(replace(run_of(MET, 2), check=posing, checked_by="drill"))
    assert state(story, "check:failback") == "met"


def test_a_drill_that_did_not_run_breaks_the_programme(story: Story) -> None:
    story.drill(run_of(MET, 1))
    story.drill(replace(run_of(MET, 101), drill="cut-sites"), at=day_of(1) + timedelta(hours=1))
    story.drill(run_of(MET, 2))
    assert state(story, "programme") == "met"
    story.drill(run_of(MET, 4))
    assert state(story, "programme") == "not met"


def test_a_pruning_hides_no_drill_that_was_due_and_did_not_run(story: Story) -> None:
    story.drill(run_of(MET, 1, SHORT))
    story.drill(run_of(MET, 3))
    shelf = read_shelf(story.root)
    before = as_things_stand(shelf, NAME, day_of(3))
    assert [one.due.day for one in before.not_run] == [24]
    year = timedelta(days=300)
    gone = prune(story.root, plan=NAME, retention=year, hold=None, key=None, now=day_of(302))
    assert gone == (shelf.runs[0].folder,)
    after = as_things_stand(read_shelf(story.root), NAME, day_of(3))
    assert (after.not_run, after.blind) == (before.not_run, ())
    assert state(story, "programme") == "not met"


def test_where_no_charter_is_left_it_is_said_that_nobody_can_tell_what_was_due(story: Story) -> None:
    story.drill(run_of(MET, 1))
    story.drill(run_of(MET, 3))
    story.drill(run_of(MET, 4))
    (story.root / read_shelf(story.root).runs[0].folder / "charter.json").unlink()
    told = as_things_stand(read_shelf(story.root), NAME, day_of(4))
    assert told.not_run == ()
    assert [(one.since.day, one.until.day) for one in told.blind] == [(23, 25)]
    found = assessed(story, profile_of("programme"))
    assert (found.state, found.reason) == (
        "inconclusive",
        "of 2026-11-23 to 2026-11-25 nothing says which drills were due",
    )


def test_nothing_is_met_before_anything_ran(tmp_path: Path) -> None:
    profiles = [profile_of(answer) for answer in (*ANSWERS, "check:runbook")]
    nothing = as_things_stand(read_shelf(tmp_path), NAME, day_of(1), profiles)
    found = {mapping.assessments[0].answers[0][0]: mapping.assessments[0] for mapping in nothing.mappings}
    assert {name: one.state for name, one in found.items()} == dict.fromkeys(found, "not tested")
    assert all(one.reason and not one.runs for one in found.values())


def test_every_answer_says_why_and_none_is_met_of_what_was_not_read(tmp_path: Path) -> None:
    story = whole_story(tmp_path / "evidence")
    assert list(beside_runs(read_shelf(tmp_path), NAME, [])) == []
    *_, last = beside_runs(read_shelf(story.root), NAME, [profile(name) for name in shipped()])
    told = [one for mapping in last.mappings for one in mapping.assessments]
    assert all(one.reason for one in told)
    assert any(one.state == "met" for one in told)
    assert [one.control.clause for one in told if one.state == "met" and not one.control.verified] == []
