"""No fault of ours: the drill only watches and measures what somebody else does."""

from __future__ import annotations

from pathlib import Path

from drills.fault import Healing, Left
from sites.capability import Proof, Target


class NoFault:
    reversible = True
    revives = False

    def ready(self) -> list[Target]:
        return []

    def arm(self, room: Path) -> dict[str, object]:
        del room
        return {}

    def inject(self, left: Left) -> Proof:
        del left
        return Proof(True, "nothing was injected")

    def effective(self, left: Left) -> Proof:
        del left
        return Proof(False, "nothing was injected")

    def heal(self, left: Left) -> Healing:
        return Healing("reverted", f"nothing was injected, so nothing of {len(left.targets)} targets was hit")

    def healed(self, left: Left) -> Proof:
        del left
        return Proof(True, "nothing was injected")

    def expected(self) -> str:
        return "nothing of ours; whatever happens is measured"

    def undo(self) -> str:
        return "nothing to undo"
