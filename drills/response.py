"""Who answers the fault: the real responder, in a thread of its own, told nothing about the drill."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from drills.fault import in_words
from drills.following import Due
from drills.recording import Recording
from rto_rpo.answering import RUNBOOK
from sites.capability import Proof
from sites.errors import BlackstartError, GateRefused
from sites.estate import Estate
from sites.protection.history import History
from sites.protection.prediction import Prediction, predicted
from sites.recovery.respond import Responder
from sites.recovery.runbook import Run

_NAME = "responder"


def still_running() -> bool:
    """Whether one that stands watch, or fails over, goes on in this process."""
    return any(thread.name == _NAME and thread.is_alive() for thread in threading.enumerate())


class Response:
    """Stands watch from `start` on. Every milestone that the responder reaches goes into the ledger."""

    def __init__(self, estate: Estate, recording: Recording, *, cold: bool = False) -> None:
        self._recording = recording
        self._stop, self._over = threading.Event(), threading.Event()
        self._responder = Responder(estate, self._observe, cold=cold)
        self._thread = threading.Thread(target=self._stand_watch, name=_NAME, daemon=True)
        self.outlasted = False  # whether a failover went on when the drill had waited long enough
        self._run: Run | None = None
        self._error: Exception | None = None
        self._unrecorded: list[str] = []
        self._restore_seconds: dict[str, float] = {}
        self._due: Due | None = None
        self._foretold = _foretold(estate) if cold else None

    def start(self) -> None:
        """The service is steady. Raises GuardError where the watch would declare it gone even so."""
        self._responder.require_well()
        self._thread.start()

    def strike_at(self, milestone: str, act: Callable[[], Proof]) -> None:
        """Do a thing as soon as that milestone is reached: a part of the fault, which nobody is told of."""
        self._due = Due(milestone, act)

    def call_off(self) -> None:
        """The drill is over, whatever still runs: no damage comes any more."""
        if self._due is not None:
            self._due.call_off()

    def stop(self, limit_seconds: float) -> bool:
        """Call the watch off, or let a failover that has begun end. False if it has not by then."""
        self.call_off()
        self._stop.set()
        self.outlasted = not self.wait(limit_seconds)
        return not self.outlasted

    def wait(self, limit_seconds: float) -> bool:
        """Whether one that was stopped has come to its end by then."""
        if self._thread.ident is None:
            return True
        if not self._over.wait(limit_seconds):  # a join that Ctrl-C ends has the thread counted as gone
            return False
        self._thread.join()
        return True

    def came_to(self) -> str:
        """How it ended, in words: for who waited for it after the ledger was closed."""
        if self._error is not None:
            return f"the responder gave up: {in_words(self._error)}"
        if self._run is None:
            return "nothing was failed over"
        told = _how_it_ended(self._run)[1]
        return f"{told} ({self._run.way_out})" if self._run.way_out else told

    @property
    def ended(self) -> bool:
        return self._thread.ident is None or self._over.is_set()

    def conclude(self, *, broken_off: bool = False) -> None:
        """Record how the runbook ended, as a check with a verdict of its own, and what was foretold of it.

        `broken_off`: the drill did not come to its end, so that nobody declared an outage says nothing.
        """
        if self._foretold is not None:
            self._recording.event("note", detail=self._held_against(self._foretold))
        if self._due is not None and (why := self._due.why_not()) is not None:
            told = {"name": "second fault", "verdict": "inconclusive", "reason": why}
            self._recording.event("check", detail=told)
        verdict, reason = self._conclusion(broken_off=broken_off)
        self._recording.event("check", detail={"name": RUNBOOK, "verdict": verdict, "reason": reason})

    def _conclusion(self, *, broken_off: bool) -> tuple[str, str]:
        if not self.ended:
            return "inconclusive", "the responder had not come to an end when the drill did"
        if self._unrecorded:
            return "inconclusive", f"milestones could not be recorded: {'; '.join(self._unrecorded)}"
        if isinstance(self._error, BlackstartError):
            return "missed", f"the responder gave up: {self._error}"
        if self._error is not None:
            return "inconclusive", f"the responder broke: {type(self._error).__name__}: {self._error}"
        if self._run is None and broken_off:
            return "inconclusive", "the drill was broken off before the responder declared an outage"
        if self._run is None:
            return "missed", "the responder declared no outage, so nothing was failed over"
        return _how_it_ended(self._run)

    def _held_against(self, foretold: Prediction) -> dict[str, object]:
        """What restore tests foretold beside what the restores took, dataset by dataset."""
        return {
            "about": "restores from backup",
            "predicted_seconds": foretold.by_dataset,
            "measured_seconds": {name: round(took, 3) for name, took in self._restore_seconds.items()},
            "unproven": list(foretold.unproven),
        }

    def _stand_watch(self) -> None:
        try:
            self._run = self._responder.stand_watch(self._stop)
        except Exception as error:  # noqa: BLE001 - whatever it is becomes a check with a verdict
            self._error = error
        finally:
            self._over.set()

    def _observe(self, event: str, detail: Mapping[str, object]) -> None:
        """Never raises: a failover goes on whether or not anybody can write down how."""
        if "dataset" in detail and isinstance(took := detail.get("seconds"), float):
            self._restore_seconds[str(detail["dataset"])] = took
        try:
            self._recording.event(event, source="responder", detail=dict(detail))
            if self._due is not None and self._due.comes_with(event):
                self._recording.event("note", detail=self._due.done())
        except Exception as error:  # noqa: BLE001 - nor is it for a ledger that is closed meanwhile to fail a step
            self._unrecorded.append(f"{event}: {error}")


def _foretold(estate: Estate) -> Prediction:
    backed_up = [name for name, noun in estate.plan.datasets.items() if noun.backup is not None]
    return predicted(History(estate.history), backed_up)


def _how_it_ended(run: Run) -> tuple[str, str]:
    if run.complete:
        return "met", f"all {len(run.completed)} steps were done"
    failed = "; ".join(f'"{step}": {error}' for step, error in run.failed.items())
    blocked = f"; not run: {', '.join(run.blocked)}" if run.blocked else ""
    shut = all(isinstance(error, GateRefused) for error in run.failed.values())
    return "missed", f"{'stopped by a gate' if shut else 'failed'} at {failed}{blocked}"
