"""What is kept of where a plan stands: one entry, and the one that it came from while an act is under way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args
from uuid import uuid4

State = Literal[
    "serving at home",
    "failing over",
    "failed over",
    "switching over",
    "switched over",
    "failing back",
    "failing over home",
    "failed over home",
    "failing back home",
]

HOME: State = "serving at home"


@dataclass(frozen=True, slots=True)
class Begun:
    """One act that has begun. `run` names it: what it has raised is known by that.

    `cold` and `plan` (its SHA-256) are what it began with; whoever goes on with it follows them. `steps` are
    those that it had begun when another act took its place. `taken_back`: it is being abandoned. `stopped`:
    it has stopped what still ran at the site that it fenced.
    """

    run: str = ""
    cold: bool = False
    plan: str = ""
    steps: tuple[str, ...] = ()
    taken_back: bool = False
    stopped: bool = False

    @property
    def promoted(self) -> bool:
        """Whether it may have made another site the writable one."""
        return any(step.startswith("promote ") for step in self.steps)

    def named(self) -> Begun:
        """The same, as an act of its own."""
        return replace(self, run=uuid4().hex)


@dataclass(frozen=True, slots=True)
class Entry:
    """`earlier` is what it stands at again once the act that is under way is taken back."""

    stands: State = HOME
    begun: Begun = Begun()
    earlier: Entry | None = None

    def told(self) -> dict[str, Any]:
        before = self.earlier or self
        earlier = self.earlier.told() if self.earlier is not None else None
        return {
            "stands": self.stands,
            "before": before.stands,
            "begun": asdict(self.begun),
            "earlier": earlier,
        }


def entry_of(told: Mapping[str, Any]) -> Entry:
    """Raises ValueError, KeyError or TypeError for what makes no sense."""
    stands, before = told["stands"], told["before"]
    if stands not in get_args(State) or before not in get_args(State):
        raise ValueError(f"no state: {stands}, {before}")
    earlier = told.get("earlier")
    if earlier is None and before != stands:  # as it was written before more was kept
        return Entry(stands, _begun(told), Entry(before))
    return Entry(stands, _begun(told), entry_of(earlier) if earlier is not None else None)


def _begun(told: Mapping[str, Any]) -> Begun:
    kept = dict(told.get("begun") or {})
    return Begun(**{**kept, "steps": tuple(kept.get("steps", ()))})
