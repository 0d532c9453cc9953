"""What a report says of the damage, of moving back and of giving up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from rto_rpo.dossier.digest import digest
from rto_rpo.evidence.keeping.undone import Undone, add_undone
from rto_rpo.report import aftermath
from rto_rpo.report.forms.html import html
from rto_rpo.report.forms.markdown import markdown
from rto_rpo.report.forms.summary import summary
from rto_rpo.report.model import Report
from rto_rpo.report.publish import of_run
from tests.rto_rpo.report.runs import MET, MISSED, Run, write_run

WHEN = "2026-11-22T06:00:00.000000Z"


def checked(name: str, verdict: str, reason: str) -> Run:
    """A missed run with such a check."""
    return replace(MISSED, check={"name": name, "verdict": verdict, "reason": reason}, checked_by="drill")


def content(folder: Path, run: Run = MISSED) -> dict[str, Any]:
    return of_run(write_run(folder, run))


def test_an_undo_that_the_ledger_could_not_take_is_in_every_report(tmp_path: Path) -> None:
    folder = write_run(tmp_path, MISSED)
    assert "undone" not in of_run(folder)
    entry = Undone(utc=WHEN, by="dead-man", undone="reverted, fenced", how="it stays down")
    add_undone(folder, entry)
    found = of_run(folder)
    said = "reverted, fenced, by its dead-man: it stays down"
    assert ["undone", said] in [line.strip().split(maxsplit=1) for line in summary(found)]
    assert f"**What became of the damage:** {said}" in markdown(found)
    assert said in html(found)


def test_a_fault_that_could_not_be_undone_leaves_the_run_in_doubt(tmp_path: Path) -> None:
    folder = write_run(tmp_path, MET)
    assert of_run(folder)["doubts"] == []
    add_undone(folder, Undone(utc=WHEN, by="dead-man", undone="stuck", how="the site hangs"))
    found = of_run(folder)
    assert found["doubts"] == ["nothing shows that the fault was undone: the site hangs"]
    assert {one["standing"] for one in found["judgements"]} == {"met, in doubt"}
    assert digest(found).doubted
    add_undone(folder, Undone(utc=WHEN, by="recover", undone="reverted", how="it runs again"))
    assert of_run(folder)["doubts"] == []


def test_a_run_that_tells_of_no_undo_says_so(tmp_path: Path) -> None:
    report = Report.model_validate(content(tmp_path))
    assert aftermath.damage(report) == "nothing says that it was undone"
    assert aftermath.moved_back(report) == "not run: nothing moved back in this drill"


def test_the_first_line_says_that_the_drill_gave_up(tmp_path: Path) -> None:
    reason = 'nothing served within 5 min, and site "primary" serves again'
    found = content(tmp_path, checked("give-up", "missed", reason))
    assert summary(found)[0] == f"MISSED  trading-desk, drill kill-primary: {reason}"
    assert markdown(found).splitlines()[0].endswith(f"drill kill-primary: {reason}")
    assert "It gave up: nothing served within 5 min" in html(found)


def test_a_failback_is_told_with_how_it_ended(tmp_path: Path) -> None:
    back = content(tmp_path / "met", checked("failback", "met", "all 9 steps were done"))
    assert "**Moved back:** yes: all 9 steps were done" in markdown(back)
    stuck = content(tmp_path / "missed", checked("failback", "missed", "it failed at rejoin"))
    assert "**Moved back:** no (missed): it failed at rejoin" in markdown(stuck).replace("\\", "")
