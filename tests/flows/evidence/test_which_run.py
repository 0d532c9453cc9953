"""A run that may not be believed is told as such in every form; the newest is the chain's, not a folder's."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from flows.cli import app
from rto_rpo.report.publish import publish
from tests.rto_rpo.evidence.folders import add_run, open_one
from tests.rto_rpo.evidence.forger import lines_of
from tests.rto_rpo.report.runs import MET, MISSED

SHOWS_MET = {
    "html": r"<h1>Met</h1>|class=\"state met\"|<title>MET",
    "md": r"# ✅ met|\| met \|",
    "json": r'"standing": "met"|"verdict": "met",\n  "versions"',
    "junit": r'failures="0" errors="0"',
}
BEGINS = {
    "not intact": {"html": "<h1>Not intact</h1>", "md": "# ❔ not intact", "json": "{", "junit": "<?xml "},
    "given up": {"html": "<h1>Inconclusive</h1>", "md": "# ❔ inconclusive", "json": "{", "junit": "<?xml "},
}


class Told(NamedTuple):
    code: int
    said: str


def told(path: Path, *more: str) -> Told:
    ended = CliRunner().invoke(app, ["report", str(path), *more])
    return Told(ended.exit_code, ended.output)


def edited(root: Path) -> Path:
    folder = add_run(root, MET, None)
    (folder / "report.json").write_bytes(b"{}")
    return folder


def given_up(root: Path) -> Path:
    """Killed between its report and its closing; the next run closes it as found."""
    folder = open_one(root, MET, None)
    assert publish(folder.path)["verdict"] == "met"
    assert folder.descriptor is not None
    os.close(folder.descriptor)
    add_run(root, MISSED, None)
    assert next(one["source"] for one in lines_of(root) if one["kind"] == "closed") == "abandoned"
    return folder.path


@pytest.mark.parametrize("form", SHOWS_MET)
@pytest.mark.parametrize(("what", "make"), [("not intact", edited), ("given up", given_up)])
def test_no_form_says_met_of_what_may_not_be_believed(
    tmp_path: Path, what: str, make: Callable[[Path], Path], form: str
) -> None:
    folder = make(tmp_path / "evidence")
    to = tmp_path / "out"
    assert told(folder, "--format", form, "--to", str(to)).code == (1 if what == "not intact" else 0)
    text = to.read_text()
    assert not re.search(SHOWS_MET[form], text)
    assert BEGINS[what][form] in text
    assert what in text


def test_a_run_that_may_be_believed_says_met_in_every_form(tmp_path: Path) -> None:
    """The other half: what the test above looks for is there where all is well."""
    folder = add_run(tmp_path / "evidence", MET, None)
    for form, shown in SHOWS_MET.items():
        code, text = told(folder, "--format", form)
        assert code == 0
        assert re.search(shown, text), form


def test_a_folder_that_is_not_in_the_chain_is_not_the_newest_and_shows(tmp_path: Path) -> None:
    root = tmp_path / "evidence"
    good, newest = add_run(root, MET, None), add_run(root, MISSED, None)
    planted = root / "2026-12-31T060000Z-kill-primary-99999999"
    shutil.copytree(good, planted)
    code, said = told(root)
    assert code == 1
    assert f"{planted.name!r} is not in the chain" in said
    assert str(newest / "report.html") in said
    code, said = told(planted, "--format", "junit")
    assert code == 1
    assert not re.search(SHOWS_MET["junit"], said)
    assert "is not in the chain" in said


def test_a_newest_run_whose_ledger_was_deleted_does_not_let_an_older_one_speak(tmp_path: Path) -> None:
    root = tmp_path / "evidence"
    add_run(root, MET, None)
    newest = add_run(root, MISSED, None)
    (newest / "ledger.jsonl").unlink()
    ended = CliRunner().invoke(app, ["report", str(root)])
    assert ended.exit_code != 0
    assert newest.name in str(ended.exception)
