"""The damage a drill does: one small protocol, kept by every file of drills/faults.

    ready      resolve the targets while everything is healthy; changes nothing
    arm        prepare what takes time; the answer is what healing needs, and is on disk before `inject`
    inject     do the damage, as short as the damage itself
    effective  is it in force now?
    heal       take it away again as far as that is safe: in another process, long after, again and again
    healed     is it gone?

What a fault of another process left is known from disk alone: see `Left`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from sites.capability import Proof, Target
from sites.errors import BlackstartError

Undone = Literal["reverted", "target_gone", "stuck", "reverted, fenced"]


@dataclass(frozen=True, slots=True)
class Healing:
    """How an undo ended, and how we know. `known` is false where it counts as stuck because nobody does."""

    undone: Undone
    how: str
    known: bool = True


@dataclass(frozen=True, slots=True)
class Left:
    """What is on disk about one fault. `targets` are the processes that ran, `data` is what `arm` answered.

    `room` is a folder of the fault's own, for what has to be put back. `last` is true for whoever tries for
    the last time: what cannot be found out then counts as the worst.
    """

    targets: tuple[str, ...]
    room: Path
    data: Mapping[str, object] = field(default_factory=dict)
    last: bool = False


class Fault(Protocol):
    """One kind of damage, bound to the estate it would hit."""

    @property
    def reversible(self) -> bool: ...

    @property
    def revives(self) -> bool:
        """Whether healing may bring a database back, so that no failover may run beside it."""
        ...

    def ready(self) -> list[Target]:
        """Resolve the targets; changes nothing. Raises GuardError when there is nothing to hit, or no way."""
        ...

    def arm(self, room: Path) -> dict[str, object]:
        """Prepare, where nobody notices. The answer must make a JSON object."""
        ...

    def inject(self, left: Left) -> Proof:
        """Do the damage; return, with the proof, once the last target is hit."""
        ...

    def effective(self, left: Left) -> Proof:
        """Whether the damage is in force now."""
        ...

    def heal(self, left: Left) -> Healing:
        """Undo the damage as far as that is safe. Never makes a second writer. Harmless to repeat."""
        ...

    def healed(self, left: Left) -> Proof:
        """Whether nothing of the damage is left."""
        ...

    def expected(self) -> str:
        """What a person should expect to see."""
        ...

    def undo(self) -> str:
        """What healing will do, in words."""
        ...


@runtime_checkable
class Following(Protocol):
    """A fault of which a part strikes later: when the runbook has come to a milestone."""

    @property
    def milestone(self) -> str: ...

    def follow(self, left: Left) -> Proof:
        """Do that part of the damage; the proof says whether it is in force."""
        ...


def in_words(error: BaseException) -> str:
    """What broke something off, for the evidence."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted by the operator"
    return str(error) if isinstance(error, BlackstartError) else f"{type(error).__name__}: {error}"


def undone(fault: Fault, left: Left) -> Healing:
    """Heal, and believe it only when it is seen: what is said to be reverted and is not, is stuck."""
    healing = fault.heal(left)
    if healing.undone != "reverted":
        return healing
    proof = fault.healed(left)
    return healing if proof.holds else Healing("stuck", f"{healing.how}; yet {proof.how}")
