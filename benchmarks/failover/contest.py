"""One round of one contender: break what serves, and see what the clients see."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from benchmarks.failover.clients import Clients, writing
from benchmarks.failover.lost import Host
from sites.drivers.processes.site import ProcessSite

Fault = Literal["silence", "freeze", "refusal", "switchover"]
FAULTS: tuple[Fault, ...] = ("silence", "freeze", "refusal", "switchover")
LIMIT_SECONDS = 120.0
THAWED_SECONDS = 5.0  # for so long the old primary is written to once its host is back


@dataclass(frozen=True)
class Stage:
    """Two servers that are up and in step. `act`: what somebody has to do once the fault is there."""

    site: ProcessSite
    host: Host
    old: int
    new: int
    password: str
    folder: Path
    act: Callable[[Fault], None]


class Contender(Protocol):
    name: str
    faults: tuple[Fault, ...]

    @property
    def setting(self) -> str:
        """What its figure has to be read with."""
        ...

    def stage(self, fault: Fault) -> AbstractContextManager[Stage]:
        """Ready for one round."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Round:
    """What one failover came to.

    `seconds`: from the fault, or from the last row at the old server, to the new one's first row; None where
    there was none for so long that nobody waited on.
    `after_thaw`: rows that the old server acknowledged once its host was back; None where it never is.
    """

    seconds: float | None
    lost: int
    acknowledged: int
    after_thaw: int | None
    row_ms: float
    load: float


def run(contender: Contender, fault: Fault) -> Round:
    with (
        contender.stage(fault) as stage,
        writing(stage.old, stage.new, stage.password, stage.folder) as clients,
    ):
        clients.wait_until_steady()
        row_ms, began_ns = clients.row_ms(), time.monotonic_ns()
        if fault == "refusal":
            assert stage.site.kill().holds
        elif fault == "freeze":
            assert stage.site.pause().holds
        elif fault == "silence":
            stage.host.cut()
        stage.act(fault)
        try:
            first = clients.first_row(began_ns, LIMIT_SECONDS)
        except TimeoutError:
            _back(stage, fault)
            return Round(None, 0, len(clients.rows(stage.old)), None, row_ms, os.getloadavg()[0])
        if fault == "switchover":
            before = [r.completed_ns for r in clients.rows(stage.old) if r.completed_ns < first.completed_ns]
            began_ns = max(before)
        thawed = _after_thaw(stage, fault, clients) if fault in ("silence", "freeze") else None
        lost, acknowledged = clients.lost()
        seconds = (first.completed_ns - began_ns) / 1e9
        return Round(seconds, lost, acknowledged, thawed, row_ms, os.getloadavg()[0])


def _back(stage: Stage, fault: Fault) -> None:
    if fault == "silence":
        stage.host.mend()
    elif fault == "freeze" and not stage.site.proven_gone().holds:
        assert stage.site.resume().holds


def _after_thaw(stage: Stage, fault: Fault, clients: Clients) -> int:
    """Rows that the old primary acknowledges when its host is back; none if nothing is left of it."""
    thawed_ns = time.monotonic_ns()
    _back(stage, fault)
    time.sleep(THAWED_SECONDS)
    return sum(row.completed_ns > thawed_ns for row in clients.rows(clients.old))
