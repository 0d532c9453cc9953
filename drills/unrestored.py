"""Data that the undo itself puts back: read before it, or its loss would never have been seen."""

from __future__ import annotations

from drills.recording import Recording
from sites.plan import Drill
from sites.plan.faults import ReplicatedDamage

NAME = "restore"
NEVER_TRIED = "no runbook restores to before such damage, and a drill cannot ask for it: it was not tried"


def reads_first(drill: Drill, reason: str, recording: Recording) -> bool:
    """Whether everything is read back before the undo, of a drill that ended for that reason.

    Where nothing serves the undo cannot wait for it, unless it were to put back what was lost.
    """
    if reason == "stable" or isinstance(drill.fault, ReplicatedDamage):
        return True
    return reason == "deadline" and recording.state().served_seconds > 0


def never_tried(drill: Drill) -> bool:
    """Whether only a restore to before the damage would help, which no runbook does."""
    return isinstance(drill.fault, ReplicatedDamage) and drill.respond == "runbook"
