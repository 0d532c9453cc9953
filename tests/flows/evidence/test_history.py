"""`report --history`: on the terminal, as JSON, as a page; and what it refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flows.cli import app
from flows.evidence.history import ROWS_MAX, series_lines
from rto_rpo.evidence import EvidenceError
from rto_rpo.series.gather import gather
from tests.rto_rpo.evidence.folders import folders, make_folder
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


def test_a_chain_that_does_not_add_up_is_not_intact(evidence: Path) -> None:
    path = evidence / "chain.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[1:]))
    ended = _history(evidence)
    assert ended.exit_code == 1
    assert ended.stdout.startswith("NOT INTACT: ")


def test_a_long_history_shows_the_newest_and_says_how_many_more(tmp_path: Path) -> None:
    make_folder(tmp_path, None, (MET,))
    [series, _] = gather(tmp_path).series
    told = "\n".join(series_lines(replace(series, runs=series.runs * (ROWS_MAX + 5))))
    assert "and 5 older" in told
    assert told.count("kill-primary-00000001") == ROWS_MAX


@pytest.mark.parametrize("damage", ["deleted", "cut", "edited"])
def test_a_run_whose_ledger_is_not_whole_is_shown_as_that_by_history_and_site(
    evidence: Path, tmp_path: Path, damage: str
) -> None:
    """It used to be shown as met: its report lay there, and its hash was right."""
    site = tmp_path / "site"
    built = CliRunner().invoke(app, ["report", str(evidence), "--site", str(site)])
    assert built.exit_code == 0, built.output
    [first, second] = folders(evidence)
    before = (site / "runs" / f"{second.name}.html").read_text()
    ledger = first / "ledger.jsonl"
    content = ledger.read_bytes()
    if damage == "deleted":
        ledger.unlink()
    else:
        ledger.write_bytes(content[:-200] if damage == "cut" else content.replace(b"127.0.0.1", b"127.0.0.2"))
    told = f'"ledger.jsonl" {"is missing" if damage == "deleted" else "was edited"}'

    ended = _history(evidence)
    assert ended.exit_code == 1
    assert ended.stdout.startswith(f"NOT INTACT: {first.name}: {told}")
    for series in gather(evidence).series:
        assert series.runs[0].verdict == "inconclusive"

    built = CliRunner().invoke(app, ["report", str(evidence), "--site", str(site)])
    assert built.exit_code == 1
    assert built.stdout.startswith(f"NOT INTACT: {first.name}: {told}")
    index = (site / "index.html").read_text()
    assert "Not intact:" in index
    assert f"{first.name}: &#34;ledger.jsonl&#34;" in index
    assert not (site / "runs" / f"{first.name}.html").exists()
    assert (site / "runs" / f"{second.name}.html").read_text() != before  # it tells of the first one, too


def test_a_file_that_is_in_no_chain_makes_history_and_site_not_intact(evidence: Path, tmp_path: Path) -> None:
    (evidence / "notes.txt").write_text("all was well")
    assert _history(evidence).exit_code == 1
    built = CliRunner().invoke(app, ["report", str(evidence), "--site", str(tmp_path / "site")])
    assert built.exit_code == 1
    assert "'notes.txt' is not in the chain" in built.stdout


def test_verify_of_one_run_says_what_to_give_instead(evidence: Path) -> None:
    run = folders(evidence)[0]
    ended = CliRunner().invoke(app, ["verify", str(run)])
    assert ended.exit_code != 0
    assert "it is the folder of one run" in str(ended.exception)
    assert ended.exception is not None
    assert f"`blackstart verify {evidence}`" in ended.exception.hint  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("arguments", "said", "hint"),
    [
        (["{there}/none"], "there is no such folder", "name the folder of all runs"),
        (["{there}", "--key", "{there}/none.pem"], "No such file or directory", "the signer's public key"),
    ],
    ids=["folder", "key"],
)
def test_verify_of_what_is_not_there_says_what_to_give_instead(
    arguments: list[str], said: str, hint: str, evidence: Path
) -> None:
    ended = CliRunner().invoke(app, ["verify", *(each.format(there=evidence) for each in arguments)])
    assert isinstance(ended.exception, EvidenceError)
    assert said in str(ended.exception)
    assert hint in str(ended.exception.hint)


def test_a_report_of_a_run_that_is_not_whole_says_so_and_does_not_end_well(evidence: Path) -> None:
    run = folders(evidence)[0]
    assert CliRunner().invoke(app, ["report", str(run)]).exit_code == 0
    (run / "report.html").write_text("all is well")
    ended = CliRunner().invoke(app, ["report", str(run), "--format", "json"])
    assert ended.exit_code == 1
    assert f'NOT INTACT: {run.name}: "report.html" was edited' in ended.stderr
    told = json.loads(ended.stdout)
    assert told["verdict"] == "inconclusive"
    assert told["reasons"][0].startswith(f'not intact: {run.name}: "report.html" was edited')
