"""Detect, decide, fail over: what stands watch in earnest and what a drill exercises, the same code."""

from __future__ import annotations

import threading
import time
from dataclasses import asdict, replace
from datetime import UTC, datetime
from uuid import uuid4

from sites.errors import GateRefused, RunbookError
from sites.estate import Estate
from sites.fences import Fences
from sites.recovery.asking import Questions
from sites.recovery.at_hand import AtHand
from sites.recovery.begun import Begun
from sites.recovery.detection import Declaration, Setting
from sites.recovery.direction import declared_failover, direction
from sites.recovery.following import Following
from sites.recovery.injection import Hook, nothing
from sites.recovery.journal import Held, Journal
from sites.recovery.lacking import Lacking
from sites.recovery.looking_after import Changed, Look, looked_after
from sites.recovery.own_steps import runbook_of
from sites.recovery.promotable import lacking_amid, require_promotable
from sites.recovery.runbook import Engine, Observer, Run, Step
from sites.recovery.standing import Standing
from sites.recovery.under_way import busy, under_way
from sites.recovery.watching import Watch, watch_over
from sites.recovery.ways_out import ways_out

LOOK_SECONDS = 10.0
LOOK_AGAIN_SECONDS = 0.1


class Changing(GateRefused):
    """A living process is changing who serves."""


class Responder:
    """Watches an estate's services through their clients' address and fails over once they are gone.

    Everything that can be prepared is prepared before the outage. It knows nothing of drills.
    `cold`: no replica is trusted, everything comes from backups.
    """

    def __init__(self, estate: Estate, observe: Observer, *, cold: bool = False) -> None:
        self._estate = estate
        self._observe = observe
        self._cold = cold
        self._way, self._steps = direction(estate), runbook_of(estate, observe, cold=cold)
        self._watch = watch_over(estate)
        self.lacking = Lacking(estate)
        self.following = Following(estate)
        self._at_hand = AtHand(estate)

    @property
    def setting(self) -> Setting:
        return self._watch.setting

    def require_well(self) -> None:
        """For whoever knows that the service is: raises GuardError where the watch would not see it so.

        What a busy machine could not look at is looked at again for a while, or a person were asked for
        nothing.
        """
        self._watch.require_well()
        deadline = time.monotonic() + LOOK_SECONDS
        while True:
            self._note(self.lacking.look() + self.following.look())
            if not (self.lacking.unseen() or self._not_followed()) or time.monotonic() > deadline:
                return
            time.sleep(LOOK_AGAIN_SECONDS)

    def stand_watch(self, stop: threading.Event) -> Run | None:
        """Watch until an outage is declared and the failover has ended, or until `stop` (None).

        Raises GateRefused when a person has to agree, and does not.
        """
        with self._watch as watch, looked_after(self.looks, lambda changed: self._note([changed])):
            return self.once(watch, stop)

    @property
    def looks(self) -> list[Look]:
        """What is looked after while somebody stands watch."""
        return [self._at_hand.look, self.lacking.look, self.following.look]

    def _not_followed(self) -> list[str]:
        """What comes from backups needs no standby that follows."""
        return [] if self._cold else self.following.unseen()

    def _note(self, found: list[Changed]) -> None:
        for changed in found:
            self._observe("note", {"about": changed.about, "dataset": changed.dataset, "said": changed.said})

    def once(self, watch: Watch, stop: threading.Event) -> Run | None:
        """The same on a watch that has begun and goes on."""
        declaration = watch.declared(stop)
        if declaration is None:
            return None
        if busy(self._estate.state):
            raise Changing("somebody is changing who serves: this is no outage of its own")
        self._observe("detected", asdict(declaration))
        self._decide(declaration, watch, stop)
        resume = Standing(self._estate.state).under_way == "failover"  # who began it may have died since
        steps = self._prepared()
        try:
            return fail_over(self._estate, steps, self._observe, resume=resume, cold=self._cold)
        except Held as error:
            raise Changing(str(error)) from error

    def _prepared(self) -> list[Step]:
        """Made before the outage; made again where the sites have changed places since."""
        way, going = direction(self._estate), Standing(self._estate.state).under_way
        if way != self._way or going == "failover":  # what was begun is gone on with as it was begun
            self._way = way
            self._steps = runbook_of(self._estate, self._observe, cold=self._cold)
        return self._steps

    def _decide(self, declaration: Declaration, watch: Watch, stop: threading.Event) -> None:
        """Raises GateRefused when a person has to agree, and does not."""
        failover, lacking = declared_failover(self._estate), self.lacking.told()
        lacking += lacking_amid(self._estate, direction(self._estate))
        lacking += "" if self._cold else self.following.told()
        if failover.decide == "automatic" and not lacking:
            self._observe("decided", {"by": "automatic"})
            return
        if failover.decide == "notify":
            raise GateRefused("the plan leaves it to people", hint="blackstart failover")
        questions = Questions(self._estate.state)
        way = direction(self._estate)
        since = datetime.now(UTC).isoformat()
        gone = f'Site "{way.old}" is gone since {since[:19]}Z ({declaration.why})'
        says = f'{gone}. Fail over to "{way.new}"?{lacking}'
        outage = f"{since} {uuid4().hex}"  # who approved an earlier declaration has not seen this one
        question = questions.ask("failover", says, failover.decide_by.seconds, about=outage)
        self._observe("decide_waiting", {"says": says, "until": question.until, "id": question.id})
        answer = questions.wait(question, lambda: stop.is_set() or watch.well())
        if answer.decision == "withdrawn" and not stop.is_set():
            raise GateRefused("the service answers everybody again, so the question was withdrawn")
        if answer.decision != "approved":
            raise GateRefused(f"the failover was not approved: {answer.decision} by {answer.by}")
        self._observe("decided", asdict(answer))


def fail_over(
    estate: Estate,
    steps: list[Step],
    observe: Observer,
    *,
    resume: bool = False,
    cold: bool = False,
    at: Hook = nothing,
) -> Run:
    """Run the failover once, under the plan's lock. `cold`: of what kind its steps are, see `runbook_of`.

    Raises NotPromotable where the other site could not take over. Raises RunbookError when another process
    holds the lock, when one that was cut off has not been resumed, and when none may follow on what was
    done last; with `resume`, when there is none.
    """
    way, names = direction(estate), [step.name for step in steps]

    def ready() -> None:
        if direction(estate) != way or f"fence {way.old}" not in names:
            raise RunbookError("the sites have changed places since the runbook was made", hint="try again")
        require_promotable(estate, way, names)

    noted = Begun(cold=cold, plan=estate.plan.sha256)
    with under_way(estate.state, "failover", resume=resume, ready=ready, home=way.home, begun=noted) as begun:
        require_its_steps(begun.journal, steps)
        if resume and not Fences(estate.state).noted(way.old):  # nothing was proven, so it may still serve
            require_promotable(estate, way, names)
        run = Engine(steps, begun.journal, observe, at=at).run()
        if run.complete:
            begun.end()
        else:
            run = replace(run, way_out=ways_out(estate.state, "failover"))
    return run


def require_its_steps(journal: Journal, steps: list[Step]) -> None:
    """Raises RunbookError for a journal of another runbook."""
    strange = set(journal.states) - {step.name for step in steps}
    if strange:
        raise RunbookError(
            f'journal {journal.path} tells of step "{min(strange)}", which the plan\'s runbook does not have',
            hint="resume with the plan as it was when the failover began",
        )
