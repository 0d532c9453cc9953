"""The change of the key that signs a plan's evidence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from drills.closing import signing_key, told_as_ours
from drills.keeping import kept_elsewhere
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
    """From the plan's key to that in the file. Raises BlackstartError."""
    old = signing_key(plan)
    if old is None:
        raise GuardError("the plan names no key, so there is none to change", hint="declare `evidence.key`")
    with told_as_ours("change", "the key"):
        new = load_key(to)
        head = rotate_key(plan.evidence.path, plan=plan.name, old=old, new=new, now=datetime.now(UTC))
    return Rotated(old.public.identity, new.public.identity, head, tuple(kept_elsewhere(plan, None)))
