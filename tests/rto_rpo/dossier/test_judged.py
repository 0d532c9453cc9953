"""How a promise stands: a miss is made good by a run of its own drill and fault that was felt alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.rto_rpo.controls.assessing import garble, on_day
from tests.rto_rpo.dossier.stories import Story, run_of
from tests.rto_rpo.report.runs import MET, Run

PLAN = b"""name: trading-desk
environment: demo
sites:
  primary: {kind: processes, path: /srv/primary, drills: true}
datasets:
  orders: {kind: postgres, backup: {to: onsite, every: 1h}, rpo: 0s}
services:
  gateway: {rto: 300ms}
drills:
  kill-primary: {fault: {kind: kill_site, site: primary}}
  cut-sites: {fault: {kind: partition, site: dr}}
"""
# It misses the RTO of 300 ms, and nothing else.
SLOW = replace(MET, rto_seconds=0.3, back_at_seconds=1.2, end_at_seconds=3.0)
QUICK = replace(MET, rto_seconds=0.3, back_at_seconds=0.2)
# The dr site cut off: the clients saw nothing.
CUT = replace(
    MET, drill="cut-sites", fault={"kind": "partition", "site": "dr"}, rto_seconds=0.3, back_at_seconds=-1.0
)


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path / "evidence")


def after(story: Story, *runs: Run) -> str:
    for number, run in enumerate(runs, 1):
        story.drill(run_of(run, number, PLAN))
    return on_day(story, len(runs), "promises").state


def test_a_drill_whose_fault_does_not_touch_it_makes_no_miss_good(story: Story) -> None:
    assert after(story, SLOW, CUT) == "not met"


def test_the_same_drill_makes_it_good(story: Story) -> None:
    assert after(story, SLOW, QUICK) == "met"


def test_where_nobody_saw_an_outage_nothing_is_made_good(story: Story) -> None:
    assert after(story, SLOW, replace(QUICK, back_at_seconds=-1.0)) == "not met"


@pytest.mark.parametrize(
    "other",
    [
        {"calibration": None},
        {"end_reason": "orphaned"},
        {"check": {"name": "reconciliation", "verdict": "missed", "reason": "no"}},
        {"fault": {"kind": "pause_site", "site": "dr"}},
    ],
    ids=["uncalibrated", "orphaned", "missed as a whole", "softer"],
)
def test_a_run_that_is_not_met_or_not_as_hard_makes_no_miss_good(story: Story, other: dict[str, Any]) -> None:
    assert after(story, SLOW, replace(QUICK, **other)) == "not met"


def test_what_was_bad_stays_bad_when_the_next_left_nothing_to_read(story: Story) -> None:
    story.drill(run_of(SLOW, 1, PLAN))
    garble(story.drill(run_of(QUICK, 2, PLAN)))
    assert on_day(story, 2, "promises").state == "not met"


def test_of_several_drills_the_worst_counts(story: Story) -> None:
    assert after(story, QUICK, replace(CUT, calibration=None), QUICK) == "inconclusive"


def test_of_a_drill_that_the_plan_has_no_more_only_a_miss_counts(story: Story) -> None:
    gone = replace(CUT, drill="gone")
    assert after(story, replace(gone, calibration=None), QUICK) == "met"
    story.drill(run_of(replace(SLOW, drill="gone"), 3, PLAN))
    story.drill(run_of(QUICK, 4, PLAN))
    assert on_day(story, 4, "promises").state == "not met"
