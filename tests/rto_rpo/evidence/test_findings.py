"""A finding lives on in later drills: met closes it, missed opens it again, inconclusive does neither."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rto_rpo.evidence.adding import add_record
from rto_rpo.evidence.findings import Registered, register
from rto_rpo.evidence.history import read_entries
from rto_rpo.evidence.record import AnyEntry, By, Finding, FindingState, Retest
from tests.rto_rpo.evidence.folders import add_run
from tests.rto_rpo.report.runs import INCONCLUSIVE, MET, MISSED

ADA = By(name="Ada")
WHOLE = Retest(drill="kill-primary")


def enter(root: Path, entry: AnyEntry) -> None:
    now = datetime(2026, 11, 24, tzinfo=UTC)
    add_record(root, entry, plan="trading-desk", run=None, drill=None, key=None, now=now)


def finding(retest: Retest | None) -> Finding:
    return Finding(
        what="finding", by=ADA, text="slow", id="F-1", severity="high", due="2026-12-01", retest=retest
    )


def state(what: str, until: str | None = None) -> FindingState:
    return FindingState.model_validate(
        {"what": "finding_state", "by": ADA, "text": "", "id": "F-1", "state": what, "until": until}
    )


def registered(root: Path, verdicts: dict[tuple[str, str], str] | None = None) -> Registered:
    entries = read_entries((root / "chain.jsonl").read_bytes())
    return register(entries, lambda _: verdicts or {})[0]  # type: ignore[arg-type, return-value]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    add_run(tmp_path / "evidence", replace(MISSED, number=9), None)
    enter(tmp_path / "evidence", finding(WHOLE))
    return tmp_path / "evidence"


def test_a_met_drill_closes_it_and_a_missed_one_opens_it_again(root: Path) -> None:
    assert registered(root).state == "open"
    add_run(root, INCONCLUSIVE, None)
    assert registered(root).state == "open"
    add_run(root, MET, None)
    assert registered(root).state == "closed"
    add_run(root, MISSED, None)
    assert [step.state for step in registered(root).steps] == ["open", "closed", "open"]


def test_another_drill_proves_nothing(root: Path) -> None:
    add_run(root, replace(MET, drill="other"), None)
    assert registered(root).state == "open"


def test_an_accepted_risk_stays_accepted_until_its_day(root: Path) -> None:
    enter(root, state("accepted", "2027-03-01"))
    add_run(root, MISSED, None)
    found = registered(root)
    assert (found.state, found.overdue("2027-03-01"), found.overdue("2027-03-02")) == (
        "accepted",
        False,
        True,
    )


def test_it_is_overdue_when_its_day_has_passed(root: Path) -> None:
    assert not registered(root).overdue("2026-12-01")
    assert registered(root).overdue("2026-12-02")
    enter(root, state("closed"))
    assert not registered(root).overdue("2026-12-02")


def test_one_objective_can_be_what_is_retested(tmp_path: Path) -> None:
    root = tmp_path / "evidence"
    add_run(root, MISSED, None)
    enter(root, finding(Retest(drill="kill-primary", subject="gateway", objective="rto")))
    add_run(root, INCONCLUSIVE, None)
    assert registered(root, {("gateway", "rto"): "met"}).state == "closed"
    assert registered(root, {("gateway", "rto"): "inconclusive"}).state == "open"
    assert registered(root, {("orders", "rpo"): "met"}).state == "open"
