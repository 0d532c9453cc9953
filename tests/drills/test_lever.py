"""The stop lever: no drill begins while it is pulled, and one that runs is broken off and undone."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from drills import lever as lever_file
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


def fake_full_disk(path: Path, content: bytes) -> None:
    """The file is made, and takes no byte."""
    path.with_name(path.name + ".new").touch()
    assert content
    raise OSError(errno.ENOSPC, "No space left on device", str(path))


def test_a_lever_is_pulled_on_a_full_disk_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Why it was is not kept there: that it was needs no space."""
    lever = Lever(tmp_path)
    monkeypatch.setattr(lever_file, "write_durably", fake_full_disk)
    lever.pull("an incident")
    with pytest.raises(BlackstartError, match="pulled"):
        lever.require_released()
    assert lever.release()
    lever.require_released()


def test_a_lever_that_could_not_be_pulled_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("no folder")
    lever = Lever(tmp_path / "state")
    with pytest.raises(BlackstartError, match=r"NOT pulled: .*a drill that runs goes on") as caught:
        lever.pull("an incident")
    assert "its dead-man undoes the fault" in str(caught.value.hint)
