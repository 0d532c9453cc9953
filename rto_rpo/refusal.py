"""Whose refusal it was: the server's own, or that of a machine where perhaps nothing listens."""

from __future__ import annotations

from typing import Final

# PostgreSQL's words for a server that takes no writes, and for a user who may not write; and that of a
# command that exits with EX_NOPERM. A closed port or silence is what a dead server gives too.
OWN_REFUSALS: Final = frozenset({"25006", "42501", "denied"})


def refused_by_server(outcome: str, cause: str) -> bool:
    """Whether a server that runs said no to a write, and so provably did not do it."""
    return outcome == "failed" and cause in OWN_REFUSALS
