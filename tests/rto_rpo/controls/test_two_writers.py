"""What a second writer, or a gate's own check, takes away: the proof that it was safe, and the rest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from rto_rpo.report import sentences
from rto_rpo.report.model import Report
from rto_rpo.report.safety import safety
from tests.rto_rpo.controls.assessing import all_of, assessed, profile_of
from tests.rto_rpo.controls.test_witness import BEST
from tests.rto_rpo.dossier.stories import Story
from tests.rto_rpo.report.runs import MISSED, Run

SPLIT = replace(BEST, old_takes=True)
UNAGREED = replace(BEST, check=MISSED.check)
OPEN = replace(BEST, check={**MISSED.check, "verdict": "inconclusive"})
LOST = replace(BEST, lost=MISSED.lost)
RESTS = ("orders-known", "checked", "restored-checked", "promises")


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path / "evidence")


def told(story: Story, run: Run) -> dict[str, str]:
    story.drill(run)
    return {name: one.state for name, one in all_of(story, 1, RESTS).items()}


def test_where_one_wrote_and_all_agreed_each_is_met(story: Story) -> None:
    assert told(story, BEST) == dict.fromkeys(RESTS, "met")


def test_a_second_writer_takes_each_away_though_safe_was_told(story: Story) -> None:
    assert told(story, SPLIT) == dict.fromkeys(RESTS, "not met")
    assert "one writer: " in assessed(story, profile_of("orders-known")).reason


def test_orders_that_do_not_agree_are_not_known(story: Story) -> None:
    expected = dict.fromkeys(RESTS, "not met") | {"promises": "inconclusive"}
    assert told(story, UNAGREED) == expected
    assert "order c-37" in assessed(story, profile_of("orders-known")).reason


def test_a_gate_check_that_shows_nothing_leaves_it_open(story: Story) -> None:
    assert told(story, OPEN) == dict.fromkeys(RESTS, "inconclusive")


def test_where_writes_were_lost_beyond_the_promise_nobody_knows_every_order(story: Story) -> None:
    assert told(story, LOST) == dict.fromkeys(RESTS, "not met") | {"orders-known": "inconclusive"}


def test_what_the_drill_says_of_itself_is_no_gate(story: Story) -> None:
    """The control: its own check, missed, leaves the proof that one wrote and every order was known."""
    own = replace(BEST, check={**MISSED.check, "name": "rollback"}, checked_by="drill")
    assert told(story, own)["orders-known"] == "met"


@pytest.mark.parametrize(
    ("run", "state", "measured"),
    [
        (BEST, "met", "reached"),
        (SPLIT, "missed", "not shown"),
        (UNAGREED, "missed", "not shown"),
        (OPEN, "inconclusive", "not shown"),
        (LOST, "inconclusive", "not shown"),
    ],
)
def test_the_report_says_so_too(story: Story, run: Run, state: str, measured: str) -> None:
    folder = story.drill(run)
    report = Report.model_validate(orjson.loads((folder / "report.json").read_bytes()))
    rows = {one.what: one.state for one in safety(report)}
    assert rows["Every order was known before anything traded again"] == state
    assert sentences.safe(report)[1] == measured
    assert ("the gate said so; but" in sentences.why_safe(report)) == (state != "met")
