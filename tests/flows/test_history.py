"""`report --history`: on the terminal, as JSON, as a page; and what it refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flows.cli import app
from flows.history import ROWS_MAX, series_lines
from rto_rpo.series.gather import gather
from tests.rto_rpo.evidence.folders import make_folder
from tests.rto_rpo.report.runs import MET, MISSED


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    root = tmp_path / "evidence"
    make_folder(root, None, (MET, replace(MISSED, number=2)))
    return root


def _history(evidence: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["report", str(evidence), "--history", *words])


def test_on_the_terminal_it_says_what_follows_and_what_does_not(evidence: Path) -> None:
    ended = _history(evidence)
    assert ended.exit_code == 0, ended.output
    said = " ".join(ended.stdout.split())
    assert "orders: RPO 0 s (drill kill-primary, plan trading-desk)" in said
    assert "2 runs: 1 met, 1 missed, 0 inconclusive." in said
    assert "91 more drills, every one of them met" in said
    assert "no bound yet: it needs 59 runs" in said
    assert "independent trials" in said


def test_for_programs_it_has_every_number(evidence: Path) -> None:
    shown = json.loads(_history(evidence, "--json").stdout)
    assert json.loads(_history(evidence, "--format", "json").stdout) == shown
    [series] = [one for one in shown["series"] if one["objective"] == "rpo"]
    assert [run["verdict"] for run in series["runs"]] == ["met", "missed"]
    assert series["statistics"]["claim"]["more"] == 91
    assert series["statistics"]["missed"] == 1


def test_the_page_goes_where_it_is_asked_for_and_never_into_the_evidence(
    evidence: Path, tmp_path: Path
) -> None:
    to = tmp_path / "history.html"
    assert _history(evidence, "--to", str(to)).exit_code == 0
    assert to.read_text().startswith("<!doctype html>")
    for refused in (to, evidence / "history.html"):
        before = sorted(evidence.iterdir())
        assert _history(evidence, "--to", str(refused)).exit_code != 0
        assert sorted(evidence.iterdir()) == before


@pytest.mark.parametrize("form", ["pdf", "csv", "junit", "md"])
def test_other_formats_are_refused(evidence: Path, form: str) -> None:
    ended = _history(evidence, "--format", form)
    assert ended.exit_code != 0
    assert "a history is not written as" in str(ended.exception)


def test_a_chain_that_does_not_add_up_is_inconclusive(evidence: Path) -> None:
    path = evidence / "chain.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[1:]))
    ended = _history(evidence)
    assert ended.exit_code == 3
    assert ended.stdout.startswith("NOT INTACT: ")


def test_a_long_history_shows_the_newest_and_says_how_many_more(tmp_path: Path) -> None:
    make_folder(tmp_path, None, (MET,))
    [series, _] = gather(tmp_path).series
    told = "\n".join(series_lines(replace(series, runs=series.runs * (ROWS_MAX + 5))))
    assert "and 5 older" in told
    assert told.count("kill-primary-00000001") == ROWS_MAX
