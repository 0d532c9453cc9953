"""No fault of ours: the drill only watches and measures what somebody else does."""

from __future__ import annotations

from collections.abc import Sequence

from drills.fault import Healing
from sites.capability import Proof, Target


class NoFault:
    reversible = True

    def ready(self) -> list[Target]:
        return []

    def inject(self) -> Proof:
        return Proof(True, "nothing was injected")

    def expected(self) -> str:
        return "nothing of ours; whatever happens is measured"

    def undo(self) -> str:
        return "nothing to undo"

    def heal(self, targets: Sequence[str]) -> Healing:
        return Healing("reverted", f"nothing was injected, so nothing of {len(targets)} targets was hit")
