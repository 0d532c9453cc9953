"""What was pruned too early, or under a hold, shows: whoever prunes, and whatever he signs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rto_rpo.evidence.checking.verify import verify
from rto_rpo.evidence.keeping.adding import add_record
from rto_rpo.evidence.keeping.pruning import prunable, prune
from rto_rpo.evidence.lines.record import AnyEntry, By, Hold, Note
from rto_rpo.evidence.lines.signature import SigningKey
from tests.rto_rpo.evidence.folders import NOW, add_run, agreed, findings, folders
from tests.rto_rpo.evidence.forger import Lines, rewritten
from tests.rto_rpo.report.runs import MET, PLAN, Run

DAY = timedelta(days=1)
RETENTION = timedelta(days=300)
DUE = NOW + timedelta(days=302)
KEPT = PLAN + b"evidence: {retention: 300d}\n"
SMALL = replace(MET, interval_seconds=0.25, end_at_seconds=1.8, plan=KEPT)
HELD = replace(SMALL, number=2, plan=PLAN + b'evidence: {retention: 300d, hold: "the regulator asked"}\n')
FREE = replace(SMALL, number=3)


def made(root: Path, key: SigningKey, *runs: Run) -> Path:
    for run in runs:
        add_run(root, run, key, agreed(run))
    return root


def pruned_by_hand(root: Path, key: SigningKey, run: Run = SMALL, **other: Any) -> None:
    """A line that says so, by whoever holds the key; the files of the run go."""
    folder = next(path for path in folders(root) if path.name.endswith(run.run[:8]))

    def with_line(lines: Lines) -> Lines:
        line = {
            "schema": lines[0]["schema"],
            "plan": lines[0]["plan"],
            "kind": "pruned",
            "utc": f"{DUE:%Y-%m-%dT%H:%M:%S.%fZ}",
            "signature": None,
            "runs": {run.run: folder.name},
            "retention_seconds": RETENTION.total_seconds(),
            "kept": ["charter.json", "plan.yaml"],
            **other,
        }
        return [*lines, line]

    rewritten(root, key, with_line)
    for path in folder.iterdir():
        if path.name not in {"charter.json", "plan.yaml"}:
            path.unlink()


def said(root: Path, key: SigningKey, entry: AnyEntry, after: timedelta) -> None:
    add_record(root, entry, plan="trading-desk", run=SMALL.run, drill=None, key=key, now=NOW + DAY + after)


def test_what_is_old_enough_may_go(tmp_path: Path, key: SigningKey) -> None:
    """The negative control."""
    root = made(tmp_path / "evidence", key, SMALL)
    pruned_by_hand(root, key)
    assert verify(root).findings == ()


def test_nothing_goes_before_its_own_plan_promised(tmp_path: Path, key: SigningKey) -> None:
    """A plan that is changed later takes nothing from what was promised when a run was opened."""
    root = made(tmp_path / "evidence", key, SMALL, replace(SMALL, number=2, plan=PLAN))
    later = DUE + timedelta(days=300)
    [gone] = prune(root, plan="trading-desk", retention=RETENTION, hold=None, key=key, now=later)
    assert gone.endswith(SMALL.run[:8])
    [left] = prunable(root, RETENTION, None, later)
    assert left.kept == "younger than the retention: until 2032-11-22"
    assert verify(root).intact


def test_what_its_own_plan_promised_to_keep_for_longer_shows(tmp_path: Path, key: SigningKey) -> None:
    root = made(tmp_path / "evidence", key, replace(SMALL, plan=PLAN))
    pruned_by_hand(root, key)
    told = f"run {SMALL.run} was pruned under a retention of 300 days, and its plan promised 2190"
    assert told in findings(root)


@pytest.mark.parametrize(
    "entry",
    [
        Note(what="note", by=By(name="Ada"), text="the regulator asked"),
        Hold(what="hold", by=By(name="Ada"), text="over", placed=False),
    ],
)
def test_what_is_said_of_a_run_begins_its_time_anew(tmp_path: Path, key: SigningKey, entry: AnyEntry) -> None:
    root = made(tmp_path / "evidence", key, SMALL)
    said(root, key, entry, timedelta(days=200))
    pruned_by_hand(root, key)
    assert f"run {SMALL.run} was pruned before its retention had passed" in findings(root)


def test_nothing_goes_under_the_hold_of_the_newest_plan(tmp_path: Path, key: SigningKey) -> None:
    root = made(tmp_path / "evidence", key, SMALL, HELD)
    pruned_by_hand(root, key)
    assert (
        f'run {SMALL.run} was pruned although the plan "trading-desk" held everything: the regulator asked'
        in findings(root)
    )


def test_a_hold_that_a_later_plan_lifted_is_over(tmp_path: Path, key: SigningKey) -> None:
    root = made(tmp_path / "evidence", key, SMALL, HELD, FREE)
    pruned_by_hand(root, key)
    assert verify(root).findings == ()


def test_the_hold_of_a_plan_that_was_pruned_itself_still_stands(tmp_path: Path, key: SigningKey) -> None:
    root = made(tmp_path / "evidence", key, SMALL, HELD)
    pruned_by_hand(root, key, HELD)
    assert f"run {HELD.run} was pruned although the plan" in findings(root)


def pruned(root: Path, key: SigningKey) -> tuple[str, ...]:
    return prune(root, plan="trading-desk", retention=RETENTION, hold=None, key=key, now=DUE)


def test_pruning_waits_until_a_run_has_shown_that_the_hold_is_over(tmp_path: Path, key: SigningKey) -> None:
    root = made(tmp_path / "evidence", key, SMALL, HELD)
    newest = 'in the plan "trading-desk" of its newest run; a run of a plan without it ends it'
    why = f"legal hold: the regulator asked ({newest})"
    assert [one.kept for one in prunable(root, RETENTION, None, DUE)] == [why, why]
    assert pruned(root, key) == ()
    add_run(root, FREE, key, agreed(FREE))
    [gone] = pruned(root, key)
    assert {path.name for path in (root / gone).iterdir()} == {"charter.json", "plan.yaml"}
    assert verify(root).findings == ()
