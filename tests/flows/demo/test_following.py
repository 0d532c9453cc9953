"""A drill is followed from its ledger alone, line by line, as it grows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flows.demo.following import Follower


def line(ns: int, event: str, **detail: Any) -> bytes:
    record = {"seq": 1, "ns": ns, "kind": "event", "event": event, "source": "drill", "detail": detail}
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"


@pytest.fixture
def heard() -> list[str]:
    return []


def begin(evidence: Path, name: str, content: bytes) -> Path:
    (evidence / name).mkdir(parents=True)
    ledger = evidence / name / "ledger.jsonl"
    ledger.write_bytes(content)
    return ledger


def test_events_are_told_once_with_the_time_since_the_fault(tmp_path: Path, heard: list[str]) -> None:
    follower = Follower(tmp_path, heard.append)
    ledger = begin(tmp_path, "run", line(1_000_000_000, "steady"))
    follower.look()
    with ledger.open("ab") as file:
        file.write(b'{"kind":"operation","event":"steady"}\n')
        file.write(line(2_000_000_000, "fault_begin") + line(2_250_000_000, "promoted", dataset="orders"))
    follower.look()
    follower.look()
    assert heard == ["The service is steady", " +0.00 s  The fault begins", " +0.25 s  Promoted: orders"]
    assert follower.run == tmp_path / "run"


def test_a_line_that_is_still_being_written_is_waited_for(tmp_path: Path, heard: list[str]) -> None:
    follower = Follower(tmp_path, heard.append)
    whole = line(1, "steady")
    ledger = begin(tmp_path, "run", whole[:20])
    follower.look()
    assert heard == []
    ledger.write_bytes(whole)
    follower.look()
    assert heard == ["The service is steady"]


def test_runs_that_were_there_before_are_not_followed(tmp_path: Path, heard: list[str]) -> None:
    begin(tmp_path, "an-older-run", line(1, "steady"))
    follower = Follower(tmp_path, heard.append)
    follower.look()
    assert heard == []
    assert follower.run is None


def test_a_step_that_was_done_before_is_not_told(tmp_path: Path, heard: list[str]) -> None:
    follower = Follower(tmp_path, heard.append)
    begin(tmp_path, "run", line(1, "redirected", service="gateway", already=True) + line(2, "unheard_of"))
    follower.look()
    assert heard == []
