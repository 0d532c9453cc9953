"""Make the network of a site of processes slow. Its relay is one more process of the site."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from sites.capability import Proof
from sites.drivers import relay
from sites.drivers.processes.readiness import TcpReady
from sites.drivers.processes.spec import ProcessSpec
from sites.drivers.slow import Slow
from sites.strikable import Slowness

RELAY = "blackstart-relay"
RELAY_PORT = 61984  # above those that the kernel gives out by itself

Launch = Callable[[str, ProcessSpec], None]


class Slowing:
    """`run` runs a program in the site's network; `launch` and `stop` are the site's own."""

    def __init__(
        self,
        site: str,
        address: str,
        run: Callable[[Sequence[str]], tuple[int, str]],
        launch: Launch,
        stop: Callable[[str], None],
    ) -> None:
        self._slow = Slow(f'site "{site}"', run)
        self._address = address
        self._launch = launch
        self._stop = stop

    def why_not(self, wanted: Slowness) -> str | None:
        return self._slow.why_not(wanted)

    def slow(self, wanted: Slowness) -> Proof:
        if wanted.latency_seconds:
            argv = (sys.executable, "-I", "-S", str(Path(relay.__file__)), str(RELAY_PORT))
            ready = TcpReady(f"{self._address}:{RELAY_PORT}")
            self._launch(RELAY, ProcessSpec((*argv, f"{wanted.latency_seconds / 2}"), ready=ready))
            self._slow.divert(RELAY_PORT)
        if wanted.loss_percent:
            self._slow.lose(wanted.loss_percent)
        if wanted.rate_bits:
            self._slow.limit(wanted.rate_bits)
        return self._slow.is_slow()

    def quicken(self) -> Proof:
        """The rules first: a connection that is sent to nobody would be refused."""
        self._slow.clear()
        self._stop(RELAY)
        proof = self._slow.is_slow()
        return Proof(not proof.holds, proof.how)

    def slowed(self) -> Proof:
        return self._slow.is_slow()
