"""A run is closed by what its ledger gives, whatever becomes of the pages that tell of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NoReturn
from unittest.mock import patch

import pytest

from drills.closing import Closed, close, open_run
from rto_rpo.evidence.checking.verify import verify
from sites.plan import Plan
from tests.drills.small_drill import DRILL, small_estate
from tests.rto_rpo.report.runs import MET, write_ledger


def closed_at(tmp_path: Path) -> Closed:
    """The ledger is of another plan than the estate's: what is frozen promises what it was recorded by."""
    plan = small_estate(tmp_path).plan
    with patch.object(Plan, "raw", f"name: {plan.name}\nenvironment: demo\n".encode()):
        run = replace(MET, plan=plan.raw, plan_name=plan.name, drill=DRILL)
        folder = open_run(plan, run.run, DRILL)
        write_ledger(folder.path / "ledger.jsonl", run)
        return close(plan, folder)


def test_a_run_is_closed_with_its_three_reports(tmp_path: Path) -> None:
    closed = closed_at(tmp_path)
    assert (closed.verdict, closed.not_done) == ("met", ())
    assert {"report.json", "report.html", "report.md"} <= {path.name for path in closed.folder.iterdir()}
    assert verify(closed.folder.parent).intact


@pytest.mark.parametrize(("form", "name"), [("html", "report.html"), ("markdown", "report.md")])
def test_a_page_that_cannot_be_drawn_takes_no_verdict_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, name: str
) -> None:
    def fail(*_: object) -> NoReturn:
        raise KeyError("a template that expects too much")

    monkeypatch.setattr(f"rto_rpo.report.publish.{form}", fail)
    closed = closed_at(tmp_path)
    assert closed.verdict == "met"
    [told] = closed.not_done
    assert told.startswith(f"{name} could not be written, and can be made again: KeyError")
    assert not (closed.folder / name).exists()
    found = verify(closed.folder.parent)
    assert found.intact, found.findings
    assert [run.recomputed for run in found.runs] == ["met"]
