"""After a drill that moved the service: back to where it serves in normal times, where the plan says so.

It is the failback that follows a real disaster, with its journal: one that is cut off is gone on with by
`blackstart failback --resume`. The instrument has read everything back before, so nothing here is measured.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial

from drills.fault import Healing
from drills.lever import Lever
from drills.recording import Recording
from rto_rpo.answering import FAILBACK
from sites.errors import BlackstartError
from sites.estate import Estate
from sites.plan import Drill
from sites.recovery import failback
from sites.recovery.direction import declared_failover
from sites.recovery.injection import Moment
from sites.recovery.runbook import Run
from sites.recovery.standing import Standing

Ended = tuple[str, str]


def fail_back(estate: Estate, drill: Drill, tell: Callable[[str], None]) -> Ended:
    """Bring the service back; the verdict of it, and why. What could not be tried is *inconclusive*."""
    try:
        stands = Standing(estate.state).now
        if stands != "failed over":
            return "inconclusive", f'nothing was failed over, so nothing was brought back: "{stands}"'
        tell("Failing back: the lost site becomes a standby, then it serves again")
        began = time.monotonic()
        failover = declared_failover(estate)
        home, away = failover.from_site, failover.to_site
        tables = failback.failback(estate, lambda *_: None)
        leave = UntilItMoves(Lever(estate.state), tables)
        run = failback.perform(
            estate.state,
            tables,
            lambda *_: None,
            ready=partial(failback.check_writer, estate, away, home),
            resume=False,
            at=leave,
        )
        if leave.refused is not None and not run.complete:
            return "inconclusive", f"{leave.refused}, so the service stays where it is ({run.way_out})"
        return _ended(estate, drill, run, home, time.monotonic() - began)
    except BlackstartError as error:
        return "missed", f"it could not be brought back: {error}" + (f" ({error.hint})" if error.hint else "")


class UntilItMoves:
    """Asks the stop lever before each step of a failback, up to the first that takes the service away.

    From there on its end is the shortest way back to a service.
    """

    def __init__(self, lever: Lever, tables: failback.Tables) -> None:
        self._lever = lever
        self._moving = {step.name for step in tables.then}
        self._moves = False
        self._lock = threading.Lock()  # steps begin side by side: all of those that move it, or none
        self.refused: str | None = None

    def __call__(self, step: str, moment: Moment) -> None:
        """Raises BlackstartError where no step is to begin any more."""
        with self._lock:
            if moment != "begin" or self._moves:
                return
            try:
                self._lever.require_released()
            except BlackstartError as error:
                self.refused = str(error)
                raise
            self._moves = step in self._moving


def no_way_back(reason: str, healing: Healing, broken_off: BaseException | None, lever: Lever) -> str | None:
    """Why nothing is to be moved now. What is not undone yet may be undone beside a failback."""
    if broken_off is not None:
        return "the drill was broken off"
    if healing.undone == "stuck":
        return "the fault was not undone"
    if reason != "stable":
        return "the service was not stable"
    why = lever.pulled
    return None if why is None else f"the stop lever was pulled: {why}"


def given_up(healing: Healing) -> str:
    """What became of the old primary when nothing else served."""
    match healing.undone:
        case "reverted" | "target_gone":
            return f"no other site was promoted, and the fault was undone: {healing.how}"
        case "stuck":
            return f"and the fault could not be undone: {healing.how}"
        case _:
            return f"and the old primary does not return: {healing.how}"


def record(recording: Recording, ended: Ended) -> None:
    verdict, reason = ended
    recording.event("check", detail={"name": FAILBACK, "verdict": verdict, "reason": reason})


def _ended(estate: Estate, drill: Drill, run: Run, home: str, took_seconds: float) -> Ended:
    if not run.complete:
        failed = "; ".join(f'"{step}": {error}' for step, error in run.failed.items())
        return "missed", f"it stopped at {failed} ({run.way_out})"
    for name, driver in estate.replicated().items():
        if driver.writable(home) is not True:
            return "missed", f'every step was done, but dataset "{name}" takes no writes at site "{home}"'
        proof = driver.in_sync()
        if not proof.holds:
            return "missed", f'every step was done, but dataset "{name}" is not in sync: {proof.how}'
    took = f'in {took_seconds:.1f} s, and site "{home}" serves again'
    steps = len(run.completed) + len(run.skipped)
    if took_seconds > drill.back_within.seconds:
        return "missed", f"all {steps} steps were done {took}, but declared were {drill.back_within}"
    return "met", f"all {steps} steps were done {took}"
