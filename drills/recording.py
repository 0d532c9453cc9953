"""The orchestrator's side of the recorder: start it, hand it events, ask it, finish it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drills.recorder.config import LOG_NAME, SOCKET_NAME, RecorderConfig
from sites.drivers import command
from sites.errors import BlackstartError

_ROOT = Path(__file__).resolve().parents[1]
_ANSWER_SECONDS = 10.0
_POLL_SECONDS = 0.02


class RecorderError(BlackstartError):
    """The recorder did not start, or does not answer any more. It may still be writing."""


class RecorderRefusal(BlackstartError):
    """The recorder is well and said no."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """Where an event stands in the ledger, on the recorder's clock."""

    seq: int
    ns: int


@dataclass(frozen=True, slots=True)
class RecorderState:
    """What the recorder knows now. Counters are of the clients' streams.

    `old_primary_answered`: how many writes the old primary's own server took, or refused by itself.
    `old_primary_oldest_ns`: when the oldest write to it was sent of which nothing has been heard yet.
    """

    phase: str
    steady: bool
    steady_seconds: float
    stable: bool
    served_seconds: float
    operations: int
    acknowledged: int
    late_ns: int | None
    lag_max_seconds: float
    deadline_passed: bool
    old_primary_answered: int = 0
    old_primary_oldest_ns: int | None = None


@dataclass(frozen=True, slots=True)
class ClosedLedger:
    sha256: str
    records: int


class Recording:
    """A running recorder. Safe for threads: the drill and the responder share it."""

    def __init__(self, path: Path, peer: socket.socket, room: Path | None) -> None:
        self.path = path
        self.pid = 0
        self._peer = peer
        self._lines = peer.makefile("rb")
        self._room = room
        self._lock = threading.Lock()

    @classmethod
    def attach(cls, path: Path, *, room: Path | None = None) -> Recording:
        """Become the orchestrator of the recorder at socket `path`. Raises OSError, RecorderError."""
        recording = cls(path, _connected(path), room)
        recording.pid = recording._ask({"do": "attach"})["pid"]
        return recording

    @classmethod
    def join(cls, path: Path) -> Recording:
        """Talk to the recorder at socket `path` without becoming its orchestrator. Raises OSError."""
        return cls(path, _connected(path), None)

    def event(
        self,
        name: str,
        *,
        source: str = "drill",
        detail: dict[str, Any] | None = None,
        sync: bool = False,
    ) -> Stamp:
        """Record an event, stamped on receipt; with `sync` it is on disk on return.

        Raises RecorderRefusal, RecorderError.
        """
        reply = self._ask({"event": name, "source": source, "detail": detail or {}, "sync": sync})
        return Stamp(reply["seq"], reply["ns"])

    def state(self) -> RecorderState:
        return RecorderState(**self._ask({"ask": "state"}))

    def freeze(self) -> int:
        """Fix `late` for good. Returns it in ns. Raises RecorderRefusal while the service is not steady."""
        return int(self._ask({"do": "freeze"})["late_ns"])

    def wait_until(self, condition: Callable[[RecorderState], bool], limit_seconds: float) -> RecorderState:
        """Ask until `condition` holds or time is up; the caller looks which. Raises RecorderError."""
        deadline = time.monotonic() + limit_seconds
        while not condition(state := self.state()) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        return state

    def stop(self, *, limit_seconds: float = 60.0) -> None:
        """Let it send nothing more and settle what it sent; events are still taken. Raises RecorderError."""
        self._ask({"do": "stop"}, limit_seconds)

    def stop_old_primary(self, *, limit_seconds: float = 60.0) -> None:
        """Let it send no more to the old primary, and settle what it sent there. Raises RecorderError."""
        self._ask({"do": "stop old primary"}, limit_seconds)

    def verify(self, *, limit_seconds: float = 180.0) -> None:
        """Let it stop and read everything back; events are still taken. Raises RecorderError."""
        self._ask({"do": "verify"}, limit_seconds)

    def finish(self, reason: str, *, limit_seconds: float = 180.0) -> ClosedLedger:
        """Let it read back, if it has not, and close. Raises RecorderError.

        `reason`: stable, deadline or aborted.
        """
        reply = self._ask({"do": "finish", "reason": reason}, limit_seconds)
        self.detach()
        if self._room is not None:
            shutil.rmtree(self._room, ignore_errors=True)
        return ClosedLedger(reply["sha256"], reply["records"])

    def detach(self) -> None:
        """Let go of it. Before `finish` this leaves it to close the ledger alone, as orphaned."""
        self._lines.close()
        self._peer.close()

    def _ask(self, request: dict[str, Any], limit_seconds: float = _ANSWER_SECONDS) -> dict[str, Any]:
        line = json.dumps(request, default=str).encode() + b"\n"
        with self._lock:
            try:
                self._peer.settimeout(limit_seconds)
                self._peer.sendall(line)
                answer = self._lines.readline()
            except OSError as error:
                self.detach()  # a late answer would be taken for the next one's
                raise RecorderError(f"the recorder does not answer: {error or 'time is up'}") from error
        if not answer.endswith(b"\n"):
            said = _last_words(self._room)
            raise RecorderError("the recorder is gone, its ledger cut off" + (f": {said}" if said else ""))
        reply: dict[str, Any] = json.loads(answer)
        if "error" in reply:
            asked = request.get("event") or request.get("do") or "the request"
            raise RecorderRefusal(f"the recorder refused {asked!r}: {reply['error']}")
        return reply


def start(config: RecorderConfig, *, limit_seconds: float = 20.0, held: int | None = None) -> Recording:
    """Start a recorder that outlives us, and attach to it. Raises RecorderError with what it said.

    `held` is our hold on the run's folder, which it inherits: else, were we killed before it has its own, the
    run would look given up, be closed, and be written to afterwards.
    """
    room = Path(tempfile.mkdtemp(prefix="blackstart-"))
    told = room / "config.json"
    told.write_text(config.model_dump_json(), encoding="utf-8")
    pid = command.spawn(
        [sys.executable, "-m", "drills.recorder", told],
        stdout=room / LOG_NAME,
        env={"PYTHONPATH": f"{_ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}".rstrip(os.pathsep)},
        cwd=Path("/"),
        pass_fds=[] if held is None else [held],
    )
    deadline = time.monotonic() + limit_seconds
    while True:
        try:
            recording = Recording.attach(room / SOCKET_NAME, room=room)
        except OSError as error:
            if _alive(pid) and time.monotonic() < deadline:
                time.sleep(_POLL_SECONDS)
                continue
            _kill(pid)
            said = _last_words(room) or error
            shutil.rmtree(room, ignore_errors=True)
            raise RecorderError(f"the recorder did not start: {said}") from error
        else:
            told.unlink()
            return recording


def _connected(path: Path) -> socket.socket:
    """Raises OSError."""
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        peer.connect(str(path))
    except OSError:
        peer.close()
        raise
    return peer


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _last_words(room: Path | None) -> str:
    """The end of what the recorder wrote to its log."""
    try:
        text = (room / LOG_NAME).read_text(encoding="utf-8", errors="replace") if room else ""
    except OSError:
        return ""
    return " | ".join(text.strip().splitlines()[-3:])
