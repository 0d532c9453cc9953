"""Lose a whole site at once.

With a PID namespace the kernel does it: when its first process dies, all others are killed, and it only
counts as ended when they are. Without one we kill over and over until none is left; the supervisor, to
which every orphan falls, is held still meanwhile and goes last.
"""

from __future__ import annotations

import signal
import time

from sites.capability import Proof
from sites.drivers.processes.record import SiteRecord, prove_gone
from sites.drivers.processes.table import Handle, entry, kill

_ROUND_SECONDS = 0.001


class Aim:
    """A site's life in our sights: everything slow was looked up beforehand."""

    def __init__(self, name: str, record: SiteRecord) -> None:
        self._name = name
        self.record = record
        alive = record.first() is not None
        self._first = Handle.grasp(record.pid, record.start_ticks) if alive else None

    def kill(self, limit_seconds: float) -> Proof:
        """SIGKILL everything; the proof says whether it was enough within the limit."""
        began = time.monotonic()
        if self.record.namespace is None:
            self._kill_family(began + limit_seconds)
        if self._first is not None:
            self._first.send(signal.SIGKILL)
            self._first.wait(began + limit_seconds - time.monotonic())
        proof = prove_gone(self._name, self.record)
        took = round((time.monotonic() - began) * 1000, 3)
        return Proof(proof.holds, proof.how, {**proof.detail, "kill_and_proof_ms": took})

    def close(self) -> None:
        if self._first is not None:
            self._first.close()

    def _kill_family(self, deadline: float) -> None:
        if self._first is not None:
            self._first.send(signal.SIGSTOP)
        while time.monotonic() < deadline:
            still = self._supervisor_is_still()
            family = self.record.family() or self.record.everyone()
            if still and not family:
                return
            for member in family:
                kill(member)
            time.sleep(_ROUND_SECONDS)

    def _supervisor_is_still(self) -> bool:
        """A stop takes effect a moment after it was sent; until then the supervisor may start something."""
        found = entry(self.record.pid)
        gone = found is None or not found.alive or found.start_ticks != self.record.start_ticks
        return gone or (found is not None and found.state in "Tt")
