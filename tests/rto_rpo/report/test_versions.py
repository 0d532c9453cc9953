"""Which software was tried is told in every form: by whose word, what is not known, what is not alike."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from rto_rpo.ledger.errors import LedgerError
from rto_rpo.ledger.validation import checked
from rto_rpo.report.document import document, to_json
from rto_rpo.report.forms.html import html
from rto_rpo.report.forms.junit import junit
from rto_rpo.report.forms.markdown import markdown
from rto_rpo.report.forms.summary import summary
from rto_rpo.report.model import Report
from rto_rpo.report.safety import safety
from rto_rpo.report.versions import NOT_ASKED, unlike
from tests.rto_rpo.report.runs import MET, Run, write_run
from tests.rto_rpo.report.test_html import HOSTILE, Page

UNLIKE = replace(
    MET, versions=(("order gateway", "site primary", "4.2"), ("order gateway", "site dr", "4.1"))
)


def content(folder: Path, run: Run) -> dict[str, Any]:
    return document(write_run(folder, run) / "ledger.jsonl", run.plan)


def forms(found: dict[str, Any]) -> dict[str, str]:
    return {
        "html": html(found),
        "md": markdown(found),
        "junit": junit(found),
        "json": to_json(found).decode(),
    }


def test_every_form_has_each_version_and_what_is_not_known(tmp_path: Path) -> None:
    found = content(tmp_path, MET)
    for name, told in forms(found).items():
        assert "17.6" in told, name
        assert "0.18.0" in told, name
        assert "nobody asked" in told, name
    assert "  versions      3 known, 1 not known" in summary(found)


def test_it_is_said_by_whose_word_and_when(tmp_path: Path) -> None:
    [first, *_] = json.loads(to_json(content(tmp_path, MET)))["versions"]
    assert (first["by"], first["at_seconds"]) == ("it itself", -1.9)
    assert first["utc"] == "2026-11-22T06:00:10.100000Z"
    told = " ".join("".join(Page(html(content(tmp_path / "page", MET))).words).split())
    assert "on 22 November 2026, 06:00:10 UTC, \N{MINUS SIGN}1.900 s from the fault" in told


@pytest.mark.parametrize("run", [MET, UNLIKE])
def test_what_is_of_two_versions_at_two_sites_is_pointed_out(tmp_path: Path, run: Run) -> None:
    found = content(tmp_path, run)
    told = {"html": html(found), "md": markdown(found), "terminal": "\n".join(summary(found))}
    for name, form in told.items():
        assert ("not the same everywhere" in form.lower()) is (run is UNLIKE), name
        assert ("4.2 (site primary); 4.1 (site dr)" in form) is (run is UNLIKE), name


def test_two_versions_at_two_sites_are_no_parity_and_one_proves_none(tmp_path: Path) -> None:
    for run, state in ((UNLIKE, "missed"), (MET, "not run")):
        report = Report.model_validate(content(tmp_path / state, run))
        [parity] = [one for one in safety(report) if one.what.startswith("Code, configuration and schema")]
        assert parity.state == state
    elsewhere = replace(
        MET, versions=(("Linux", "site dr", "6.1"), ("Linux", "where blackstart runs", "6.2"))
    )
    assert unlike(Report.model_validate(content(tmp_path / "elsewhere", elsewhere))) == []


def test_a_run_that_asked_for_nothing_says_so(tmp_path: Path) -> None:
    found = content(tmp_path, replace(MET, versions=()))
    assert NOT_ASKED[1:] in html(found)
    assert NOT_ASKED in markdown(found)
    assert NOT_ASKED in junit(found)


def test_a_hostile_version_is_text(tmp_path: Path) -> None:
    found = content(tmp_path, replace(MET, versions=((HOSTILE, HOSTILE, HOSTILE), (HOSTILE, "x", None))))
    page = html(found)
    assert "<script" not in page
    assert "<img" not in page
    assert "</title><script>alert('x')</script>" in "".join(Page(page).words)
    assert "<script" not in MarkdownIt("commonmark").enable("table").render(markdown(found))


@pytest.mark.parametrize("seen", [{}, [1], [{"what": "x"}], [{"what": "x", "where": "y", "version": 1}]])
def test_versions_of_another_shape_are_no_part_of_a_ledger(seen: object) -> None:
    event = {"seq": 1, "ns": 1, "prev": "0" * 64, "kind": "event", "event": "versions", "source": "drill"}
    with pytest.raises(LedgerError, match="seen"):
        checked(2, {**event, "detail": {"seen": seen}})
