"""What the ledger says of deletions trims the truth only where nobody can know better."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from drills.calibration.case import MS, Case
from drills.calibration.comparison import compare
from drills.calibration.heard import maybe_deleted, pace_of
from tests.drills.calibration.test_comparison import PACE, TRUTH, measured

BEGUN, ENDED = TRUTH.begun_ns[0], TRUTH.ended_ns[1]


def ledger(folder: Path, *deletions: tuple[int, str, int, int]) -> Path:
    path = folder / "ledger.jsonl"
    records = [
        {"kind": "operation", "act": "delete", "number": number, "outcome": outcome, "sent_ns": sent}
        | {"completed_ns": completed, "scheduled_ns": sent}
        for number, outcome, sent, completed in deletions
    ]
    path.write_text("".join(f"{json.dumps(each)}\n" for each in [{"kind": "header"}, *records]))
    return path


def test_only_what_was_left_open_by_the_outage_may_have_been_deleted(tmp_path: Path) -> None:
    deletions = ledger(
        tmp_path,
        (1, "indeterminate", BEGUN - 1, BEGUN),
        (2, "indeterminate", ENDED, ENDED + 1),
        (3, "indeterminate", BEGUN - 2, BEGUN - 1),
        (4, "indeterminate", ENDED + 1, ENDED + 2),
        (5, "acknowledged", BEGUN, ENDED),
        (6, "failed", BEGUN, ENDED),
    )
    assert maybe_deleted(deletions, TRUTH) == {1, 2}


@pytest.mark.parametrize("outcome", ["acknowledged", "indeterminate"])
def test_a_recorder_that_invents_a_deletion_hides_no_loss(tmp_path: Path, outcome: str) -> None:
    """The server lost two and was asked to delete neither; the instrument reports one, and a deletion."""
    lied = ledger(tmp_path, (44, outcome, ENDED + 10 * MS, ENDED + 11 * MS))
    truth = replace(TRUTH, lost=frozenset({4, 44}))
    told = truth.without(maybe_deleted(lied, truth))
    found = compare(Case("refuse", 200 * MS, {"lost": 2}), told, measured(), "s", PACE)
    assert not found.passed
    assert [each.missed for each in found.losses if each.way == "lost"] == [1]


@pytest.mark.parametrize(("seen", "lag_ms"), [(True, 2), (False, 9)])
def test_bounds_are_taken_from_what_was_sent_after_the_last_bad_one_or_from_the_latest(
    tmp_path: Path, seen: bool, lag_ms: int
) -> None:
    found = measured()
    begin = found.fault_begin_ns or 0
    bad, until = begin + 50 * MS, begin + 150 * MS
    sent = {begin - MS: 50, begin: 9, bad: 3, bad + 20 * MS: 5, bad + 10 * MS: 2, until + 71 * MS: 70}
    records = [
        {"kind": "operation", "act": "write", "number": number, "outcome": "acknowledged", "sent_ns": at}
        | {"completed_ns": at + number, "scheduled_ns": at - lag * MS}
        for number, (at, lag) in enumerate(sent.items())
    ]
    path = tmp_path / "ledger.jsonl"
    path.write_text("".join(f"{json.dumps(each)}\n" for each in records))
    time = replace(found.recovery_times[0], last_bad_sent_ns=bad if seen else None, stable_until_ns=until)
    found = replace(found, recovery_times=(time,))
    assert pace_of(path, found, 5 * MS).lag_ns == lag_ms * MS
