"""A failover that outlasts its drill is seen to its end; whoever will not wait gets out at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest

from drills.deadman import DeadMan
from drills.fault import Fault
from drills.outlasting import STILL_RUNNING, Outlasting
from drills.recording import Recording
from drills.response import Response, still_running
from drills.undo import UndoIntents
from drills.undoing import Undoing
from sites.errors import BlackstartError
from sites.recovery.asking import Questions
from sites.recovery.runbook import Run
from tests.drills.test_guard import DeskEstate, an_estate
from tests.drills.test_rehearsal import FakeDeadMan, FakeFault, FakeRecording, undo_of
from tests.drills.test_response import Told

ROOT = Path(__file__).parents[2]


@pytest.fixture
def estate(tmp_path: Path) -> DeskEstate:
    (tmp_path / "secrets").mkdir()
    for name in ("blackstart", "replicator", "restic"):
        (tmp_path / "secrets" / name).write_text("secret")
        (tmp_path / "secrets" / name).chmod(0o600)
    return an_estate(tmp_path)


class Slow:
    """A failover in real life: it goes on until it is let end, whatever the drill does."""

    def __init__(self, estate: DeskEstate, monkeypatch: pytest.MonkeyPatch) -> None:
        self.end = threading.Event()
        self.why: BlackstartError | None = None
        self.response = Response(estate, cast(Recording, Told()))
        monkeypatch.setattr(self.response._responder, "stand_watch", self._fail_over)
        self.response._thread.start()
        assert not self.response.stop(0.01)

    def _fail_over(self, _stop: threading.Event) -> Run:
        assert self.end.wait(60)
        if self.why is not None:
            raise self.why
        return Run(("fence primary", "promote orders"), ())


@pytest.fixture
def slow(estate: DeskEstate, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    made = Slow(estate, monkeypatch)
    yield made
    made.end.set()


@pytest.mark.parametrize(
    ("why", "said"),
    [(None, "all 2 steps were done"), (BlackstartError("no quorum"), "the responder gave up: no quorum")],
)
def test_it_is_waited_for_and_then_the_fault_is_undone(
    estate: DeskEstate, slow: Slow, why: BlackstartError | None, said: str
) -> None:
    told: list[str] = []
    slow.why = why

    def tell(words: str) -> None:
        told.append(words)
        if words == STILL_RUNNING:
            threading.Timer(0.3, slow.end.set).start()

    UndoIntents(estate.state).write(undo_of(estate))
    outlasting, fault = Outlasting(estate, slow.response, tell), FakeFault(FakeRecording())
    outlasting.say()
    undoing = Undoing(estate, cast(DeadMan, FakeDeadMan()), tell)
    assert outlasting.see_out(undoing, cast(Fault, fault), undo_of(estate))
    assert slow.response.ended
    assert told[:3] == [STILL_RUNNING, f"The failover has ended: {said}", "Undone (reverted): it runs"]
    assert UndoIntents(estate.state).pending() == []


def test_what_it_asks_meanwhile_is_said(estate: DeskEstate, slow: Slow) -> None:
    """Nobody at this terminal would know otherwise what it waits for."""
    told: list[str] = []
    question = Questions(estate.state).ask("approve go", "Go?", 60.0)

    def tell(words: str) -> None:
        told.append(words)
        if "Go?" in words:
            Questions(estate.state).withdraw(question)
            slow.end.set()

    assert Outlasting(estate, slow.response, tell).wait()
    assert [words for words in told if "Go?" in words] == [told[1]]
    assert "`blackstart approve`" in told[1]


def test_who_interrupts_it_is_let_go_and_nothing_is_undone_beside_it(estate: DeskEstate, slow: Slow) -> None:
    told: list[str] = []

    def tell(words: str) -> None:
        told.append(words)
        if words == STILL_RUNNING:
            threading.Timer(0.3, os.kill, [os.getpid(), signal.SIGINT]).start()

    def see_out() -> bool:
        undoing = Undoing(estate, cast(DeadMan, FakeDeadMan()), tell)
        return Outlasting(estate, slow.response, tell).see_out(undoing, cast(Fault, fault), undo_of(estate))

    UndoIntents(estate.state).write(undo_of(estate))
    fault = FakeFault(FakeRecording())
    assert not see_out()
    assert not slow.response.ended
    assert still_running(), "who ends the process now has to know"
    assert told == [STILL_RUNNING]
    assert (fault.healings, len(UndoIntents(estate.state).pending())) == ([], 1)


def test_nothing_is_said_of_one_that_ended_in_time(estate: DeskEstate) -> None:
    fail: Callable[[str], None] = lambda words: pytest.fail(words)  # noqa: E731
    response = Response(estate, cast(Recording, Told()))
    assert response.stop(1.0)
    for one in (response, None):
        outlasting = Outlasting(estate, one, fail)
        outlasting.say()
        assert outlasting.wait()


LEAVES = """
import sys, threading
from concurrent.futures import ThreadPoolExecutor
from drills import response
from flows.terminal.leaving import leave

def fail_over():
    with ThreadPoolExecutor(1) as steps:
        steps.submit(threading.Event().wait, 100).result()

threading.Thread(target=fail_over, name=sys.argv[1], daemon=True).start()
print("left", flush=False)
leave(3)
"""


def test_the_process_does_not_stay_for_the_step_of_a_failover_that_was_left() -> None:
    """Python by itself waits for it."""
    argv = [sys.executable, "-c", LEAVES, "responder"]
    ended = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, timeout=50)
    assert (ended.returncode, ended.stdout) == (3, "left\n"), ended.stderr
    assert "`blackstart failover --resume` goes on with it" in ended.stderr
