"""Our side of the server that goes wrong as it is told: start it, plant, and hear what was true."""

from __future__ import annotations

import json
import math
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from drills.calibration.case import Case, Truth
from drills.calibration.timing import within
from sites.drivers import command
from sites.errors import BlackstartError

_ROOT = Path(__file__).resolve().parents[2]
_START_SECONDS = 15.0
_ANSWER_SECONDS = 10.0
_POLL_SECONDS = 0.01


class Planter:
    """A connection to the server. Raises BlackstartError where it does not answer, by `deadline` at last."""

    def __init__(self, peer: socket.socket, deadline: float = math.inf) -> None:
        self._peer = peer
        self._deadline = deadline
        self._lines = peer.makefile("rb")
        self.port = int(self._hear(_ANSWER_SECONDS)["port"])

    def plant(self, way: str, count: int, stream: str) -> None:
        self._say({"do": "plant", "way": way, "count": count, "stream": stream})
        self._hear(_ANSWER_SECONDS)

    def begin_outage(self, case: Case) -> None:
        """Return once nothing is served any more."""
        self._say({"do": "outage", "kind": case.kind, "length_ns": case.length_ns})
        self._hear(_ANSWER_SECONDS)

    def end_of_outage(self, case: Case) -> dict[str, Any]:
        """When it began and ended, once it has ended."""
        return self._hear(_ANSWER_SECONDS + case.length_ns / 1e9)

    def wait_until_planted(self) -> None:
        """Return once every write that was to go wrong has."""
        deadline = time.monotonic() + within(_ANSWER_SECONDS, self._deadline)
        while self._planted()["waiting"]:
            if time.monotonic() > deadline:
                raise BlackstartError("the calibration server was not sent what it was to spoil")
            time.sleep(_POLL_SECONDS)

    def truth(self, stamps: dict[str, Any]) -> Truth:
        told = self._planted()
        found = {way: frozenset(map(_number, names)) for way, names in told["planted"].items()}
        begun, ended = stamps["begun_ns"], stamps["ended_ns"]
        held_up = tuple((start, stop) for start, stop in told["held_up"])
        return Truth((begun[0], begun[1]), (ended[0], ended[1]), **found, held_up=held_up)

    def close(self) -> None:
        self._lines.close()
        self._peer.close()

    def _planted(self) -> dict[str, Any]:
        self._say({"ask": "planted"})
        return self._hear(_ANSWER_SECONDS)

    def _say(self, request: dict[str, Any]) -> None:
        self._peer.sendall(json.dumps(request).encode() + b"\n")

    def _hear(self, limit_seconds: float) -> dict[str, Any]:
        self._peer.settimeout(within(limit_seconds, self._deadline))
        try:
            answer: dict[str, Any] = json.loads(self._lines.readline())
        except (OSError, ValueError) as error:
            raise BlackstartError(f"the calibration server does not answer: {error}") from error
        if "error" in answer:
            raise BlackstartError(f"the calibration server refused: {answer['error']}")
        return answer


@contextmanager
def planter(room: Path, deadline: float = math.inf) -> Iterator[Planter]:
    """A server of its own in `room`, gone afterwards. Raises BlackstartError if it does not start."""
    path, log = room / "server.socket", room / "server.log"
    path.unlink(missing_ok=True)
    command.spawn(
        [sys.executable, "-m", "drills.calibration.server", path],
        stdout=log,
        env={"PYTHONPATH": f"{_ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}".rstrip(os.pathsep)},
        cwd=Path("/"),
    )
    opened = Planter(_connect(path, log, within(_START_SECONDS, deadline)), deadline)
    try:
        yield opened
    finally:
        opened.close()


def _connect(path: Path, log: Path, limit_seconds: float) -> socket.socket:
    deadline = time.monotonic() + limit_seconds
    while True:
        peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            peer.connect(str(path))
        except OSError as error:
            peer.close()
            if time.monotonic() > deadline:
                said = " | ".join(log.read_text(errors="replace").splitlines()[-3:])
                raise BlackstartError(f"the calibration server did not start: {said or error}") from error
            time.sleep(_POLL_SECONDS)
        else:
            return peer


def _number(name: str) -> int:
    return int(name.rsplit("-", 1)[1])
