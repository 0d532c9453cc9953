"""`approve` answers what a failover waits for, once, and by whom it was asked to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from flows.cli import app
from sites.errors import GuardError
from sites.recovery.asking import Questions


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "plan.yaml"
    sites = {name: {"kind": "processes", "path": name} for name in ("here", "there")}
    path.write_text(yaml.safe_dump({"name": "light", "environment": "test", "sites": sites}))
    return path


def approve(plan: Path, *arguments: str) -> str:
    ended = CliRunner().invoke(app, ["approve", *arguments, "--plan", str(plan)])
    if ended.exception is not None and not isinstance(ended.exception, SystemExit):
        raise ended.exception
    return ended.stdout


def test_it_shows_answers_and_leaves_nothing_open(plan: Path) -> None:
    questions = Questions(plan.parent / ".blackstart")
    question = questions.ask("fence here", "Is it off?", 60.0, "site here is off")
    assert f'"fence here" ({question.id}) until ' in approve(plan, "--show")
    assert json.loads(approve(plan, "--show", "--json"))["questions"][0]["typed"] == "site here is off"
    with pytest.raises(GuardError, match="only by who types"):
        approve(plan, "--as", "ann")
    with pytest.raises(GuardError, match='"00000000" waits for no answer any more'):
        approve(plan, "--id", "00000000", "--typed", "site here is off")
    assert approve(plan, "--as", "ann", "--typed", "site here is off") == '"fence here" approved by ann\n'
    assert approve(plan, "--show") == "nothing waits for an answer\n"
    answer = questions.taken(question)
    assert answer is not None
    assert (answer.decision, answer.by) == ("approved", "ann")


def test_it_says_no(plan: Path) -> None:
    questions = Questions(plan.parent / ".blackstart")
    question = questions.ask("failover", "Fail over?", 60.0)
    assert json.loads(approve(plan, "failover", "--refuse", "--json"))["decision"] == "refused"
    answer = questions.taken(question)
    assert answer is not None
    assert answer.decision == "refused"


def test_with_nothing_open_it_says_so(plan: Path) -> None:
    with pytest.raises(GuardError, match="nothing waits for an answer"):
        approve(plan)
