"""The end of what a drill injected: undone by the drill itself, and kept beside a ledger that is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from drills.deadman import PATIENCE_SECONDS, DeadMan
from drills.fault import Fault, Healing, in_words, undone
from drills.outcome import keep_outcome
from drills.undo import Undo, UndoIntents, left_of
from sites.errors import BlackstartError
from sites.estate import Estate
from sites.recovery.under_way import journal_of

_AGAIN_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Undoing:
    """The undo of one drill. Its dead-man stands down once nothing is left to undo."""

    estate: Estate
    dead_man: DeadMan
    tell: Callable[[str], None]

    def heal(self, fault: Fault, undo: Undo, *, response_ended: bool, patient: bool) -> Healing | None:
        """Undo what was injected; None if nothing was. `patient`: nobody else will wait.

        While a failover still runs nothing is touched: what it needs and what an undo changes are the same.
        """
        pending = UndoIntents(self.estate.state).of(undo.run)
        if pending is None:
            self.dead_man.stand_down()
            return None
        if response_ended:
            healing = self._patiently(fault, pending) if patient else self._once(fault, pending)
        else:
            healing = Healing("stuck", "the failover is still running")
        healing = UndoIntents(self.estate.state).carried_out(undo, healing)
        self.tell(f"Undone ({healing.undone}): {healing.how}")
        if healing.undone != "stuck":
            self.dead_man.stand_down()
        return healing

    def keep_beside(self, undo: Undo, healing: Healing | None) -> None:
        """What the undo came to, where the ledger can take it no more."""
        if healing is None:
            return
        try:
            keep_outcome(self.estate.plan, undo, healing, "drill")
        except (BlackstartError, OSError) as error:  # the loss of the recorder is what has to be told
            self.tell(f"Not in the evidence: {error}")

    def _patiently(self, fault: Fault, undo: Undo) -> Healing:
        """Again and again; the last time, a copy that cannot be asked counts as promoted."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (healing := self._once(fault, undo)).undone == "stuck" and time.monotonic() < deadline:
            threading.Event().wait(_AGAIN_SECONDS)
        return healing if healing.undone != "stuck" else self._once(fault, undo, last=True)

    def _once(self, fault: Fault, undo: Undo, *, last: bool = False) -> Healing:
        try:
            with journal_of(self.estate.state):  # no failover begins while this looks and starts
                return undone(fault, left_of(undo, self.estate.state, last=last))
        except Exception as error:  # noqa: BLE001 - what cannot be undone is said to be stuck, and kept
            return Healing("stuck", in_words(error))
