"""What of a drill programme was tried, when, and what never was."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rto_rpo.dossier.cells import Tried, grid, sum_up
from rto_rpo.dossier.dossier import as_things_stand, beside_runs
from rto_rpo.dossier.shelf import read_shelf
from rto_rpo.evidence.agreed.charter import Cell
from rto_rpo.evidence.checking.verify import verify
from rto_rpo.report.forms.html import html
from rto_rpo.report.forms.markdown import markdown
from rto_rpo.report.publish import of_run
from rto_rpo.website.build import build
from tests.rto_rpo.dossier import stories
from tests.rto_rpo.dossier.stories import CELLS, NAME, Story, run_of, whole_story
from tests.rto_rpo.report.runs import MET, MISSED

NOW = datetime(2026, 12, 1, tzinfo=UTC)
KILLED = Cell(fault="kill_site", site="processes", dataset="postgres")


def tried(story: Story) -> dict[Cell, Tried]:
    return {one.cell: one for one in as_things_stand(read_shelf(story.root), NAME, NOW).cells}


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path / "evidence")


def test_what_was_tried_has_its_newest_verdict_and_day_and_all_else_is_not_tested(story: Story) -> None:
    story.drill(run_of(MET, 1))
    story.drill(run_of(MISSED, 2))
    found = tried(story)
    assert list(found) == list(CELLS)
    assert (found[KILLED].state, found[KILLED].day, found[KILLED].count) == ("missed", "2026-11-24", 2)
    others = [one for cell, one in found.items() if cell != KILLED]
    assert {(one.state, one.day, one.count) for one in others} == {("not tested", "never", 0)}
    assert sum_up(list(found.values())) == "1 of 7 tried (1 missed), 6 never"


def test_a_fault_that_never_struck_or_a_run_that_nobody_finished_tries_nothing(story: Story) -> None:
    story.drill(replace(run_of(MET, 1), begins=False))
    assert tried(story)[KILLED].state == "not tested"


def test_a_met_run_that_is_in_doubt_is_inconclusive_there(story: Story) -> None:
    story.drill(replace(run_of(MET, 1), calibration=None))
    assert tried(story)[KILLED].state == "inconclusive"


def test_a_run_that_left_nothing_to_read_lets_what_its_drill_tried_before_not_stand(story: Story) -> None:
    story.drill(run_of(MET, 1))
    folder = story.drill(run_of(MET, 2))
    (folder / "report.json").write_bytes(b"{}")
    found = tried(story)[KILLED]
    assert (found.state, found.day, found.count) == ("inconclusive", "2026-11-24", 1)
    story.drill(run_of(MET, 3))
    assert (tried(story)[KILLED].state, tried(story)[KILLED].count) == ("met", 2)


def test_beside_a_run_only_what_was_tried_until_then_is_told(story: Story) -> None:
    partition = {"kind": "partition", "site": "primary", "direction": "both"}
    story.drill(run_of(MET, 1))
    story.drill(replace(run_of(MET, 2), fault=partition))
    first, second = beside_runs(read_shelf(story.root), NAME)
    assert [one.cell.fault for one in first.cells if one.run] == ["kill_site"]
    assert [one.cell.fault for one in second.cells if one.run] == ["kill_site", "partition"]


def test_the_newest_of_a_tabletop_takes_no_cell_away(story: Story) -> None:
    story.drill(run_of(MET, 1))
    story.talk(2)
    assert tried(story)[KILLED].state == "met"


def test_the_grid_leaves_nothing_out_and_tells_no_cell_from_not_tested(story: Story) -> None:
    story.drill(run_of(MET, 1))
    drawn = grid(list(tried(story).values()))
    assert drawn.columns == [("processes", "files"), ("processes", "postgres"), ("processes", "none")]
    states = {fault: [one.state if one else None for one in row] for fault, row in drawn.rows}
    assert states == {
        "kill_site": ["not tested", "met", "not tested"],
        "partition": ["not tested"] * 3,
        "wrong_key": ["not tested", None, None],
    }


def test_report_and_site_show_it(tmp_path: Path) -> None:
    story = whole_story(tmp_path / "evidence")
    run = next(path for path in sorted(story.root.iterdir(), reverse=True) if path.is_dir())
    dossier = list(beside_runs(read_shelf(story.root), NAME))[-1]
    assert "1 of 7 tried (1 met), 6 never" in html(of_run(run), dossier)
    text = markdown(of_run(run), dossier)
    row = next(line for line in text.splitlines() if line.startswith("| kill\\_site |"))
    assert row == f"| kill\\_site | not tested | \N{WHITE HEAVY CHECK MARK} met {dossier.day} | not tested |"
    assert "| wrong\\_key | not tested | n.a. | n.a. |" in text
    build(story.root, tmp_path / "site", now=NOW, profiles=[])
    page = (tmp_path / "site" / "coverage.html").read_text()
    assert page.count("not tested") >= 6
    assert f'href="runs/{run.name}.html"' in page
    assert "coverage.html" in (tmp_path / "site" / "index.html").read_text()


def test_a_charter_that_tries_another_fault_than_its_ledger_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = stories.agreed

    def lies(*words: object, **told: object) -> object:
        return true(*words, **{**told, "tries": (Cell(fault="partition", site="a", dataset="b"),)})  # type: ignore[arg-type]

    monkeypatch.setattr(stories, "agreed", lies)
    story = Story(tmp_path / "evidence")
    story.drill(run_of(MET, 1))
    assert any("tries another" in finding for finding in verify(story.root).findings)
