"""A report of an older form is held against its ledger in all that both forms hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rto_rpo.dossier.shelf import read_shelf
from rto_rpo.evidence.checking.report_check import DECIDED
from rto_rpo.evidence.checking.verify import Verification, verify
from rto_rpo.evidence.keeping import chain
from rto_rpo.report.document import to_json
from rto_rpo.report.publish import of_run
from rto_rpo.website.build import build
from tests.rto_rpo.evidence.folders import NOW, agreed, open_one
from tests.rto_rpo.report.older import as_form_1
from tests.rto_rpo.report.runs import MET, MISSED, Run

Change = Callable[[dict[str, Any]], object]


def of_its_time(run: Run) -> Run:
    """No recorder told versions yet."""
    return replace(run, versions=())


def checked(root: Path, run: Run, change: Change = lambda _: None) -> Verification:
    """A run whose report was written in the first form, and told something else by `change`."""
    folder = open_one(root, of_its_time(run), None, agreed(run))
    content = as_form_1(of_run(folder.path))
    verdict = content["verdict"]
    change(content)
    (folder.path / "report.json").write_bytes(to_json(content))
    chain.close_run(root, folder, verdict=verdict, key=None, now=NOW + timedelta(days=run.number, minutes=1))
    return verify(root)


def test_it_verifies_and_is_said_to_be_of_another_form(tmp_path: Path) -> None:
    found = checked(tmp_path / "evidence", MET)
    assert found.intact, found.findings
    assert any("of another form (blackstart/report/1)" in note for note in found.notes)


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("recovery_points", lambda told: told["recovery_points"][0]["lost"].pop()),
        ("judgements", lambda told: told["judgements"][1].update(verdict="met")),
        ("judgements", lambda told: told.pop("judgements")),
        ("verdict", lambda told: told.update(verdict="met")),
        ("schema", lambda told: told.update(schema="of my own")),
        (
            "schema ('blackstart/report/9999' is no form",
            lambda told: told.update(schema="blackstart/report/9999"),
        ),
        ("schema", lambda told: told.update(schema="blackstart/report/3")),
        ("schema (None is no form", lambda told: told.pop("schema")),
        ("recovery_points", lambda told: told.pop("recovery_points")),
        ("recovery_points", lambda told: told["recovery_points"][0].pop("lost")),
        ("timeline", lambda told: [told.pop(name) for name in set(told) - {"schema", *DECIDED}]),
        ("of_my_own", lambda told: told.update(of_my_own="all was well")),
    ],
)
def test_what_it_tells_otherwise_than_its_ledger_is_found(tmp_path: Path, part: str, change: Change) -> None:
    found = checked(tmp_path / "evidence", MISSED, change)
    assert not found.intact
    assert any(part in finding for finding in found.findings), found.findings


def test_the_site_shows_it_like_any_other(tmp_path: Path) -> None:
    root = tmp_path / "evidence"
    checked(root, MISSED)
    [run] = read_shelf(root).runs
    assert (run.problem, run.verdict) == (None, "missed")
    build(root, tmp_path / "site", now=NOW + timedelta(days=9), profiles=[])
    page = next((tmp_path / "site" / "runs").glob("*.html")).read_text()
    assert "<h1>Missed</h1>" in page
