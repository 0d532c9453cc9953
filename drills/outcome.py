"""What an undo came to, kept in the evidence: in the run's folder, or in the chain once it is closed."""

from __future__ import annotations

from datetime import UTC, datetime

from drills.closing import signing_key, told_as_ours
from drills.fault import Healing
from drills.undo import Undo
from rto_rpo.evidence.keeping import chain
from rto_rpo.evidence.keeping.adding import add_record
from rto_rpo.evidence.keeping.undone import UNDOING, By, add_undone, undone_now
from rto_rpo.evidence.lines.record import By as Speaker
from rto_rpo.evidence.lines.record import Note
from sites.plan import Plan


def keep_outcome(plan: Plan, undo: Undo, healing: Healing, by: By) -> None:
    """Whoever calls it holds off the closing of the run meanwhile.

    Raises BlackstartError, also where the evidence knows no such run.
    """
    entry, root = undone_now(by, healing.undone, healing.how), plan.evidence.path
    folder = next((one.path for one in chain.unfinished(root) if one.run == undo.run), None)
    with told_as_ours("keep what was undone of", f"run {undo.run}"):
        if folder is not None:
            add_undone(folder, entry)
            return
        note = Note(what="note", by=Speaker(name=UNDOING), text=f"the fault of this run: {entry.told()}")
        add_record(
            root,
            note,
            plan=plan.name,
            run=undo.run,
            drill=undo.drill,
            key=signing_key(plan),
            now=datetime.now(UTC),
        )
