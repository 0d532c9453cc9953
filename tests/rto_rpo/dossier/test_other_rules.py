"""A verdict that other rules found stands as it was found, is told everywhere, and meets no control."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rto_rpo import JUDGE
from rto_rpo.controls.profile import profile
from rto_rpo.dossier.shelf import read_shelf
from rto_rpo.website.build import build
from tests.rto_rpo.controls.assessing import assessed, profile_of, state
from tests.rto_rpo.dossier.stories import Story, run_of
from tests.rto_rpo.report.runs import MET

OTHER = "0.1.0+rules.3"
GOOD = ("tested-yearly", "switchover", "promises", "ended", "activated", "criteria-frozen")


def of_judge(tmp_path: Path, judge: str) -> Story:
    story = Story(tmp_path / "evidence")
    story.drill(replace(run_of(MET, 1), judge=judge))
    return story


@pytest.mark.parametrize("name", GOOD)
def test_no_control_believes_it(tmp_path: Path, name: str) -> None:
    ours, others = of_judge(tmp_path / "ours", JUDGE), of_judge(tmp_path / "others", OTHER)
    before = state(ours, name)
    assert state(others, name) != "met"
    found = assessed(others, profile_of(name))
    if before == "met":
        assert f"judged by other rules ({OTHER})" in found.reason or "conclusive" in found.reason


def test_what_these_rules_found_is_believed(tmp_path: Path) -> None:
    """The negative control."""
    ours = of_judge(tmp_path, JUDGE)
    assert {state(ours, name) for name in ("tested-yearly", "switchover", "criteria-frozen")} == {"met"}
    assert read_shelf(ours.root).judged_elsewise == []


def test_the_site_says_so_on_its_index_its_tables_and_its_page(tmp_path: Path) -> None:
    story, to = of_judge(tmp_path, OTHER), tmp_path / "site"
    story.drill(run_of(MET, 2))
    build(story.root, to, now=datetime(2026, 12, 1, tzinfo=UTC), profiles=[profile("dora")])
    index = (to / "index.html").read_text()
    first, second = read_shelf(story.root).runs
    assert f"1 verdict by other rules than these ({JUDGE})" in index
    assert index.count(f"by other rules: {OTHER}") == 1
    assert first.folder in index.split("by other rules than these", 1)[1].split("</p>", 1)[0]
    pages = {run.folder: (to / "runs" / f"{run.folder}.html").read_text() for run in (first, second)}
    assert ["Judged by other rules" in page for page in pages.values()] == [True, False]
