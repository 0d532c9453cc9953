"""The course of one drill, once everything is ready and the recorder runs."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from drills.fault import Fault
from drills.recording import RecorderError, Recording
from drills.response import Response
from drills.undo import Undo, UndoIntents, now
from rto_rpo.evidence.run_folder import RunFolder
from sites.errors import BlackstartError, GuardError
from sites.estate import Estate
from sites.plan import Drill

STEADY_SECONDS_MAX = 60.0
PHASE_SECONDS_MAX = (
    2.0  # the fault comes at a random moment, so that it meets checkpoints and leases anywhere
)
RESPONSE_SECONDS_MAX = 30.0  # a failover that has begun is let come to its end
_BEAT_SECONDS = 0.05


@dataclass
class Rehearsal:
    """Everything that one run of a drill is about."""

    estate: Estate
    name: str
    drill: Drill
    folder: RunFolder
    recording: Recording
    seed: int
    tell: Callable[[str], None]

    def perform(self, fault: Fault, processes: Sequence[str]) -> BaseException | None:
        """From steady to healed. What breaks it off is recorded as *aborted* and returned.

        The fault is undone whatever happens. Raises RecorderError when the recorder is lost: it may still
        be writing, so the run must not be closed yet.
        """
        response = Response(self.estate, self.recording) if self.drill.respond == "runbook" else None
        undo = self._undo(fault, processes)
        broken_off: BaseException | None = None
        reason = "aborted"
        try:
            self._steady(response)
            self._inject(fault, undo)
            reason = self._outlast(response)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the fault has to be undone
            broken_off = error
        if response is not None:
            response.stop(RESPONSE_SECONDS_MAX)
        events = self._heal(fault, processes, undo)
        if isinstance(broken_off, RecorderError):
            raise broken_off
        if broken_off is not None:
            self._record("aborted", {"reason": _in_words(broken_off)})
        if response is not None:
            response.conclude()
        for event, detail in events:
            self._record(event, detail)
        self.recording.finish(reason)
        self.tell("Read everything back, ledger closed")
        return broken_off

    def _steady(self, response: Response | None) -> None:
        state = self.recording.wait_until(lambda s: s.steady, STEADY_SECONDS_MAX)
        if not state.steady:
            raise GuardError(
                f"the service was not steady within {STEADY_SECONDS_MAX:.0f} s, so nothing was injected",
                hint="look at the service; the ledger has every operation",
            )
        self._record("steady", {"operations": state.operations})
        late_ns = self.recording.freeze()
        if response is not None:
            response.start()
        self.tell(f"Steady: {state.acknowledged} writes acknowledged, late means {late_ns / 1e6:.0f} ms")

    def _inject(self, fault: Fault, undo: Undo) -> None:
        phase_seconds = random.Random(self.seed).uniform(0, PHASE_SECONDS_MAX)  # noqa: S311 - no secret
        threading.Event().wait(phase_seconds)
        UndoIntents(self.estate.state).write(undo)
        self.recording.event("fault_begin", detail={"phase_seconds": phase_seconds}, sync=True)
        proof = fault.inject()
        self.recording.event("fault_end", detail={"how": proof.how})
        self._record("fault_effective", {**proof.detail, "holds": proof.holds, "how": proof.how})
        if not proof.holds:
            raise BlackstartError(f"the fault did not take effect: {proof.how}")
        self.tell(f"Injected: {proof.how}")

    def _outlast(self, response: Response | None) -> str:
        """Wait until the service is stable and the response over, or for the deadline. Returns which."""
        told = False
        while True:
            state = self.recording.state()
            if state.stable and not told:
                told = True
                self.tell(f"Stable: served for {state.served_seconds:.0f} s without a bad operation")
            if state.stable and (response is None or response.ended):
                return "stable"
            if state.deadline_passed:
                self.tell("The deadline has passed")
                return "deadline"
            threading.Event().wait(_BEAT_SECONDS)

    def _heal(
        self, fault: Fault, processes: Sequence[str], undo: Undo
    ) -> list[tuple[str, dict[str, object]]]:
        """Undo what was injected, if anything was; the events that tell of it."""
        intents = UndoIntents(self.estate.state)
        if not any(pending.run == undo.run for pending in intents.pending()):
            return []
        healing = fault.heal(processes)
        self.tell(f"Undone ({healing.undone}): {healing.how}")
        told: dict[str, object] = {"undone": healing.undone, "how": healing.how}
        if healing.undone == "stuck":
            return [
                ("undo", told),
                ("check", {"name": "undo", "verdict": "missed", "reason": healing.how}),
            ]
        intents.remove(undo)
        return [("undo", told), ("healed", {"how": healing.how})]

    def _undo(self, fault: Fault, processes: Sequence[str]) -> Undo:
        plan = self.estate.plan
        return Undo(
            run=self.folder.run,
            drill=self.name,
            utc=now(),
            fault=self.drill.fault.model_dump(mode="json"),
            undo=fault.undo(),
            targets=list(processes),
            plan_path=str(plan.path),
            plan_text=plan.raw.decode("utf-8"),
            variables=dict(plan.variables),
        )

    def _record(self, event: str, detail: dict[str, object]) -> None:
        self.recording.event(event, detail=detail)


def _in_words(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "interrupted by the operator"
    return str(error) if isinstance(error, BlackstartError) else f"{type(error).__name__}: {error}"
