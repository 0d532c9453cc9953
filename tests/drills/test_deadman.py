"""The dead-man, on a real site: it acts when the orchestrator is gone, silent or too slow, and else never."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import cast

import pytest

from drills import deadman
from drills.deadman import DeadMan, act, log_of, stand_by
from drills.fault import Healing
from drills.recording import Recording
from drills.undo import UndoIntents
from rto_rpo.evidence.keeping.run_folder import held
from rto_rpo.evidence.keeping.undone import undone_of
from rto_rpo.evidence.names import PLAN_NAME
from sites.drivers.processes.table import Handle
from sites.errors import BlackstartError, GuardError
from sites.estate import Estate
from sites.fences import Fences
from sites.recovery.under_way import journal_of
from tests.drills.small_drill import struck_now
from tests.sites.repositories import wait_until

RAN = {"postgres", "gateway"}


def folder_of(estate: Estate) -> Path:
    """The run's in the evidence, as far as the dead-man knows it."""
    folder = estate.state / "folder-of-the-run"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PLAN_NAME).touch()
    return folder


def dead_man_of(estate: Estate) -> DeadMan:
    return DeadMan(estate.state, "a-run", estate.state / "no-recorder", folder_of(estate), 600.0)


def die_in_mid_drill(estate: Estate) -> None:
    dead_man = dead_man_of(estate)
    dead_man.require()
    (estate.state / "dead-man").write_text(str(dead_man.pid))
    struck_now(estate)
    os.kill(os.getpid(), signal.SIGKILL)


def undone(estate: Estate) -> bool:
    return not UndoIntents(estate.state).pending()


def ended(pid: int) -> bool:
    handle = Handle.grasp(pid)
    if handle is None:
        return True
    handle.close()
    return False


def test_an_orchestrator_that_is_killed_leaves_no_fault_behind(estate: Estate) -> None:
    orchestrator = multiprocessing.get_context("fork").Process(target=die_in_mid_drill, args=[estate])
    orchestrator.start()
    pid_file = estate.state / "dead-man"
    wait_until(lambda: pid_file.exists() and pid_file.read_text(), 30)
    pid = int(pid_file.read_text())
    assert os.getsid(pid) == pid, "its session is its own, so no terminal takes it along"
    orchestrator.join(30)
    assert orchestrator.exitcode == -signal.SIGKILL
    wait_until(lambda: undone(estate), 30)
    assert set(estate.site("primary").running()) == RAN
    wait_until(lambda: ended(pid), 30)
    assert "the orchestrator is gone" in log_of(estate.state, "a-run").read_text()
    (outcome,) = undone_of(folder_of(estate))  # there is no recorder to tell
    assert (outcome.by, outcome.undone) == ("dead-man", "reverted")
    assert 'site "primary" runs again' in outcome.how


def test_the_folder_of_the_run_is_held_as_long_as_it_lives(estate: Estate) -> None:
    with dead_man_of(estate) as dead_man:
        dead_man.require()
        assert held(folder_of(estate))
        dead_man.stand_down()
    wait_until(lambda: ended(dead_man.pid), 30)
    assert not held(folder_of(estate))


def test_who_leaves_it_without_standing_down_finds_the_fault_undone(estate: Estate) -> None:
    with dead_man_of(estate) as dead_man:
        dead_man.require()
        struck_now(estate)
    assert undone(estate)
    assert [one.undone for one in undone_of(folder_of(estate))] == ["reverted"]


def test_one_that_stands_down_undoes_nothing(estate: Estate) -> None:
    with dead_man_of(estate) as dead_man:
        dead_man.require()
        struck_now(estate)
        dead_man.stand_down()
        wait_until(lambda: ended(dead_man.pid), 30)
    assert not undone(estate)
    assert estate.site("primary").running() == {}


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_one_that_died_or_stands_still_since_does_not_stand_by(
    estate: Estate, monkeypatch: pytest.MonkeyPatch, how: signal.Signals
) -> None:
    """That it did once is no evidence that it does now."""
    with dead_man_of(estate) as dead_man:
        dead_man.require()
        dead_man.require()  # it answers as often as it is asked
        os.kill(dead_man.pid, how)
        monkeypatch.setattr(deadman, "READY_SECONDS", 0.5)
        with pytest.raises(GuardError, match="no dead-man stands by"):
            dead_man.require()
        if how == signal.SIGSTOP:
            os.kill(dead_man.pid, signal.SIGCONT)
        dead_man.stand_down()


def test_one_that_was_never_asked_is_asked_once_it_counts(estate: Estate) -> None:
    with dead_man_of(estate) as dead_man:
        wait_until(lambda: held(folder_of(estate)), 30)
        os.kill(dead_man.pid, signal.SIGKILL)
        wait_until(lambda: ended(dead_man.pid), 30)
        with pytest.raises(GuardError, match="no dead-man stands by"):
            dead_man.require()
        with pytest.raises(BlackstartError, match=f"is gone .process {dead_man.pid}"):
            wait_until(lambda: dead_man.require_alive() or False, 30)


def test_an_orchestrator_that_died_before_it_read_the_answer_is_gone() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        ours.send(b"?")
        threading.Timer(0.05, ours.close).start()
        assert stand_by(theirs, 5, 600) == "the orchestrator is gone"


def test_another_intent_that_is_unreadable_keeps_none_from_its_undo(estate: Estate) -> None:
    with dead_man_of(estate) as dead_man:
        dead_man.require()
        struck_now(estate)
        (estate.state / "undo" / "a-foreign-one.json").write_text("no intent of ours")
    assert UndoIntents(estate.state).of("a-run") is None
    assert set(estate.site("primary").running()) == RAN


def test_silence_for_a_whole_lease_is_taken_for_death() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert "no sign of life for 0.05 s" in str(stand_by(theirs, 0.05, 600))


def test_a_drill_that_beats_for_ever_is_ended_all_the_same() -> None:
    ours, theirs = socket.socketpair()
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(0.005):
            ours.send(b".")

    with ours, theirs:
        beating = threading.Thread(target=beat)
        beating.start()
        try:
            assert "outlasted its longest duration of 0.1 s" in str(stand_by(theirs, 5, 0.1))
        finally:
            stop.set()
            beating.join()


def test_it_waits_for_a_failover_that_runs_and_undoes_then(estate: Estate) -> None:
    struck_now(estate)
    journal = journal_of(estate.state)
    threading.Timer(0.3, journal.close).start()
    healing = act(estate.state, "a-run", 30)
    assert healing is not None
    assert healing.undone == "reverted"
    assert set(estate.site("primary").running()) == RAN
    assert act(estate.state, "a-run", 30) is None, "what is undone is not undone again"


def test_what_stays_stuck_keeps_its_intent(estate: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadman, "_AGAIN_SECONDS", 0.01)
    struck_now(estate)
    with journal_of(estate.state):
        healing = act(estate.state, "a-run", 0.05)
    assert healing is not None
    assert healing.undone == "stuck"
    assert not undone(estate)


def test_what_somebody_else_undid_is_believed_once_it_is_seen(estate: Estate) -> None:
    """Not because the intent is gone: whoever took it away may have undone nothing."""
    undo = struck_now(estate)
    UndoIntents(estate.state).remove(undo)
    assert act(estate.state, "a-run", 0) is None
    healing = deadman.seen(estate.state, undo)
    assert (healing.undone, healing.known) == ("stuck", False)
    assert "not known: somebody else took the intent to undo away" in healing.how
    assert "not running again: gateway, postgres" in healing.how

    Fences(estate.state).raise_("primary", "a failover fenced it")
    healing = deadman.seen(estate.state, undo)
    assert (healing.undone, healing.known) == ("reverted, fenced", True)
    Fences(estate.state).lift("primary")

    estate.site("primary").up()
    healing = deadman.seen(estate.state, undo)
    assert (healing.undone, healing.known) == ("reverted", True)
    assert "that is seen: running again: gateway, postgres" in healing.how


@pytest.mark.parametrize("log", ["/dev/full", "/dev/null"])
def test_a_log_that_takes_nothing_keeps_it_from_no_undo(estate: Estate, log: str) -> None:
    """A full disk: it has to say why it acts, and acts where it cannot."""
    ours, theirs = socket.socketpair()
    told: list[object] = [theirs.fileno(), estate.state, "a-run", estate.state / "no-recorder"]
    told += [folder_of(estate), 10.0, 600.0, 5.0]
    argv = [sys.executable, "-m", "drills.deadman", *map(str, told)]
    with theirs, Path(log).open("w") as out:
        dead_man = subprocess.Popen(
            argv, stdout=out, stderr=out, cwd=Path(__file__).parents[2], pass_fds=[theirs.fileno()]
        )
    with ours:
        ours.send(b"?")
        assert ours.recv(1) == b"r"
        struck_now(estate)
    assert dead_man.wait(30) == 0
    assert undone(estate)
    assert set(estate.site("primary").running()) == RAN
    assert [one.undone for one in undone_of(folder_of(estate))] == ["reverted"]


class Told:
    """A recorder's ledger, as far as the dead-man tells it."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, object]]] = []

    def event(self, name: str, *, detail: dict[str, object]) -> None:
        self.events.append((name, detail))

    def finish(self, reason: str) -> None:
        assert reason == "aborted"


@pytest.mark.parametrize(("known", "verdict"), [(True, "missed"), (False, "inconclusive")])
def test_what_nobody_knows_is_not_told_as_healed(*, known: bool, verdict: str) -> None:
    told = Told()
    assert deadman._tell(cast(Recording, told), Healing("stuck", "as it is", known))
    assert [name for name, _ in told.events] == ["undo", "check"]
    assert told.events[1][1]["verdict"] == verdict
