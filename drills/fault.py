"""The damage a drill does: one small protocol, and the table of those who keep it.

A fault resolves its targets while everything is healthy (`ready`), so that `inject` is as short as the
damage itself. What healing needs is data, on disk before the damage is done: `heal` may be called in
another process, long after, and again and again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from sites.capability import Proof, Target

Undone = Literal["reverted", "target_gone", "stuck", "reverted, fenced"]


@dataclass(frozen=True, slots=True)
class Healing:
    """How an undo ended, and how we know."""

    undone: Undone
    how: str


class Fault(Protocol):
    """One kind of damage, bound to the estate it would hit."""

    @property
    def reversible(self) -> bool: ...

    def ready(self) -> list[Target]:
        """Resolve the targets. Raises GuardError when there is nothing to hit."""
        ...

    def inject(self) -> Proof:
        """Do the damage; return, with the proof, once the last target is hit."""
        ...

    def expected(self) -> str:
        """What a person should expect to see."""
        ...

    def undo(self) -> str:
        """What healing will do, in words."""
        ...

    def heal(self, targets: Sequence[str]) -> Healing:
        """Undo the damage to the named targets as far as that is safe. Never makes a second writer."""
        ...
