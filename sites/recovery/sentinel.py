"""The sentinel: stands watch for as long as it lives, and answers for what it declares.

What an earlier one began and did not finish comes first. Then it watches; when the service is declared gone
it tells people and does what the plan says: fails over, asks, or leaves it to them. Where it was not allowed
to, it begins to watch again once the service has been seen to answer: nobody is asked twice about one outage.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from sites.errors import BlackstartError, GateRefused, GuardError
from sites.estate import Estate
from sites.recovery.degrading import Degrading
from sites.recovery.direction import direction
from sites.recovery.looking_after import Changed, looked_after
from sites.recovery.own_steps import runbook_of
from sites.recovery.promotable import NotPromotable, require_promotable
from sites.recovery.respond import Changing, Responder, fail_over
from sites.recovery.runbook import Detail, Observer, Run
from sites.recovery.standing import Standing
from sites.recovery.under_way import busy
from sites.recovery.watching import Watch, watch_over

_AGAIN_SECONDS = 0.1
_TRY_SECONDS = 1.0
_ASKING = {"decide_waiting": "a decision", "asked": "an answer"}


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that people are told: what it is about, the reason, the next command."""

    about: str
    reason: str
    command: str


Tell = Callable[[Said], None]


class Sentinel:
    """Raises GuardError where there is nothing to see, or where nothing could be failed over to any more.

    `observe` is told what happens as a drill's ledger is; `tell` passes on what people have to know, and
    keeps nobody waiting.
    """

    def __init__(self, estate: Estate, observe: Observer, tell: Tell) -> None:
        self._estate, self._observe, self._tell = estate, observe, tell
        standing = Standing(estate.state)
        self._resume = standing.under_way == "failover"
        if not self._resume:
            _require_somewhere_to_go(standing)
        self._watch = watch_over(estate)

    @property
    def setting(self) -> str:
        """What it takes for an outage, in one line."""
        return self._watch.setting.told()

    def stand(self, stop: threading.Event) -> Run | None:
        """Until a failover has ended, well or not, or until `stop` (None). Raises BlackstartError."""
        if self._resume:
            self._told("a failover", "an earlier one was cut off; it is gone on with", "blackstart status")
            return self._ended(self._go_on())
        responder = Responder(self._estate, self._watched)
        looks = [Degrading(self._estate).look, *responder.looks]
        with self._watch as watch, looked_after(looks, self._about_standbys):
            while not stop.is_set():
                try:
                    run = responder.once(watch, stop)
                except GateRefused as error:
                    self._told("no failover", str(error), error.hint or "blackstart failover")
                    if isinstance(error, Changing):
                        self._until_settled(stop)
                    elif isinstance(error, NotPromotable):
                        self._until_promotable(watch, stop)
                    else:
                        self._until_well(watch, stop)
                    _require_somewhere_to_go(Standing(self._estate.state))
                    continue
                return self._ended(run) if run is not None else None
        return None

    def _go_on(self) -> Run:
        """With what was cut off. Raises BlackstartError, which people are told, where it cannot."""
        try:
            steps = runbook_of(self._estate, self._watched)
            return fail_over(self._estate, steps, self._watched, resume=True)
        except BlackstartError as error:
            self._told("the failover", f"NOT gone on with: {error}", error.hint or "blackstart status")
            raise

    def _about_standbys(self, changed: Changed) -> None:
        self._told(changed.about, changed.said, "blackstart status")

    def _until_well(self, watch: Watch, stop: threading.Event) -> None:
        while not stop.wait(_AGAIN_SECONDS):
            if watch.well():
                self._told("the service", "it answers again; the watch goes on", "blackstart status")
                return

    def _until_promotable(self, watch: Watch, stop: threading.Event) -> None:
        """Until the service answers again, or the other site could take over."""
        while not stop.wait(_TRY_SECONDS):
            if watch.well():
                self._told("the service", "it answers again; the watch goes on", "blackstart status")
                return
            try:
                require_promotable(self._estate, direction(self._estate))
            except NotPromotable:
                continue
            self._told("the other site", "it could take over now; the watch goes on", "blackstart status")
            return

    def _until_settled(self, stop: threading.Event) -> None:
        """Until nobody changes the sites any more: what is gone then is a new outage."""
        while not stop.wait(_AGAIN_SECONDS):
            if not busy(self._estate.state):
                self._told("the sites", "nobody changes them; the watch goes on", "blackstart status")
                return

    def _watched(self, event: str, detail: Detail) -> None:
        self._observe(event, detail)
        if event == "detected":
            why = f"declared gone ({detail['why']}), seen from {_names(detail['vantages'])}"
            self._told("the service", why, "blackstart status")
        elif event in _ASKING:
            typed = f' --typed "{detail["typed"]}"' if detail.get("typed") else ""
            command = f"blackstart approve --id {detail['id']}{typed}"
            self._told(_ASKING[event], f"{detail['says']} Until {detail['until']}", command)

    def _ended(self, run: Run) -> Run:
        failed = "; ".join(f"{step}: {error}" for step, error in run.failed.items())
        if run.complete:
            self._told("the failover", "it came to its end", "blackstart status")
        else:
            self._told("the failover", f"NOT complete: {failed}", "blackstart failover --resume")
        return run

    def _told(self, about: str, reason: str, command: str) -> None:
        self._tell(Said(about, reason, command))


def _names(vantages: object) -> str:
    return ", ".join(map(str, vantages)) if isinstance(vantages, (list, tuple)) else str(vantages)


def _require_somewhere_to_go(standing: Standing) -> None:
    """A site that was lost already cannot take over again before a failback."""
    if standing.now in ("failed over", "failed over home"):
        raise GuardError(
            f'there is nothing to fail over to: the plan stands at "{standing.now}"',
            hint="blackstart failback, then watch again",
        )
