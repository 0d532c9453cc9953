"""Which runs may answer: those of the year that are whole, closed, judged and in no doubt; and the newest."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rto_rpo.controls.assess import Assessment
from rto_rpo.evidence.lines.signature import new_key
from tests.rto_rpo.controls.assessing import (
    all_of,
    assessed,
    garble,
    give_up,
    on_day,
    profile_of,
    state,
    strip_signatures,
)
from tests.rto_rpo.dossier.stories import PLAN, Story, day_of, run_of
from tests.rto_rpo.report.runs import INCONCLUSIVE, MET, MISSED, Run

# Of this plan one run can meet everything that drills answer.
SMALL = b"""name: trading-desk
environment: demo
sites:
  primary: {kind: processes, path: /srv/primary, drills: true}
datasets:
  orders: {kind: postgres, backup: {to: onsite, every: 1h}, rpo: 0s}
services:
  gateway: {rto: 30s}
drills:
  kill-primary: {fault: {kind: kill_site, site: primary}, schedule: "0 6 * * *"}
"""
BEST = replace(
    MET,
    plan=SMALL,
    fault={"kind": "damage_that_replicates", "dataset": "ticks", "damage": "files_encrypted"},
    more=(("restored", 0.4, {"dataset": "orders", "complete": True}),),
)
NEWEST = (
    *("programme", "promises", "switchover", "attack", "restored", "backed-up", "checked"),
    *(
        "restored-checked",
        "orders-known",
        "activated",
        "ended",
        "check:runbook",
        "criteria-frozen",
        "scenario",
    ),
)
ALL = (*NEWEST, "tested-yearly")


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path / "evidence", new_key(tmp_path / "chain.pem"))


def best(number: int, **other: Any) -> Run:
    return replace(BEST, number=number, **other)


def states(found: dict[str, Assessment]) -> dict[str, str]:
    return {name: one.state for name, one in found.items()}


def test_one_good_run_meets_each_and_is_named(story: Story) -> None:
    folder = story.drill(best(1))
    found = all_of(story, 1, ALL)
    assert states(found) == dict.fromkeys(ALL, "met")
    assert {one.runs for one in found.values()} == {(folder.name,)}


def test_a_newer_run_whose_report_cannot_be_read_lets_no_older_one_stand(story: Story) -> None:
    story.drill(best(1))
    garble(story.drill(best(2)))
    assert states(all_of(story, 2, ALL)) == dict.fromkeys(NEWEST, "inconclusive") | {"tested-yearly": "met"}


def test_a_newer_run_that_was_given_up_lets_no_older_one_stand(story: Story) -> None:
    story.drill(best(1))
    give_up(story, 2)
    found = all_of(story, 2, NEWEST)
    assert states(found) == dict.fromkeys(NEWEST, "inconclusive")
    assert "it was opened and never finished" in found["switchover"].reason


def test_of_another_drill_that_never_showed_it_nothing_is_hidden(story: Story) -> None:
    story.drill(best(1))
    other = best(2, drill="cut-sites", fault={"kind": "none"}, more=())
    story.drill(other)
    garble(story.drill(replace(other, number=3)))
    assert state(story, "attack") == "met"


def test_what_a_drill_that_left_nothing_at_all_would_have_shown_nobody_knows(story: Story) -> None:
    story.drill(best(1))
    garble(story.drill(best(2, drill="cut-sites")))
    assert states(all_of(story, 2, ("attack", "promises"))) == dict.fromkeys(
        ("attack", "promises"), "inconclusive"
    )


def test_what_was_bad_stays_bad_when_the_newer_run_cannot_be_read(story: Story) -> None:
    story.drill(run_of(MISSED, 1))
    garble(story.drill(run_of(MET, 2)))
    assert state(story, "checked") == state(story, "switchover") == "not met"


def test_evidence_whose_signatures_are_gone_meets_nothing(story: Story) -> None:
    story.drill(best(1))
    strip_signatures(story.root)
    found = all_of(story, 1, ALL)
    assert states(found) == dict.fromkeys(ALL, "inconclusive")
    assert all("the chain does not hold" in one.reason for one in found.values())


def test_nothing_stays_met_for_longer_than_a_year(story: Story) -> None:
    story.drill(best(1))
    expected = dict.fromkeys(ALL, "not tested") | {"programme": "not met", "backed-up": "inconclusive"}
    assert states(all_of(story, 400, ALL)) == expected


@pytest.mark.parametrize(
    "doubted",
    [
        replace(INCONCLUSIVE, reading_ends=True),
        replace(MISSED, end_reason="orphaned"),
        replace(MET, calibration=None),
    ],
    ids=["void", "orphaned", "uncalibrated"],
)
def test_a_run_that_proves_nothing_is_no_test_and_no_record(story: Story, doubted: Run) -> None:
    story.drill(replace(doubted, number=1))
    wanted = ("tested-yearly", "scenario", "criteria-frozen", "activated")
    assert states(all_of(story, 1, wanted)) == dict.fromkeys(wanted, "inconclusive")


def test_a_clock_that_was_set_back_hides_no_run(story: Story) -> None:
    story.drill(best(1))
    garble(story.drill(best(2), at=datetime(2020, 1, 1, tzinfo=UTC)))
    assert on_day(story, 3, "switchover").state == "inconclusive"


def test_a_run_of_a_day_that_is_yet_to_come_meets_nothing(story: Story) -> None:
    story.drill(best(1), at=day_of(2000))
    wanted = ("switchover", "tested-yearly", "promises")
    assert states(all_of(story, 1, wanted)) == dict.fromkeys(wanted, "inconclusive")


def test_a_scenario_of_blanks_is_none(story: Story) -> None:
    story.drill(run_of(MET, 1), scenario="  \n")
    assert state(story, "scenario") == "not tested"


FIVE = PLAN.replace(
    b"roles:",
    b"""  a: {fault: {kind: none}, schedule: "0 6 * * *"}
  b: {fault: {kind: none}}
  c: {fault: {kind: none}}
roles:""",
)


def test_one_good_run_of_five_planned_drills_is_no_programme(story: Story) -> None:
    story.drill(run_of(MET, 1, FIVE))
    found = assessed(story, profile_of("programme"))
    assert found.state == "not tested"
    assert found.reason.endswith("is there of: cut-sites, a, b, c")


def test_a_programme_of_runs_that_prove_nothing_but_the_last_is_none(story: Story) -> None:
    for number in (1, 2):
        story.drill(best(number, calibration=None))
    story.drill(best(3))
    found = assessed(story, profile_of("programme"))
    assert found.state == "inconclusive"
    assert found.reason.startswith("2 of 3 runs of the last year prove nothing")
    assert len(found.runs) == 2


def test_what_proved_nothing_is_made_good_before_it_is_due_again(story: Story) -> None:
    story.drill(best(1, calibration=None))
    assert state(story, "programme") == "inconclusive"
    story.drill(best(101), at=day_of(1) + timedelta(hours=3))
    assert state(story, "programme") == "met"


def test_where_nobody_can_tell_when_it_was_due_again_nothing_is_made_good(story: Story) -> None:
    story.schedule = "every morning"
    story.drill(best(1, calibration=None))
    story.drill(best(101), at=day_of(1) + timedelta(hours=3))
    assert state(story, "programme") == "inconclusive"


def test_checked_wants_an_rpo_and_every_write_read_back(story: Story) -> None:
    story.drill(best(1, rpo_judged=False))
    found = assessed(story, profile_of("checked"))
    assert (found.state, "no RPO was judged" in found.reason) == ("not tested", True)
    story.drill(best(2, rpo_judged=False, reading_ends=False))
    found = assessed(story, profile_of("checked"))
    assert (found.state, "not every write was read back: orders" in found.reason) == ("inconclusive", True)


@pytest.mark.parametrize(
    ("declared", "expected"), [(b"20s", "met"), (b"500ms", "inconclusive"), (b"soon", "inconclusive")]
)
def test_a_promise_is_met_as_it_stands_today(story: Story, declared: bytes, expected: str) -> None:
    """A run measured what it measured: it need not have been as short as is promised now."""
    story.drill(best(1))
    tighter = SMALL.replace(b"rto: 30s", b"rto: " + declared)
    story.drill(best(2, drill="cut-sites", service="engine", stream="ticks", plan=tighter))
    assert state(story, "promises") == expected


def test_one_run_that_wrote_no_scenario_down_is_not_made_up_for_by_another(story: Story) -> None:
    story.drill(run_of(MET, 1))
    story.drill(run_of(MET, 2), scenario=None)
    found = assessed(story, profile_of("scenario"))
    assert (found.state, found.reason[:35]) == ("not met", "1 run of the last year wrote none d")
    story.drill(run_of(MET, 3))
    assert state(story, "scenario") == "not met"
