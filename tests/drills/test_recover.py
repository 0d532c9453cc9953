"""`recover` undoes what it can, from disk alone, and says what it cannot: one trouble keeps nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import cast

import pytest

from drills import deadman
from drills.copies import Copies
from drills.fault import Healing, Left
from drills.faults import second_writer
from drills.faults.kill_site import KillSite
from drills.recover import recover_state, undo_pending
from drills.undo import UndoIntents, room_of
from sites.capability import Promotable
from sites.estate import Estate
from sites.fences import Fences
from sites.recovery.under_way import journal_of
from tests.drills.read_only import only_root, run_read_only
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


RECOVERED = """
import sys
from pathlib import Path
from drills.recover import undo_pending
print(*(f"{found.ok}: {found.how}" for found in undo_pending(Path(sys.argv[1]))), sep="\\n")
"""
ACTED = """
import sys
from pathlib import Path
from drills import deadman
from drills.copies import Copies
print(deadman.act(Path(sys.argv[1]), "a-run", 0))
"""


@only_root
@pytest.mark.parametrize("put_away", [False, True], ids=["a journal", "none"])
def test_a_state_that_is_read_only_keeps_nothing_from_its_undo(estate: Estate, *, put_away: bool) -> None:
    """By `recover`, which tells that the intent is still there, and by the dead-man."""
    struck_now(estate)
    with journal_of(estate.state) as journal:
        if put_away:
            journal.path.unlink()
    (estate.state / "drill.lock").touch()
    told = run_read_only(estate.state, RECOVERED)
    assert set(estate.site("primary").running()) == RAN
    assert told.startswith('False: reverted: site "primary" runs again')
    assert "the intent stays on disk (Read-only file system)" in told
    assert "`blackstart recover` takes it away once that folder can be written" in told
    estate.site("primary").kill()
    assert "undone='reverted'" in run_read_only(estate.state, ACTED)
    assert set(estate.site("primary").running()) == RAN
    assert [found.ok for found in undo_pending(estate.state)] == [True]


@only_root
def test_a_read_only_state_that_cannot_be_locked_is_told(estate: Estate) -> None:
    """Nobody knows then who else is at work, so nothing is touched."""
    struck_now(estate)
    told = run_read_only(estate.state, RECOVERED)
    assert told.startswith("False: not undone: cannot lock ")
    assert "drill.lock: Read-only file system" in told
    assert "make that folder writable" in told
    assert estate.site("primary").running() == {}


def test_a_lock_that_cannot_be_had_is_told_of(estate: Estate) -> None:
    """Whatever keeps it from being opened: here a folder in its place."""
    struck_now(estate)
    (estate.state / "failover" / "journal.jsonl.lock").mkdir(parents=True)
    (found,) = undo_pending(estate.state)
    assert not found.ok
    assert found.how.startswith("not undone: cannot lock ")
    healing = deadman.act(estate.state, "a-run", 0)
    assert healing is not None
    assert healing.how.startswith("cannot lock ")


class FakeSilent:
    """A copy that answers nothing."""

    def writable(self, site: str) -> bool | None:
        del site


def test_a_site_that_stays_silent_is_told_with_the_way_out(
    estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`recover` never takes silence for the worst: so it says what a person can do."""
    both = {"orders": Copies(cast(Promotable, FakeSilent()), frozenset({"primary", "dr"}))}
    monkeypatch.setattr(second_writer, "copies", lambda _: both)
    struck_now(estate)
    (found,) = undo_pending(estate.state)
    assert (found.ok, estate.site("primary").running()) == (False, {})
    assert "cannot be asked whether it took over" in found.how
    assert "once it answers, recover again" in found.how
    assert f"move {estate.state / 'undo' / 'a-run.json'} aside" in found.how
