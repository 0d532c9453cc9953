"""The drill's own orchestrator dies in the middle of it: what stands by must do the rest."""

from __future__ import annotations

import os
import signal
import threading

from drills.fault import Healing, Left
from drills.faults.kill_site import KillSite
from sites.capability import Proof
from sites.estate import Estate
from sites.plan.faults import KillOrchestrator as Noun


class KillOrchestrator(KillSite):
    """Whoever injects it kills himself later. Whoever heals is another process, or was quicker than that."""

    def __init__(self, estate: Estate, noun: Noun) -> None:
        super().__init__(estate, noun.site)
        self._later_seconds = noun.later.seconds
        self._timer: threading.Timer | None = None

    def inject(self, left: Left) -> Proof:
        proof = super().inject(left)
        self._timer = threading.Timer(self._later_seconds, os.kill, (os.getpid(), signal.SIGKILL))
        self._timer.daemon = True
        self._timer.start()
        how = f"{proof.how}; the orchestrator is killed {self._later_seconds:g} s after"
        return Proof(proof.holds, how, proof.detail)

    def heal(self, left: Left) -> Healing:
        if self._timer is not None:
            self._timer.cancel()
        return super().heal(left)

    def expected(self) -> str:
        return f"{super().expected()}; this process is killed, and its dead-man and the recorder do the rest"
