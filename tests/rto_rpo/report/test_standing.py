"""In a run that is in doubt nothing reads as met, in whatever form it is told."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rto_rpo.evidence.keeping.undone import Undone
from rto_rpo.report.document import document, to_json
from rto_rpo.report.forms.html import html
from rto_rpo.report.forms.junit import junit
from rto_rpo.report.forms.lost_writes import lost_writes
from rto_rpo.report.forms.markdown import markdown
from rto_rpo.report.forms.summary import summary
from tests.rto_rpo.report.runs import INCONCLUSIVE, MET, Run, write_run
from tests.rto_rpo.report.test_junit import told

ORPHANED = replace(MET, end_reason="orphaned")
DOUBTED = {
    "void": INCONCLUSIVE,
    "uncalibrated": replace(MET, calibration=None),
    "orphaned": ORPHANED,
    "cut off": replace(MET, cut_off=True),
}
BADGE = re.compile(r'class="badge ([a-z-]+)">')
PASSED = re.compile(r"\bmet\b(?!, in doubt)")


def content(folder: Path, run: Run, *undone: Undone) -> dict[str, Any]:
    return document(write_run(folder, run) / "ledger.jsonl", run.plan, None, undone)


def stuck(folder: Path) -> dict[str, Any]:
    """A run that was met, and whose fault nothing shows to be undone: the judge saw its ledger alone."""
    entry = Undone(utc="2026-11-23T06:00:00.000000Z", by="dead-man", undone="stuck", how="the site hangs")
    return content(folder, MET, entry)


@pytest.fixture(params=[*DOUBTED, "stuck"])
def doubted(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    if request.param == "stuck":
        return stuck(tmp_path)
    return content(tmp_path, DOUBTED[request.param])


def test_no_form_of_a_run_that_was_never_undone_begins_with_met(tmp_path: Path) -> None:
    read = stuck(tmp_path)
    assert read["verdict"] == "met"
    page, lines = html(read), summary(read)
    assert "<title>MET, IN DOUBT: " in page
    assert "<h1>Met, in doubt</h1>" in page
    assert 'class="emblem met-in-doubt"' in page
    assert lines[0].startswith("MET, IN DOUBT  ")
    assert markdown(read).startswith("# \N{WHITE QUESTION MARK ORNAMENT} met, in doubt: ")
    for form in (page, markdown(read), junit(read), "\n".join(lines[:2])):
        assert "nothing shows that the fault was undone: the site hangs" in form


def test_the_page_has_no_badge_that_reads_as_met(doubted: dict[str, Any]) -> None:
    assert "met" not in BADGE.findall(html(doubted))


def test_markdown_ticks_nothing_off(doubted: dict[str, Any]) -> None:
    assert "\N{WHITE HEAVY CHECK MARK}" not in markdown(doubted)


def test_no_case_of_a_pipeline_passes_and_each_says_what_is_in_doubt(doubted: dict[str, Any]) -> None:
    from xml.etree import ElementTree as ET

    found = ET.fromstring(junit(doubted).encode())  # noqa: S314 - our own
    assert "passed" not in told(found).values()
    for one in found.iter("error"):
        assert one.get("message")
    [doubt] = [one.get("value") for one in found.iter("property") if one.get("name") == "in_doubt"]
    assert doubt not in (None, "", "no")


def test_the_terminal_calls_no_promise_met(doubted: dict[str, Any]) -> None:
    promised = [line for line in summary(doubted) if "declared " in line]
    assert promised
    assert not [line for line in promised if PASSED.search(line)]


def test_json_has_the_standing_beside_the_judges_verdict(doubted: dict[str, Any]) -> None:
    read = json.loads(to_json(doubted))
    judged = [*read["judgements"], *read["split_brain"], *read["checks"]]
    assert judged
    assert read["doubts"]
    assert "met" not in {one["standing"] for one in judged}


def test_each_line_of_the_table_of_writes_says_that_its_run_is_in_doubt(tmp_path: Path) -> None:
    for name, run in {"void": replace(INCONCLUSIVE, reading_ends=True), "orphaned": ORPHANED}.items():
        text = lost_writes(content(tmp_path / name, run))
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        assert rows
        assert "no" not in {row["run_in_doubt"] for row in rows}


def test_a_run_in_which_nothing_is_in_doubt_is_told_as_met(tmp_path: Path) -> None:
    sound = content(tmp_path, MET)
    assert sound["doubts"] == []
    assert BADGE.findall(html(sound)).count("met") >= 4
    assert "\N{WHITE HEAVY CHECK MARK} met |" in markdown(sound)
    assert "in doubt" not in "".join(summary(sound)) + markdown(sound) + junit(sound).replace("in_doubt", "")


@pytest.mark.parametrize("run", [MET, INCONCLUSIVE])
def test_every_form_says_how_long_verification_took_or_why_that_is_not_known(
    tmp_path: Path, run: Run
) -> None:
    found = content(tmp_path, run)
    for point in found["recovery_points"]:
        point["verification_seconds"] = 1.25
    forms = [html(found), markdown(found), junit(found), "\n".join(summary(found))]
    assert all("1.25 s" in form for form in forms)
    for point in found["recovery_points"]:
        point["verification_seconds"] = None
    forms = [html(found), markdown(found), junit(found), "\n".join(summary(found))]
    assert all("not known: " in form for form in forms)
