"""What counts as restored from a backup: named, told to be complete, and of every declared dataset."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.rto_rpo.controls.assessing import all_of
from tests.rto_rpo.controls.test_witness import BEST, SMALL
from tests.rto_rpo.dossier.stories import Story
from tests.rto_rpo.report.runs import Run

WHOLE = {"dataset": "orders", "complete": True}
ANSWERS = ("restored", "restored-checked", "backed-up")


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path / "evidence")


def told(story: Story, *runs: Run) -> list[str]:
    for number, run in enumerate(runs, 1):
        story.drill(replace(run, number=number))
    return [one.state for one in all_of(story, len(runs), ANSWERS).values()]


def run_with(event: str, detail: dict[str, Any], plan: bytes = SMALL) -> Run:
    return replace(BEST, more=((event, 0.4, detail),), plan=plan)


@pytest.mark.parametrize("event", ["restored", "promoted"])
def test_what_is_named_and_complete_was_restored(story: Story, event: str) -> None:
    assert told(story, run_with(event, WHOLE)) == ["met", "met", "met"]


@pytest.mark.parametrize("event", ["restored", "promoted"])
def test_what_is_not_complete_is_not_shown(story: Story, event: str) -> None:
    assert told(story, run_with(event, {**WHOLE, "complete": False})) == ["inconclusive"] * 3


@pytest.mark.parametrize(
    "detail",
    [
        {},
        {"dataset": "orders", "as": "it was when the other site took over"},
        {"dataset": "orders", "files": 3, "bytes": 100},
        {"complete": True},
    ],
    ids=["nothing", "as it was left", "carried over", "unnamed"],
)
def test_what_came_from_no_backup_was_not_restored(story: Story, detail: dict[str, Any]) -> None:
    assert told(story, run_with("restored", detail)) == ["not tested", "not tested", "inconclusive"]


def test_one_dataset_restored_is_not_all_of_them(story: Story) -> None:
    ticks = b"datasets:\n  ticks: {kind: files, backup: {to: onsite, every: 15m}}\n"
    two = SMALL.replace(b"datasets:\n", ticks)
    one = run_with("restored", WHOLE, two)
    assert told(story, one) == ["met", "met", "inconclusive"]
    other = run_with("restored", {**WHOLE, "dataset": "ticks"}, two)
    story.drill(replace(other, number=2))
    assert all_of(story, 2, ["backed-up"])["backed-up"].state == "met"
