"""What no ledger can hold, kept in the evidence: what an undo came to, and that a drill was not run.

An undo's outcome goes into the run's folder, or into the chain once the run is closed; a drill that was not
run has no folder, and is a line of the chain.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Literal

from drills.closing import signing_key, told_as_ours
from drills.fault import Healing
from drills.undo import Undo
from rto_rpo.evidence import EvidenceError
from rto_rpo.evidence.keeping import chain
from rto_rpo.evidence.keeping.adding import add_record
from rto_rpo.evidence.keeping.undone import UNDOING, By, add_undone, undone_now
from rto_rpo.evidence.lines.record import By as Speaker
from rto_rpo.evidence.lines.record import Note
from sites.plan import Plan

NOT_RUN = "blackstart, keeping the schedule"


def keep_outcome(plan: Plan, undo: Undo, healing: Healing, by: By) -> None:
    """In the run's folder; a line of the chain once nothing is added there any more.

    Raises BlackstartError, also where the evidence knows no such run.
    """
    entry, root = undone_now(by, healing.undone, healing.how), plan.evidence.path
    folder = next((one.path for one in chain.unfinished(root) if one.run == undo.run), None)
    with told_as_ours("keep what was undone of", f"run {undo.run}"):
        if folder is not None:
            with suppress(EvidenceError):  # its report is written, or it was closed meanwhile
                add_undone(folder, entry)
                return
        _say(plan, undo.drill, "note", f"the fault of this run: {entry.told()}", run=undo.run)


def keep_not_run(plan: Plan, drill: str, why: str) -> None:
    """That a drill was due and is not run. Raises BlackstartError."""
    with told_as_ours("keep that it was not run:", f'drill "{drill}"'):
        _say(plan, drill, "deviation", f"not run: {why}", run=None)


def _say(plan: Plan, drill: str, what: Literal["note", "deviation"], text: str, run: str | None) -> None:
    add_record(
        plan.evidence.path,
        Note(what=what, by=Speaker(name=UNDOING if run is not None else NOT_RUN), text=text),
        plan=plan.name,
        run=run,
        drill=drill,
        key=signing_key(plan),
        now=datetime.now(UTC),
        ours=True,
    )
