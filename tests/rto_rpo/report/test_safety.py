"""A row of Trading safety is met by a check that is declared to answer it, never by its name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rto_rpo.answering import DECLARED, OWN
from rto_rpo.report import aftermath
from rto_rpo.report.document import document
from rto_rpo.report.model import Report
from rto_rpo.report.safety import CHECKS, safety
from tests.rto_rpo.report.runs import MET, Run, write_run

NAMES = (
    *("engine", "killboard", "limits-feed", "clock", "clocks", "window", "calendar", "isolated", "secrets"),
    *(
        "market-data",
        "gap",
        "parity",
        "failback",
        "end-state",
        "reconciliation",
        "cancel-on-disconnect",
        "cash",
    ),
)
WHAT = {word: what for what, word in CHECKS}


def told(folder: Path, run: Run) -> Report:
    return Report.model_validate(document(write_run(folder, run) / "ledger.jsonl", run.plan))


def rows(report: Report) -> dict[str, str]:
    """The state of each row that a check may answer, by its word."""
    found = {one.what: one.state for one in safety(report)}
    return {word: found[what] for word, what in WHAT.items()}


def check(name: str, answers: Any = None, verdict: str = "met") -> dict[str, Any]:
    declared = {} if answers is None else {"answers": answers}
    return {"name": name, "verdict": verdict, "reason": "so it says", **declared}


def test_a_name_answers_nothing(tmp_path: Path) -> None:
    more = tuple(("check", 0.85, check(name)) for name in NAMES)
    report = told(tmp_path, replace(MET, check=check("kill"), more=more))
    assert rows(report) == dict.fromkeys(WHAT, "not run")
    assert aftermath.moved_back(report).startswith("not run")


@pytest.mark.parametrize("word", [word for _, word in CHECKS if word in DECLARED])
def test_a_declared_word_answers_its_own_row_alone(tmp_path: Path, word: str) -> None:
    for verdict in ("met", "missed", "inconclusive"):
        found = rows(told(tmp_path / verdict, replace(MET, check=check("engine", [word], verdict))))
        assert found == {**dict.fromkeys(WHAT, "not run"), word: verdict}


def test_what_is_no_declaration_answers_nothing(tmp_path: Path) -> None:
    wrong: tuple[Any, ...] = (
        "orders",
        ["Orders", "orders,fills", 1, None, ["orders"]],
        {"orders": True},
        True,
    )
    for number, answers in enumerate((*wrong, sorted(OWN))):
        report = told(tmp_path / str(number), replace(MET, check=check("engine", answers)))
        assert rows(report) == dict.fromkeys(WHAT, "not run")


def test_a_drills_own_check_answers_by_its_name_and_by_no_declaration(tmp_path: Path) -> None:
    drills = replace(MET, checked_by="drill")
    for name in ("failback", "window"):
        found = rows(told(tmp_path / name, replace(drills, check=check(name))))
        assert found == {**dict.fromkeys(WHAT, "not run"), name: "met"}
    assert set(rows(told(tmp_path / "2", replace(drills, check=check("undo", ["orders"])))).values()) == {
        "not run"
    }


def test_a_run_in_doubt_meets_no_row(tmp_path: Path) -> None:
    run = replace(MET, calibration=None, check=check("engine", ["orders"]))
    assert rows(told(tmp_path, run))["orders"] == "met, in doubt"
