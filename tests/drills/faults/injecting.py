"""One life of a fault, first of a drill and then of a stranger, who knows but what is on disk."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from drills.fault import Fault, Healing, Left, undone
from drills.faults import bound
from drills.undo import room_of
from sites.capability import Target
from sites.estate import Estate
from sites.plan.faults import Fault as Noun


def fault(estate: Estate, **declared: Any) -> Fault:
    """As a plan declares it."""
    return bound(estate, TypeAdapter(Noun).validate_python(declared))


@dataclass(frozen=True)
class Injected:
    """A fault that is in force, and what was found to be its targets."""

    estate: Estate
    declared: dict[str, Any]
    targets: list[Target]
    left: Left

    def effective(self) -> bool:
        return fault(self.estate, **self.declared).effective(self.left).holds

    def heal(self) -> Healing:
        """By an instance that knows nothing but what an intent on disk says."""
        return undone(fault(self.estate, **self.declared), self.left)


def inject(estate: Estate, **declared: Any) -> Injected:
    """From ready to effective. What is to be changed must not be before."""
    made = fault(estate, **declared)
    targets = made.ready()
    assert targets
    room = room_of(estate.state, "a-run")
    data = json.loads(json.dumps(made.arm(room)))
    names = tuple(target.name for target in targets if target.kind == "process")
    left = Left(names, room, data)
    assert not made.effective(left).holds, "armed, it already is in force"
    proof = made.inject(left)
    assert proof.holds, proof.how
    injected = Injected(estate, declared, targets, left)
    assert injected.effective()
    return injected


def check_healed(injected: Injected) -> Healing:
    """Healed, no longer in force, and healed again with the same end."""
    healing = injected.heal()
    assert healing.undone == "reverted", healing
    assert not injected.effective()
    assert injected.heal().undone == "reverted"
    return healing
