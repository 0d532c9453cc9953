"""The stop lever: no drill begins while it is pulled, and one that runs is broken off and undone."""

from __future__ import annotations

from pathlib import Path

import pytest

from drills.guard import check_health
from drills.lever import Lever
from sites.errors import BlackstartError, GuardError
from tests.drills.test_guard import an_estate
from tests.drills.test_rehearsal import FakeFault, FakeRecording, FakeResponse, perform


def test_a_pulled_lever_lets_nothing_begin_until_it_is_released(tmp_path: Path) -> None:
    estate = an_estate(tmp_path)
    lever = Lever(estate.state)
    check_health(estate, "kill-primary")
    lever.pull("an incident")
    lever.pull("another one")
    with pytest.raises(GuardError, match="the stop lever was pulled: an incident"):
        check_health(estate, "kill-primary")
    assert lever.release()
    assert not lever.release()
    check_health(estate, "kill-primary")


def test_a_lever_that_cannot_be_read_is_a_pulled_one(tmp_path: Path) -> None:
    lever = Lever(tmp_path)
    lever.file.write_text("")
    with pytest.raises(BlackstartError, match="pulled"):
        lever.require_released()


def test_a_lever_that_cannot_be_looked_at_is_a_pulled_one(tmp_path: Path) -> None:
    """What does not tell counts as pulled: as here a link that leads to itself."""
    lever = Lever(tmp_path)
    lever.file.symlink_to(lever.file)
    assert not lever.file.exists(), "so say some versions of Python, of whatever they cannot look at"
    with pytest.raises(BlackstartError, match="pulled"):
        lever.require_released()


def test_a_drill_that_runs_is_broken_off_and_undone(tmp_path: Path) -> None:
    estate, recording = an_estate(tmp_path), FakeRecording()
    fault = FakeFault(recording)
    inject = fault.inject

    class Pulling(FakeResponse):
        def start(self) -> None:
            super().start()
            fault.inject = lambda left: (Lever(estate.state).pull("stop it"), inject(left))[1]  # type: ignore[method-assign]

    broken_off = perform(estate, recording, fault, Pulling())
    assert "the stop lever was pulled: stop it" in str(broken_off)
    assert recording.told[-5:] == ["HEAL", "aborted", "undo", "healed", "FINISH aborted"]
