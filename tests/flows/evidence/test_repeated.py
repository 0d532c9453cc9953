"""`drill --repeat N` at the terminal: every run, why there are no more, and what they show together."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from drills import drill as drills
from drills import repeat as repeating
from drills.closing import Closed
from flows.cli import app
from sites.errors import GuardError
from tests.flows.plans import small_plan
from tests.rto_rpo.evidence.folders import add_run
from tests.rto_rpo.report.runs import INCONCLUSIVE, MET, Run

FENCED = GuardError('cannot run drill "kill-primary": site "primary" is fenced', hint="nothing was changed")
Repeat = Callable[..., Result]


@pytest.fixture
def repeat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repeat:
    """Run the command with drills that leave these runs in the evidence, and are then refused."""
    plan = small_plan(tmp_path)
    monkeypatch.setattr(repeating, "check_health", lambda *_: None)

    def command(runs: list[Run], wanted: int, *words: str) -> Result:
        left = iter(runs)

        def run(*_: object, **__: object) -> Closed:
            if (one := next(left, None)) is None:
                raise FENCED
            folder = add_run(tmp_path / "evidence", one, None)
            report: dict[str, Any] = json.loads((folder / "report.json").read_bytes())
            return Closed(folder, report, report["verdict"], "f" * 64)

        monkeypatch.setattr(drills, "run", run)
        arguments = ["drill", "kill-primary", "--plan", str(plan), "--repeat", str(wanted), *words]
        return CliRunner().invoke(app, arguments)

    return command


def test_all_runs_and_what_they_show_together(repeat: Repeat) -> None:
    ended = repeat([MET, replace(MET, number=2)], 2)
    assert ended.exit_code == 0, ended.output
    said = " ".join(ended.stdout.split())
    assert said.count("met /") == 2
    assert "2 runs: 2 met, 0 missed, 0 inconclusive." in said
    assert "57 more drills, every one of them met" in said
    assert "Run 2 of 2" in ended.stderr


def test_a_series_that_had_to_stop_says_why_and_is_not_met(repeat: Repeat) -> None:
    ended = repeat([MET], 5)
    assert ended.exit_code == 3
    assert (
        'stopped after 1 of 5 runs: cannot run drill "kill-primary": site "primary" is fenced' in ended.stdout
    )
    assert "One run is an observation, not a capability" in ended.stdout


def test_for_programs(repeat: Repeat) -> None:
    ended = repeat([replace(INCONCLUSIVE, number=1), replace(MET, number=2)], 3, "--json")
    assert ended.exit_code == 3
    shown = json.loads(ended.stdout)
    assert [run["verdict"] for run in shown["runs"]] == ["inconclusive", "met"]
    assert (shown["wanted"], shown["verdict"]) == (3, "inconclusive")
    assert "is fenced" in shown["stopped"]["error"]
    assert shown["history"]["series"][0]["statistics"]["runs"] == 2


def test_one_run_answers_as_ever(repeat: Repeat) -> None:
    ended = repeat([MET], 1)
    assert ended.exit_code == 0
    assert "chain head" in ended.stdout
    assert "observation" not in ended.stdout


@pytest.mark.parametrize("wanted", [0, -1])
def test_fewer_than_one_is_no_number_of_runs(repeat: Repeat, wanted: int) -> None:
    assert repeat([MET], wanted).exit_code == 2
