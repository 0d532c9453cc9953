"""The change of the key that signs a plan's evidence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from drills.closing import signing_key, told_as_ours
from drills.guard import only_drill
from drills.keeping import kept_elsewhere
from rto_rpo.evidence.keeping import chain
from rto_rpo.evidence.keeping.adding import rotate_key
from rto_rpo.evidence.lines.signature import load_key
from sites.errors import GuardError
from sites.plan import Plan


@dataclass(frozen=True, slots=True)
class Rotated:
    """Identities of both keys, and the chain's new head."""

    old: str
    new: str
    head: str
    not_done: tuple[str, ...]


def rotate(plan: Plan, to: Path) -> Rotated:
    """From the plan's key to that in the file, with no drill of the plan beginning meanwhile.

    Raises GuardError while a run in the folder is not closed, BlackstartError.
    """
    old = signing_key(plan)
    if old is None:
        raise GuardError("the plan names no key, so there is none to change", hint="declare `evidence.key`")
    with only_drill(plan.state), told_as_ours("change", "the key"):
        new = load_key(to)
        _require_all_closed(plan.evidence.path)
        head = rotate_key(plan.evidence.path, plan=plan.name, old=old, new=new, now=datetime.now(UTC))
    return Rotated(old.public.identity, new.public.identity, head, tuple(kept_elsewhere(plan, None)))


def _require_all_closed(root: Path) -> None:
    """Its own process could not close it by the old key any more, nor say what it measured."""
    if left := chain.unfinished(root):
        raise GuardError(
            f"cannot change the key: run {left[0].path.name} is not closed, and only the key that opened it "
            "can tell its verdict",
            hint="wait for its end; where it has none, `blackstart recover` closes it",
        )
