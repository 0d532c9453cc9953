"""A dead-man for each fault: it undoes when nobody else does.

A process in a session of its own, which survives the orchestrator and its terminal. The two are joined by a
socket: a beat says that the orchestrator lives, its end that it is gone; a question is answered by whoever
lives at the other end. When the orchestrator is gone, when no beat came for a whole lease, or when the drill
has outlasted its longest duration, the fault is undone from disk alone.

    python -m drills.deadman FD STATE RUN RECORDER FOLDER LEASE_SECONDS LONGEST_SECONDS PATIENCE_SECONDS
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from drills.fault import Healing, in_words, undone
from drills.faults import fault_of
from drills.faults.struck import struck_sites
from drills.recording import RecorderError, RecorderRefusal, Recording
from drills.undo import Undo, UndoIntents, left_of, plan_of
from rto_rpo.durable import make_folder
from rto_rpo.evidence import EvidenceError
from rto_rpo.evidence.keeping.run_folder import hold
from rto_rpo.evidence.keeping.undone import add_undone, undone_now
from sites.capability import Proof
from sites.drivers import command
from sites.errors import BlackstartError, GuardError
from sites.estate import Estate
from sites.fences import Fences
from sites.recovery.under_way import journal_of

LEASE_SECONDS = 10.0
PATIENCE_SECONDS = 60.0
READY_SECONDS = 30.0
_BEAT_SECONDS = 1.0
_AGAIN_SECONDS = 0.25
_READY, _BEAT, _ASK, _STAND_DOWN = b"r", b".", b"?", b"x"
_ROOT = Path(__file__).resolve().parents[1]


class DeadMan:
    """The orchestrator's side. Leaving it without `stand_down` lets it act at once, and waits for that."""

    def __init__(self, state: Path, run: str, recorder: Path, folder: Path, longest_seconds: float) -> None:
        """`recorder` is its socket, `folder` the run's in the evidence: it holds that as long as it lives."""
        ours, theirs = socket.socketpair()
        make_folder(state / "deadman")
        told: list[object] = [theirs.fileno(), state, run, recorder, folder]
        told += [LEASE_SECONDS, longest_seconds, PATIENCE_SECONDS]
        with theirs:
            self.pid = command.spawn(
                [sys.executable, "-m", "drills.deadman", *map(str, told)],
                stdout=log_of(state, run),
                env={
                    "PYTHONPATH": f"{_ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}".rstrip(os.pathsep)
                },
                cwd=Path("/"),
                pass_fds=[theirs.fileno()],
            )
        self._line = ours
        self._gone = threading.Event()
        threading.Thread(target=self._beat, name="dead-man", daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._gone.set()
        self._let_it_act()
        self._line.close()

    def require(self) -> None:
        """Return once it says that it stands by: asked now, for it may have said so and died since.

        Raises GuardError when it does not.
        """
        self._line.settimeout(READY_SECONDS)
        try:
            self._line.send(_ASK)
            stands = self._line.recv(1) == _READY
        except OSError:
            stands = False
        if not stands:
            raise GuardError("no dead-man stands by to undo the fault, so nothing was injected")

    def require_alive(self) -> None:
        """Raises BlackstartError once it is known to be gone: what is in force would be nobody's to undo."""
        if self._gone.is_set():
            raise BlackstartError(
                f"the dead-man that stands by to undo the fault is gone (process {self.pid})"
            )

    def stand_down(self) -> None:
        """Nothing is left to undo."""
        self._send(_STAND_DOWN)

    def _let_it_act(self) -> None:
        """Return once it has ended: what it undid has to be in the evidence before the run is closed."""
        with contextlib.suppress(OSError):  # gone already, or beyond all its patience
            self._line.settimeout(PATIENCE_SECONDS + READY_SECONDS)
            self._line.shutdown(socket.SHUT_WR)
            while self._line.recv(1):
                pass

    def _beat(self) -> None:
        while not self._gone.wait(_BEAT_SECONDS):
            self._send(_BEAT)

    def _send(self, word: bytes) -> None:
        try:
            self._line.send(word)
        except OSError:
            self._gone.set()  # it has acted, or is gone: then `recover` is what is left


def log_of(state: Path, run: str) -> Path:
    """What the dead-man of a run has to say."""
    return state / "deadman" / f"{run}.log"


def stand_by(line: socket.socket, lease_seconds: float, longest_seconds: float) -> str | None:
    """Wait for a reason to act; None if there will be none."""
    deadline = time.monotonic() + longest_seconds
    poll = select.poll()
    poll.register(line, select.POLLIN)
    while (left_seconds := deadline - time.monotonic()) > 0:
        if not poll.poll(min(lease_seconds, left_seconds) * 1000):
            if time.monotonic() < deadline:
                return f"the orchestrator gave no sign of life for {lease_seconds:g} s"
            continue
        heard = _heard(line)
        if _STAND_DOWN in heard:
            return None
        if not heard:
            return "the orchestrator is gone"
    return f"the drill outlasted its longest duration of {longest_seconds:g} s"


def _heard(line: socket.socket) -> bytes:
    """What came, its questions answered; nothing once nobody is there, be it over an answer never read."""
    try:
        heard = line.recv(4096)
        if asked := heard.count(_ASK):
            line.send(_READY * asked)
    except OSError:
        return b""
    return heard


def act(state: Path, run: str, patience_seconds: float) -> Healing | None:
    """Undo what the run left, again and again until it is undone; None if nothing was left."""
    deadline = time.monotonic() + patience_seconds
    while True:
        last = time.monotonic() >= deadline
        pending = UndoIntents(state).of(run)
        if pending is None:
            return None
        healing = UndoIntents(state).carried_out(pending, _undone(state, pending, last=last))
        if healing.undone != "stuck" or last:
            return healing
        time.sleep(_AGAIN_SECONDS)


def _undone(state: Path, undo: Undo, *, last: bool) -> Healing:
    """One try. Whoever else would undo, or fail over, is kept out meanwhile, or keeps us out."""
    try:
        plan = plan_of(undo, state)
        with journal_of(state):
            fault = fault_of(Estate(plan), plan.drills[undo.drill])
            return undone(fault, left_of(undo, state, last=last))
    except Exception as error:  # noqa: BLE001 - it is tried again, and in the end said and kept
        return Healing("stuck", in_words(error))


def seen(state: Path, undo: Undo) -> Healing:
    """Of a fault whose intent somebody else took away: what can be seen of it now. Changes nothing."""
    try:
        plan = plan_of(undo, state)
        estate, drill = Estate(plan), plan.drills[undo.drill]
        proof = fault_of(estate, drill).healed(left_of(undo, state))
        if proof.holds:
            return Healing("reverted", f"somebody else undid it, and that is seen: {proof.how}")
        sites = sorted(struck_sites(estate, drill.fault))
        down = {site: estate.site(site).proven_gone() for site in sites if Fences(state).raised(site)}
    except BlackstartError as error:
        proof, down = Proof(False, str(error)), {}
    if down and all(gone.holds for gone in down.values()):
        told = "; ".join(f'site "{site}" is fenced and down: {gone.how}' for site, gone in down.items())
        return Healing("reverted, fenced", f"somebody else undid it, and that is seen: {told}")
    lost = "not known: somebody else took the intent to undo away, and that the fault is gone is not seen"
    return Healing("stuck", f"{lost}: {proof.how}", known=False)


def _to_the_ledger(recorder: Path, why: str) -> Recording | None:
    """The recorder, told to send nothing more: what an undo brings back is no recovery. None if gone."""
    try:
        told = Recording.join(recorder)
        told.stop()
        told.event("aborted", detail={"reason": why})
    except (OSError, RecorderError, RecorderRefusal):
        return None
    return told


def _tell(told: Recording | None, healing: Healing) -> bool:
    """Whether the ledger has it now."""
    detail: dict[str, object] = {"undone": healing.undone, "how": healing.how, "by": "dead-man"}
    if told is None:
        return False
    try:
        told.event("undo", detail=detail)
        if healing.undone == "stuck":
            verdict = "missed" if healing.known else "inconclusive"
            told.event("check", detail={"name": "undo", "verdict": verdict, "reason": healing.how})
        else:
            told.event("healed", detail={"how": healing.how})
        told.finish("aborted")
    except (RecorderError, RecorderRefusal):
        return False
    return True


def _keep(state: Path, undo: Undo, folder: Path, healing: Healing) -> None:
    """Beside the ledger that could not be told; in the chain where the drill did not wait so long."""
    try:
        add_undone(folder, undone_now("dead-man", healing.undone, healing.how))
    except (EvidenceError, OSError) as error:
        _say(f"not beside the ledger: {error}")
        _keep_in_the_chain(state, undo, healing)


def _keep_in_the_chain(state: Path, undo: Undo, healing: Healing) -> None:
    from drills.outcome import keep_outcome  # with it come the reports, and standing by is asked for soon

    try:
        keep_outcome(plan_of(undo, state), undo, healing, "dead-man")
    except (BlackstartError, OSError) as error:
        _say(f"not in the evidence: {error}")


def _hold(folder: Path) -> None:
    """Nobody takes the run for given up while this lives."""
    try:
        hold(folder)
    except OSError as error:
        _say(f"cannot hold {folder}: {error}")


def _say(line: str) -> None:
    """Into its log. A disk that is full, or gone, takes the word and must not take the undo with it."""
    with contextlib.suppress(OSError):
        os.write(sys.stdout.fileno(), f"{line}\n".encode())


def main() -> None:
    fd, state, run, recorder, folder, lease, longest, patience = sys.argv[1:]
    _hold(Path(folder))
    with socket.socket(fileno=int(fd)) as line:  # open to the end: its closing says that all is done
        why = stand_by(line, float(lease), float(longest))
        left = UndoIntents(Path(state)).of(run)
        if why is not None and left is not None:
            _act(Path(state), left, Path(recorder), Path(folder), float(patience), why)


def _act(state: Path, left: Undo, recorder: Path, folder: Path, patience_seconds: float, why: str) -> None:
    _say(f"dead-man of run {left.run}: {why}")
    told = _to_the_ledger(recorder, f"{why}; its dead-man undoes the fault")
    healing = act(state, left.run, patience_seconds) or seen(state, left)
    _say(f"{healing.undone}: {healing.how}")
    if not _tell(told, healing):
        _keep(state, left, folder, healing)


if __name__ == "__main__":
    main()
