"""The course of one drill, once everything is ready and the recorder runs."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from drills.after import Ended, fail_back, given_up, no_way_back, record
from drills.bystanders import Bystanders
from drills.deadman import DeadMan
from drills.fault import Fault, Following, Healing, Left, in_words
from drills.gone import tell_at_last, tell_of_primary
from drills.guard import check_health
from drills.lever import Lever
from drills.recording import RecorderError, RecorderRefusal, RecorderState, Recording
from drills.response import Response
from drills.revival import Revival, revive
from drills.striking import arm, strike
from drills.undisturbed import undisturbed
from drills.undo import Undo, UndoIntents, left_of
from drills.undoing import Undoing
from drills.unrestored import NAME, NEVER_TRIED, never_tried, reads_first
from rto_rpo.answering import GIVE_UP
from sites.capability import Proof
from sites.errors import BlackstartError, GuardError
from sites.estate import Estate
from sites.plan import REVIVABLE, Drill

STEADY_SECONDS_MAX = 60.0
RESPONSE_SECONDS_MAX = 30.0  # for a failover that has begun; one that takes longer is seen out afterwards
GAVE_UP = "gave up"
_BEAT_SECONDS = 0.05
_SILENT_SECONDS = 1.0
_ENDING_SECONDS = 300.0  # for settling, reading back and the failover's own end


def longest_seconds(drill: Drill) -> float:
    """How long a drill may take from its beginning before it is undone whatever it does."""
    lead_seconds = max((marks.lead.seconds for marks in drill.marks), default=0.0)
    before = STEADY_SECONDS_MAX + drill.phase.seconds + lead_seconds
    back_seconds = drill.back_within.seconds if drill.after == "fail_back" else 0.0
    return before + drill.deadline.seconds + RESPONSE_SECONDS_MAX + _ENDING_SECONDS + back_seconds


@dataclass
class Rehearsal:
    """Everything that one run of a drill is about. `response` is None when something else fails over.

    `last_look` raises GuardError where what was confirmed does not hold any more.
    """

    estate: Estate
    name: str
    drill: Drill
    recording: Recording
    response: Response | None
    seed: int
    tell: Callable[[str], None]
    dead_man: DeadMan
    bystanders: Bystanders = field(default_factory=lambda: Bystanders([]))
    last_look: Callable[[], None] = lambda: None

    def perform(self, fault: Fault, undo: Undo) -> BaseException | None:
        """From steady to healed. What breaks it off is recorded as *aborted* and returned.

        The fault is undone whatever happens. Raises RecorderError when the recorder is lost: it may still
        be writing, so the run must not be closed yet.
        """
        broken_off: BaseException | None = None
        reason = "aborted"
        try:
            self._steady()
            with self.bystanders:
                self._inject(fault, undo)
                reason = self._outlast()
                tell_at_last(self.estate, self.drill, self.recording, self._require_leave)
                if reason == "stable":
                    self._revive(undo)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the fault has to be undone
            broken_off = error
        with undisturbed():
            healing = self._end(fault, undo, reason, broken_off)
        if self.drill.after == "fail_back" and healing is not None:
            broken_off = self._fail_back(reason, healing, broken_off)
        with undisturbed():
            self.recording.finish("deadline" if reason == GAVE_UP else reason)
            self.tell("Read everything back, ledger closed")
        return broken_off

    def _fail_back(
        self, reason: str, healing: Healing, broken_off: BaseException | None
    ) -> BaseException | None:
        """Where the drill ended well: what moved is brought back. Returns what broke the drill off."""
        lever = Lever(self.estate.state)
        if (why := no_way_back(reason, healing, broken_off, lever)) is not None:
            record(self.recording, ("inconclusive", f"{why}, so nothing was brought back"))
            return broken_off
        ended: Ended = ("inconclusive", "it was broken off (`blackstart failback --resume` goes on)")
        try:
            ended = fail_back(self.estate, self.drill, self.tell)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the ledger is to be closed
            broken_off = error
        self.tell(f"Failed back ({ended[0]}): {ended[1]}")
        record(self.recording, ended)
        return broken_off

    def _steady(self) -> None:
        self._lead()
        state, late_ns = self._frozen()
        if self.response is not None:
            self.response.start()
        self.tell(f"Steady: {state.acknowledged} operations acknowledged, late means {late_ns / 1e6:.0f} ms")

    def _frozen(self) -> tuple[RecorderState, int]:
        """The state in which `late` could be frozen, and `late` in ns.

        A service that was steady a moment ago may have had one slow answer since: it is asked again.
        """
        deadline = time.monotonic() + STEADY_SECONDS_MAX
        while True:
            state = self.recording.wait_until(lambda s: s.steady, deadline - time.monotonic())
            if not state.steady:
                raise GuardError(
                    f"the service was not steady within {STEADY_SECONDS_MAX:.0f} s, so nothing was injected",
                    hint="look at the service, and at `control` if there is one; the ledger has all of it",
                )
            with contextlib.suppress(RecorderRefusal):
                return state, self.recording.freeze()

    def _lead(self) -> None:
        """Let the canary write for as long as the plan says, so that a scheduled backup takes some along."""
        leads = (self.drill.lead, *(marks.lead for marks in self.drill.marks))
        if lead_seconds := max(lead.seconds for lead in leads):
            self.tell(f"Lead: written for {lead_seconds:.0f} s before anything is injected")
            Lever(self.estate.state).wait(lead_seconds)

    def _inject(self, fault: Fault, undo: Undo) -> None:
        width_seconds = self.drill.phase.seconds
        phase_seconds = random.Random(self.seed).uniform(0, width_seconds)  # noqa: S311 - no secret
        Lever(self.estate.state).wait(phase_seconds)
        check_health(self.estate, self.name)
        if self.response is not None and self.response.ended:
            raise GuardError("the responder is not standing watch any more, so nothing was injected")
        armed = arm(self.estate.state, fault, undo, self._look_once_more)
        left = left_of(armed, self.estate.state)
        if isinstance(fault, Following) and self.response is not None:
            self.response.strike_at(fault.milestone, lambda: self._follow(fault, left, armed.run))
        phase = {"phase_seconds": phase_seconds, "phase_width_seconds": width_seconds}
        self.recording.event("fault_begin", detail=phase, sync=True)
        proof = strike(self.estate.state, fault, armed)
        self.recording.event("fault_end", detail={"how": proof.how})
        self._record("fault_effective", {**proof.detail, "holds": proof.holds, "how": proof.how})
        if not proof.holds:
            raise BlackstartError(f"the fault did not take effect: {proof.how}")
        self.tell(f"Injected: {proof.how}")
        tell_of_primary(self.estate, self.drill, self.recording)

    def _follow(self, fault: Following, left: Left, run: str) -> Proof:
        """Strike again, where the drill goes on and somebody can undo it. Raises BlackstartError."""
        Lever(self.estate.state).require_released()
        if UndoIntents(self.estate.state).of(run) is None:
            raise BlackstartError("the intent to undo was carried out already, so nothing more was injected")
        return fault.follow(left)

    def _look_once_more(self) -> None:
        """What was confirmed a while ago still holds, and who would undo it lives. Raises GuardError."""
        self.last_look()
        Lever(self.estate.state).require_released()
        self.dead_man.require()

    def _outlast(self) -> str:
        """Wait until the service is stable and the response over, or for the deadline. Returns which."""
        told = False
        begun = served = time.monotonic()
        while True:
            self._require_leave()
            state = self.recording.state()
            now = time.monotonic()
            served = now if state.served_seconds else served
            if self._gives_up(now - begun, now - served):
                return GAVE_UP
            if state.stable and not told:
                told = True
                self.tell(f"Stable: served for {state.served_seconds:.0f} s without a bad operation")
            if state.stable and (self.response is None or self.response.ended):
                return "stable"
            if state.deadline_passed:
                self.tell("The deadline has passed")
                return "deadline"
            threading.Event().wait(_BEAT_SECONDS)

    def _require_leave(self) -> None:
        """Raises BlackstartError when the drill has to be broken off, be it by itself or by somebody."""
        Lever(self.estate.state).require_released()
        self.bystanders.require_unharmed()
        self.dead_man.require_alive()

    def _gives_up(self, since_fault_seconds: float, silent_seconds: float) -> bool:
        """Whether nothing serves when something had to by now. One bad answer is not nothing."""
        limit = self.drill.give_up
        if limit is None or since_fault_seconds < limit.seconds or silent_seconds < _SILENT_SECONDS:
            return False
        self.tell(f"Nothing served within {limit} of the fault: giving up")
        return True

    def _revive(self, undo: Undo) -> None:
        """Where the drill says so: the old primary comes back, and is watched for taking a write."""
        if self.drill.revive_old_primary and isinstance(self.drill.fault, REVIVABLE):
            revive(
                Revival(self.estate, self.drill, self.drill.fault.site, undo.targets),
                self.recording,
                self.tell,
                self._require_leave,
            )

    def _end(self, fault: Fault, undo: Undo, reason: str, broken_off: BaseException | None) -> Healing | None:
        """Stop the instrument before anything is undone: what the undo brings back is no recovery.

        Returns how the undo ended, if anything was injected. What is read before it, `reads_first` says.
        """
        lost = broken_off if isinstance(broken_off, RecorderError) else None
        if self.response is not None:
            self.response.call_off()  # before the reading, which takes its time while a failover goes on
        try:
            if lost is None:
                first = broken_off is None and reads_first(self.drill, reason, self.recording)
                self.recording.verify() if first else self.recording.stop()
        except RecorderError as error:
            lost = error
        ended = self.response is None or self.response.stop(RESPONSE_SECONDS_MAX)
        undoing = Undoing(self.estate, self.dead_man, self.tell)
        healing = undoing.heal(fault, undo, response_ended=ended, patient=reason == GAVE_UP)
        if lost is not None:
            undoing.keep_beside(undo, healing)
            raise lost
        if broken_off is not None:
            self._record("aborted", {"reason": in_words(broken_off)})
        if healing is not None:
            self._tell_of(healing, reason, broken_off=broken_off is not None)
            self._tell_of_bystanders()
        return healing

    def _tell_of_bystanders(self) -> None:
        told = self.bystanders.told()
        if told is not None:
            self._record("check", {"name": "bystanders", "verdict": told[0], "reason": told[1]})

    def _tell_of(self, healing: Healing, reason: str, *, broken_off: bool) -> None:
        """Into the ledger: how the runbook ended, what the undo came to, and that the drill gave up."""
        if self.response is not None:
            self.response.conclude(broken_off=broken_off)
        if never_tried(self.drill) and not broken_off:
            self._check(NAME, NEVER_TRIED)
        self._record("undo", {"undone": healing.undone, "how": healing.how})
        if healing.undone == "stuck":
            self._check("undo", healing.how)
        else:
            self._record("healed", {"how": healing.how})
        if reason == GAVE_UP:
            self._check(GIVE_UP, f"nothing served within {self.drill.give_up}, {given_up(healing)}")

    def _check(self, name: str, reason: str) -> None:
        self._record("check", {"name": name, "verdict": "missed", "reason": reason})

    def _record(self, event: str, detail: dict[str, object]) -> None:
        self.recording.event(event, detail=detail)
