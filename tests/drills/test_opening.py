"""A run is in the evidence before anything is done for it: what breaks off before the fault shows too."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
import yaml

from drills import drill as drilling
from drills.bystanders import Bystanders
from drills.preview import resolved
from drills.recover import close_unfinished
from rto_rpo.evidence.checking.verify import verify
from sites.errors import BlackstartError, DatasetError
from sites.plan import read_plan
from tests.drills.test_guard import EXAMPLE, DeskEstate, an_estate
from tests.drills.test_rehearsal import FakeFault, FakeRecording


@pytest.fixture
def estate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DeskEstate:
    """The desk, whose guards all pass."""
    before = an_estate(tmp_path).plan
    text = yaml.safe_load(before.raw)
    text["evidence"] = {"path": str(tmp_path / "evidence")}
    for name, made in (
        ("fault_of", lambda *_: FakeFault(FakeRecording())),
        ("check_health", lambda *_: None),
        ("bystanders_of", lambda *_: Bystanders([])),
    ):
        monkeypatch.setattr(drilling, name, made)
    return DeskEstate(read_plan(EXAMPLE, yaml.safe_dump(text).encode(), before.variables))


def begin(estate: DeskEstate) -> None:
    confirm = resolved(estate, "kill-primary", FakeFault(FakeRecording())).confirm
    drilling.run(estate, "kill-primary", environment="demo", confirm=confirm)


def refuse(*_: object) -> NoReturn:
    raise DatasetError("the canary's table cannot be created")


@pytest.mark.parametrize("step", ["prepare", "calibrated_instrument"])
def test_what_fails_before_the_fault_is_closed_in_the_evidence(
    estate: DeskEstate, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr(drilling, "prepare", lambda *_: None)
    monkeypatch.setattr(drilling, step, refuse)
    with pytest.raises(BlackstartError, match="table cannot be created"):
        begin(estate)
    found = verify(estate.plan.evidence.path)
    assert [(run.state, run.verdict) for run in found.runs] == [("closed", "inconclusive")]
    assert found.intact, found.findings


@pytest.mark.parametrize("step", ["prepare", "calibrated_instrument"])
def test_what_is_killed_before_the_fault_is_never_finished(
    estate: DeskEstate, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr(drilling, "prepare", lambda *_: None)
    monkeypatch.setattr(drilling, step, lambda *_: os._exit(9))
    assert _in_a_child(lambda: begin(estate)) == 9
    root = estate.plan.evidence.path
    assert [run.state for run in verify(root).runs] == ["never finished"]
    (closed,) = close_unfinished(estate.plan)
    assert closed.ok
    assert "closed as inconclusive" in closed.how


def test_what_a_guard_refuses_is_no_run(estate: DeskEstate) -> None:
    with pytest.raises(BlackstartError, match="none was given"):
        drilling.run(estate, "kill-primary", environment="demo", confirm=None)
    assert not estate.plan.evidence.path.exists()


def _in_a_child(act: Callable[[], None]) -> int:
    child = os.fork()
    if child == 0:
        try:
            act()
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
