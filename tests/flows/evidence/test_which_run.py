"""A run that may not be believed is told as such in every form; the newest is the chain's, not a folder's."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.evidence.which_run import NothingLeft
from flows.terminal.console import Console
from flows.terminal.failure import tell
from rto_rpo.evidence.keeping import chain
from rto_rpo.evidence.keeping.run_folder import RunFolder
from rto_rpo.report.publish import publish
from tests.rto_rpo.dossier.stories import Story, run_of
from tests.rto_rpo.evidence.folders import NOW, add_run, open_one
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


def unjudged(root: Path) -> Path:
    """Opened, and closed before anything was recorded: the estate could not be prepared, say."""
    folder = opened(root)
    now = NOW + timedelta(days=9)
    chain.close_run(root, folder, verdict="inconclusive", key=None, now=now)
    return folder.path


def opened(root: Path) -> RunFolder:
    folder = open_one(root, MISSED, None)
    (folder.path / "ledger.jsonl").unlink(missing_ok=True)
    return folder


def only_opened(root: Path) -> Path:
    folder = opened(root)
    assert folder.descriptor is not None
    os.close(folder.descriptor)
    return folder.path


@pytest.mark.parametrize(("make", "reason"), [(unjudged, "it was closed"), (only_opened, "it was opened")])
def test_a_newest_run_that_left_nothing_does_not_let_an_older_one_speak(
    tmp_path: Path, make: Callable[[Path], Path], reason: str
) -> None:
    root, to = tmp_path / "evidence", tmp_path / "junit.xml"
    good = add_run(root, MET, None)
    newest = make(root)
    ended = CliRunner().invoke(app, ["report", str(root)])
    assert isinstance(ended.exception, NothingLeft)
    assert tell(ended.exception, Console(), as_json=False) == 3
    assert f"{newest.name}, left no ledger: {reason}" in str(ended.exception)
    assert "by its own folder" in str(ended.exception.hint)
    assert told(good).code == 0
    for form in ("html", "md", "json"):
        assert isinstance(
            CliRunner().invoke(app, ["report", str(root), "--format", form]).exception, NothingLeft
        )
    printed = CliRunner().invoke(app, ["report", str(root), "--format", "junit"])
    written = CliRunner().invoke(app, ["report", str(root), "--to", str(to)])
    assert isinstance(printed.exception, NothingLeft)
    assert isinstance(written.exception, NothingLeft)
    assert to.read_text() == printed.output
    assert 'tests="1" failures="0" errors="1"' in printed.output
    assert newest.name in printed.output


def test_a_tabletop_measures_nothing_and_is_not_the_newest(tmp_path: Path) -> None:
    """Of the other side: what was only talked through after a drill takes nothing from it."""
    story = Story(tmp_path / "evidence")
    drilled = story.drill(run_of(MET, 1))
    story.talk(2)
    code, said = told(story.root)
    assert code == 0
    assert str(drilled / "report.html") in said
