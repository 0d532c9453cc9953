from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from rto_rpo.report.document import document
from rto_rpo.report.forms.junit import junit
from tests.rto_rpo.report.runs import INCONCLUSIVE, MET, MISSED, Run, write_run
from tests.rto_rpo.report.test_html import HOSTILE, HOSTILE_RUN


def suite(folder: Path, run: Run) -> ET.Element:
    text = junit(document(write_run(folder, run) / "ledger.jsonl", run.plan))
    found = ET.fromstring(text.encode()).find("testsuite")  # noqa: S314 - our own
    assert found is not None
    return found


def told(found: ET.Element) -> dict[str, str]:
    """What became of each case."""
    return {case.get("name", ""): case[0].tag if len(case) else "passed" for case in found.iter("testcase")}


def test_what_was_met_passes_and_what_was_not_tested_is_skipped(tmp_path: Path) -> None:
    cases = told(suite(tmp_path, MET))
    assert cases["verdict"] == "passed"
    assert cases["gateway RTO within 30 s"] == "passed"
    assert cases["engine RTO within 5 min"] == cases["ticks RPO within 15 min"] == "skipped"


def test_what_was_missed_fails_with_its_reason(tmp_path: Path) -> None:
    found = suite(tmp_path, MISSED)
    cases = told(found)
    assert cases["verdict"] == cases["orders RPO within 0 s"] == cases["check: reconciliation"] == "failure"
    assert any("order c-37" in one.get("message", "") for one in found.iter("failure"))
    assert found.get("failures") == str(list(cases.values()).count("failure"))


def test_what_is_inconclusive_is_an_error_and_never_passes(tmp_path: Path) -> None:
    cases = told(suite(tmp_path, INCONCLUSIVE))
    assert cases["verdict"] == "error"
    assert cases["gateway RTO within 30 s"] == "error"


@pytest.mark.parametrize("name", [HOSTILE, "\x00\x1b[31m\ufffe]]>", "<!--", "&quot;"])
def test_hostile_names_are_text(tmp_path: Path, name: str) -> None:
    run = replace(HOSTILE_RUN, drill=name, service=name, plan_name=name)
    found = suite(tmp_path, run)
    assert {one.tag for one in found.iter()} <= {
        *("testsuite", "properties", "property", "testcase", "failure", "error", "skipped")
    }
