"""What was recorded and kept is told by what is there, and by how old it got; never by a declaration."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from rto_rpo.evidence.keeping.pruning import prune
from tests.rto_rpo.controls.assessing import assessed, garble, give_up, on_day, profile_of, state
from tests.rto_rpo.dossier.stories import NAME, PLAN, Story, day_of, run_of
from tests.rto_rpo.report.runs import INCONCLUSIVE, MET

SIX = 6 * 365
SHORT = PLAN.replace(b"retention: 6y", b"retention: 30d")


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path / "evidence")


def pruned(story: Story, days: int, on: int) -> tuple[str, ...]:
    retention = timedelta(days=days)
    return prune(story.root, plan=NAME, retention=retention, hold=None, key=None, now=day_of(on))


def test_a_declaration_alone_keeps_nothing(story: Story) -> None:
    story.drill(run_of(MET, 1))
    found = assessed(story, profile_of("kept-6-years"))
    assert found.state == "not tested"
    assert found.reason == "kept for 6 years by the plan, and nothing is missing; but no run is that old yet"


def test_what_is_still_there_after_six_years_was_kept(story: Story) -> None:
    folder = story.drill(run_of(MET, 1))
    assert on_day(story, SIX - 1, "kept-6-years").state == "not tested"
    found = on_day(story, SIX + 2, "kept-6-years")
    assert (found.state, found.runs) == ("met", (folder.name,))
    assert on_day(story, SIX - 1, "kept-5-years").state == "met"


def test_a_clock_that_was_set_back_makes_nothing_old(story: Story) -> None:
    story.drill(run_of(MET, 1))
    story.drill(run_of(MET, 2), at=day_of(-SIX - 9))
    assert on_day(story, 3, "kept-6-years").state == "not tested"


def test_what_was_pruned_after_six_years_was_kept(story: Story) -> None:
    folder = story.drill(run_of(MET, 1))
    story.drill(run_of(MET, SIX))
    assert pruned(story, SIX, SIX + 2) == (folder.name,)
    assert on_day(story, SIX + 2, "kept-6-years").state == "met"


@pytest.mark.parametrize("what", ["folder", "plan.yaml", "report.json", "charter.json"])
def test_what_was_deleted_by_hand_was_not_kept(story: Story, what: str) -> None:
    folder = story.drill(run_of(MET, 1))
    story.drill(run_of(MET, 2))
    shutil.rmtree(folder) if what == "folder" else (folder / what).unlink()
    found = on_day(story, SIX + 3, "kept-6-years")
    assert (found.state, found.runs) == ("not met", (folder.name,))


def test_a_plan_that_is_gone_from_one_run_is_read_of_another(story: Story) -> None:
    (story.drill(run_of(MET, 1)) / "plan.yaml").unlink()
    story.drill(run_of(MET, 2))
    assert on_day(story, 2, "apart").state == "inconclusive"


def test_a_newest_run_without_its_plan_says_nothing_of_retention(story: Story) -> None:
    give_up(story, 1)
    (next(story.root.glob("*/plan.yaml"))).unlink()
    found = on_day(story, 1, "kept-6-years")
    assert (found.state, "its plan" in found.reason) == ("inconclusive", True)


def test_a_run_that_was_given_up_and_deleted_was_not_kept(story: Story) -> None:
    shutil.rmtree(give_up(story, 1))
    story.drill(run_of(MET, 2, PLAN))
    assert on_day(story, SIX + 3, "kept-6-years").state == "not met"


def test_what_an_earlier_plan_kept_evidence_for_is_not_forgotten(story: Story) -> None:
    story.drill(run_of(MET, 1))
    story.drill(run_of(MET, SIX - 2, SHORT))
    assert state(story, "kept-6-years") == "not met"
    story.drill(run_of(MET, SIX))
    found = on_day(story, SIX + 2, "kept-6-years")
    assert found.state == "inconclusive"
    assert "kept evidence for 30d only" in found.reason


def test_a_tabletop_has_no_report_and_is_not_counted(story: Story) -> None:
    story.drill(run_of(MET, 1))
    story.talk(2)
    found = on_day(story, 2, "recorded")
    assert (found.state, found.reason[:12]) == ("met", "the one run ")


def test_pruning_records_no_run_that_had_no_report(story: Story) -> None:
    (give_up(story, 1, SHORT) / "ledger.jsonl").write_bytes(b"{")
    story.drill(run_of(MET, 2, SHORT))
    assert on_day(story, 2, "recorded").state == "not met"
    assert len(pruned(story, 1, 35)) == 2
    assert on_day(story, 35, "recorded").state == "not met"


def test_pruning_follows_nothing_up(story: Story) -> None:
    story.drill(replace(INCONCLUSIVE, number=1, plan=SHORT))
    assert on_day(story, 1, "followed").state == "not met"
    assert len(pruned(story, 1, 35)) == 1
    assert on_day(story, 35, "followed").state == "not met"


def test_an_unreadable_report_is_not_recorded(story: Story) -> None:
    garble(story.drill(run_of(MET, 1)))
    assert state(story, "recorded") == "not met"


def test_what_the_chain_calls_old_and_the_ledger_does_not_is_not_old(story: Story) -> None:
    """The ledger's own anchors say 2026, whatever the clock was when the chain was written."""
    story.drill(run_of(MET, 1), at=day_of(-4000))
    story.drill(run_of(MET, 2), at=day_of(2))
    assert on_day(story, 2, "kept-6-years").state == "not tested"
    assert on_day(story, SIX + 2, "kept-6-years").state == "met"
