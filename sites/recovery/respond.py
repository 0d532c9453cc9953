"""Detect, decide, fail over: what stands watch in earnest and what a drill exercises, the same code."""

from __future__ import annotations

import threading
from pathlib import Path

from sites.drivers.http.check import check
from sites.errors import GuardError, RunbookError
from sites.estate import Estate
from sites.plan import Failover as Declared
from sites.recovery.cold import runbook
from sites.recovery.injection import Hook, nothing
from sites.recovery.journal import Journal
from sites.recovery.runbook import Engine, Observer, Run, Step
from sites.recovery.sentinel import Sign, Thresholds, watch
from sites.recovery.standing import Standing

_SIGNS: dict[str, Sign] = {"good": "good", "bad": "refused", "refused": "refused", "silent": "silent"}


class Responder:
    """Watches an estate's services through their clients' address and fails over once they are gone.

    Everything that can be prepared is prepared before the outage. It knows nothing of drills.
    `cold`: no replica is trusted, everything comes from backups.
    """

    def __init__(self, estate: Estate, observe: Observer, *, cold: bool = False) -> None:
        self._estate = estate
        self._observe = observe
        self._steps = runbook(estate, observe, cold=cold)
        self._urls = watched(estate)

    def stand_watch(self, stop: threading.Event) -> Run | None:
        """Watch until an outage is declared and the failover has ended, or until `stop` (None)."""
        detect = declared_failover(self._estate).detect
        thresholds = Thresholds(detect.every.seconds, detect.refused, detect.silent)
        declaration = watch(lambda: self._sign(detect.limit.seconds), thresholds, stop)
        if declaration is None:
            return None
        self._observe("detected", {"why": declaration.why, "signs": list(declaration.signs)})
        self._observe("decided", {"by": "automatic"})
        return fail_over(self._estate, self._steps, self._observe)

    def _sign(self, limit_seconds: float) -> Sign:
        """A site is gone only when every service is: one that answers is a good sign."""
        signs = [_SIGNS[check(url, limit_seconds).sign] for url in self._urls]
        if "good" in signs:
            return "good"
        return "silent" if "silent" in signs else "refused"


def declared_failover(estate: Estate) -> Declared:
    if estate.plan.failover is None:
        raise GuardError(f'plan "{estate.plan.name}" declares no failover')
    return estate.plan.failover


def watched(estate: Estate) -> list[str]:
    """The addresses that detection looks at. Raises GuardError when the plan gives it nothing to see."""
    services = estate.plan.services.values()
    urls = [f"{s.endpoint}{s.check.path}" for s in services if s.endpoint is not None and s.check is not None]
    if not urls:
        raise GuardError(
            "nothing can be detected: no service declares both an endpoint and a check",
            hint="give at least one service `endpoint` and `check`",
        )
    return urls


def fail_over(
    estate: Estate, steps: list[Step], observe: Observer, *, resume: bool = False, at: Hook = nothing
) -> Run:
    """Run the failover once, under the plan's lock.

    Raises RunbookError when another one holds the lock, when one that was cut off has not been resumed, and
    when no failover may follow on what was done last; with `resume`, when there is none.
    """
    standing = Standing(estate.state)
    with journal_of(estate.state) as journal:
        if journal.unfinished and not resume:
            raise RunbookError(
                f"an earlier failover was cut off (journal {journal.path})",
                hint="blackstart failover --resume",
            )
        if resume and not journal.states and standing.now != "failing over":
            raise RunbookError("there is no failover to resume", hint="blackstart failover")
        _require_failover(journal, steps)
        standing.begin("failover")
        run = Engine(steps, journal, observe, at=at).run()
        if run.complete:
            journal.put_away()
            standing.end("failover")
    return run


def abandon(estate: Estate, steps: list[Step], observe: Observer) -> tuple[str, ...]:
    """Take back a failover that was cut off or stopped before anything irrevocable; return what was undone.

    Raises RunbookError when there is none, and when some step that was begun cannot be undone.
    """
    standing = Standing(estate.state)
    with journal_of(estate.state) as journal:
        if standing.now != "failing over":
            raise RunbookError(f'there is no failover to abandon: the plan stands at "{standing.now}"')
        _require_failover(journal, steps)
        undone = Engine(steps, journal, observe).undo()
        journal.put_away()
        standing.abandon("failover")
    return undone


def _require_failover(journal: Journal, steps: list[Step]) -> None:
    if set(journal.states) - {step.name for step in steps}:
        raise RunbookError(
            f"what was cut off is no failover (journal {journal.path})",
            hint="blackstart switchover --resume, or failback --resume: `status` says which",
        )


def journal_of(state: Path) -> Journal:
    """The journal of a plan's failover, and with it the lock: nobody fails over while you hold it.

    Raises RunbookError when somebody does.
    """
    return Journal(state / "failover" / "journal.jsonl")
