"""`recover` undoes what it can, from disk alone, and says what it cannot: one trouble keeps nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from drills import deadman
from drills.fault import Healing, Left
from drills.faults.kill_site import KillSite
from drills.recover import recover_state, undo_pending
from drills.undo import UndoIntents, room_of
from sites.estate import Estate
from sites.fences import Fences
from tests.drills.small_drill import struck_now

RAN = {"postgres", "gateway"}


def test_an_intent_that_is_unreadable_keeps_no_other_from_its_undo(estate: Estate) -> None:
    struck_now(estate)
    foreign = estate.state / "undo" / "a-foreign-one.json"
    foreign.write_text("no intent of ours")
    undone, unreadable = recover_state(estate.state)
    assert (undone.ok, unreadable.ok) == (True, False)
    assert str(foreign) in unreadable.how
    assert "move the file aside" in unreadable.how
    assert set(estate.site("primary").running()) == RAN
    assert [found.ok for found in recover_state(estate.state)] == [False]
    foreign.unlink()
    assert recover_state(estate.state) == []


def broken(self: KillSite, left: Left) -> Healing:
    del self, left
    raise OSError(28, "No space left on device")


def test_an_undo_that_breaks_is_stuck_and_kept(estate: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it breaks with: by `recover`, and by the dead-man, who tries again."""
    struck_now(estate)
    monkeypatch.setattr(KillSite, "heal", broken)
    (found,) = undo_pending(estate.state)
    assert (found.ok, "No space left" in found.how) == (False, True)
    healing = deadman.act(estate.state, "a-run", 0)
    assert healing is not None
    assert (healing.undone, "No space left" in healing.how) == ("stuck", True)
    monkeypatch.undo()
    (found,) = undo_pending(estate.state)
    assert found.ok
    assert undo_pending(estate.state) == []


def test_what_was_kept_aside_for_nobody_is_removed(estate: Estate) -> None:
    """Of a drill that died before it wrote its intent; what belongs to an intent stays with it."""
    struck_now(estate)
    theirs, nobodys = room_of(estate.state, "a-run"), room_of(estate.state, "another-run")
    for room in (theirs, nobodys):
        room.mkdir(parents=True)
        (room / "kept").write_text("a copy")
    assert UndoIntents(estate.state).tidy() == ["another-run"]
    assert (theirs / "kept").exists()
    nobodys.mkdir()
    told = [(found.what, found.ok) for found in undo_pending(estate.state)]
    assert ("what was kept aside for run another-run", True) in told
    assert not list(theirs.parent.iterdir())
    assert undo_pending(estate.state) == []


def test_what_is_undone_is_what_lies_in_the_state_that_was_named(estate: Estate, tmp_path: Path) -> None:
    """Also where it was moved: what is kept aside is beside the intent."""
    struck_now(estate)
    moved = estate.state.rename(tmp_path / "moved")
    (moved / "faults" / "a-run").mkdir(parents=True)
    assert [found.ok for found in undo_pending(moved)] == [True]
    assert set(estate.site("primary").running()) == RAN
    assert not (moved / "faults" / "a-run").exists()


def test_a_fence_in_a_state_that_was_moved_stands(estate: Estate, tmp_path: Path) -> None:
    """The plan names the place where it was: nothing is there any more, and that lifts no fence."""
    struck_now(estate)
    Fences(estate.state).raise_("primary", "failover")
    moved = estate.state.rename(tmp_path / "moved")
    (found,) = undo_pending(moved)
    assert (found.ok, found.how.partition(":")[0]) == (True, "reverted, fenced")
    assert estate.site("primary").proven_gone().holds


def test_the_dead_man_heeds_the_fence_beside_the_intent(estate: Estate, tmp_path: Path) -> None:
    struck_now(estate)
    Fences(estate.state).raise_("primary", "failover")
    moved = estate.state.rename(tmp_path / "moved")
    healing = deadman.act(moved, "a-run", 0)
    assert healing is not None
    assert healing.undone == "reverted, fenced"
    assert estate.site("primary").proven_gone().holds


def test_a_fence_that_a_copy_of_the_state_lacks_stands_too(estate: Estate, tmp_path: Path) -> None:
    """One that was raised where the plan's state is, after the copy was made."""
    struck_now(estate)
    copied = Path(shutil.copytree(estate.state, tmp_path / "copied"))
    Fences(estate.state).raise_("primary", "failover")
    (found,) = undo_pending(copied)
    assert (found.ok, found.how.partition(":")[0]) == (True, "reverted, fenced")
    assert estate.site("primary").proven_gone().holds
    assert Fences(copied).why("primary") == "failover"
