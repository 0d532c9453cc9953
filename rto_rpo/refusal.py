"""Whose refusal it was: the server's own, or that of a machine where perhaps nothing listens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

# PostgreSQL's words for a server that takes no writes, and for a user who may not write; and that of a
# command that exits with EX_NOPERM. A closed port or silence is what a dead server gives too.
OWN_REFUSALS: Final = frozenset({"25006", "42501", "denied"})
# Nobody listens at its port, or its server lets nobody in: it starts, or it stops. One that is full, or does
# not know us, lets others in.
_TURNED_AWAY: Final = "turned away"
_REJECTED: Final = "rejected"
_CLOSED: Final = frozenset({"refused", _TURNED_AWAY})
# A fence that holds by itself, until the server is brought back. That nothing runs is true when it is proven;
# that a write was refused, or that a lease has passed, says nothing of another moment, or another address.
STANDING_FENCES: Final = frozenset({"own fence", "power off"})
GONE_FENCE: Final = frozenset({"gone"})
_CAUSES_TOLD: Final = 5


def refused_by_server(outcome: str, cause: str) -> bool:
    """Whether a server that runs said no to a write, and so provably did not do it."""
    return outcome == "failed" and cause in OWN_REFUSALS


def closed(cause: str) -> bool:
    """Whether a write failed as its machine said that there is no way in, which tells nothing of a fence."""
    return cause in _CLOSED


def answered(outcome: str, cause: str) -> bool:
    """Whether a server that runs said anything at all to a write that failed."""
    return refused_by_server(outcome, cause) or cause in {_TURNED_AWAY, _REJECTED}


def fence_kinds(detail: Mapping[str, object]) -> frozenset[str]:
    """By which proofs of the table a fence was proven; none where that is not known."""
    proof = detail.get("proof")
    return frozenset(proof.split(", ")) if isinstance(proof, str) and proof else frozenset()


def by_cause(causes: Counter[str]) -> str:
    """The commonest causes and how often each came, in brackets; nothing where there are none."""
    common = causes.most_common()
    told = [f"{cause or 'no cause'}: {count}" for cause, count in common[:_CAUSES_TOLD]]
    others = sum(count for _, count in common[_CAUSES_TOLD:])
    told += [f"others: {others}"] if others else []
    return f" ({', '.join(told)})" if told else ""
