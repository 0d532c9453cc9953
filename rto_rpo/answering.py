"""What a check of a drill answers: what its gate was declared to, in fixed words, and never by its name.

A gate's check is named after its service, and a service may be called anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, get_args

Word = Literal[
    "isolated",
    "kill",
    "shutdown",
    "cancel-on-disconnect",
    "orders",
    "fills",
    "positions",
    "cash",
    "limits",
    "market-data",
    "secrets",
    "clocks",
    "parity",
    "backup",
]
"""What a gate may be declared to answer. A word of its own for each thing: orders never answer for cash."""

DECLARED: Final[frozenset[str]] = frozenset(get_args(Word))
WINDOW: Final = "window"
RUNBOOK: Final = "runbook"
FAILBACK: Final = "failback"
GIVE_UP: Final = "give-up"
OWN: Final[frozenset[str]] = frozenset(
    {WINDOW, RUNBOOK, FAILBACK, GIVE_UP, "undo", "revival", "bystanders", "second fault"}
)
"""The names of a drill's own checks, which answer for themselves. No gate can give one of these names."""


def answered(name: str, source: str, detail: Mapping[str, Any]) -> frozenset[str]:
    """The words that an event answers. In a ledger without such words the gate's checks answer nothing."""
    if name != "check":
        return frozenset()
    if source == "drill":
        return OWN & {detail.get("name")}
    declared = detail.get("answers")
    said = {one for one in declared if isinstance(one, str)} if isinstance(declared, list) else set()
    return DECLARED & said if source == "responder" else frozenset()
