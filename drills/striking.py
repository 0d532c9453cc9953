"""The intent to undo, whole and on disk; then the damage, and not without the other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from drills.fault import Fault
from drills.undo import Undo, UndoIntents, left_of, room_of
from sites.capability import Proof
from sites.errors import BlackstartError


def arm(state: Path, fault: Fault, undo: Undo, look: Callable[[], None]) -> Undo:
    """Prepare a fault and put the intent on disk: from here on anybody can undo.

    `look` is asked in between, as late as can be; when it raises, nothing is left of what was prepared.
    """
    intents = UndoIntents(state)
    try:
        data = fault.arm(room_of(state, undo.run))
        look()
    except BaseException:
        intents.remove(undo)
        raise
    armed = undo.model_copy(update={"data": data})
    intents.write(armed)
    return armed


def strike(state: Path, fault: Fault, armed: Undo) -> Proof:
    """Do the damage. The intent to undo it is on disk when this returns, and when it raises.

    Whoever stood still for a whole lease was taken for dead, and the intent carried out before there was
    anything to undo: then it is written once more, and the drill is broken off.
    """
    try:
        return fault.inject(left_of(armed, state))
    finally:
        if UndoIntents(state).of(armed.run) is None:
            UndoIntents(state).write(armed)
            raise BlackstartError("the intent to undo was carried out before the damage was done")
