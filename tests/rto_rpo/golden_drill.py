"""The drill that every golden case is a variation of: small, with 20 ms late and 100 ms stable."""

from __future__ import annotations

from typing import Any

from tests.rto_rpo.ledgers import (
    MS,
    PlantedDrill,
    drill_of,
    header,
    intents,
    operation,
)

Fields = dict[str, Any]
FAULT = {"fault_begin", "fault_end", "fault_effective"}
FAILED = {"outcome": "failed", "cause": "refused"}
NO = {"outcome": "failed", "cause": "25006"}
UNKNOWN = {"outcome": "indeterminate", "cause": "timeout"}
Planted = tuple[str, PlantedDrill, Fields]


def small(**planted: Any) -> PlantedDrill:
    """Late 20 ms, stable 100 ms, and as short as can be."""
    head = header(**{"late_ns": 20 * MS, "stable_ns": 100 * MS, **planted.pop("head", {})})
    whole = {"steady_ns": 200 * MS, "outage_ns": 100 * MS, "after_ns": 250 * MS, "head": head}
    return PlantedDrill(**{**whole, **planted})


def nobodys(**planted: Any) -> PlantedDrill:
    head = {"drill": drill_of("none"), **planted.pop("head", {})}
    return small(head=head, without=FAULT, **planted)


def worked(drill: PlantedDrill, before_ns: int = 5 * MS) -> list[Fields]:
    """A write that the old primary took in 1 ms, `before_ns` before the fault; until b it refuses all."""
    due = drill.f0 - before_ns
    found = [intents(900, 1, due, stream="old", ns=due)]
    found.append(operation(900, due, stream="old", address="old"))
    since = [drill.due(number) for number in range(drill.count) if drill.due(number) >= drill.f0]
    until = drill.f0 + drill.outage_ns + drill.interval_ns
    for number, due in enumerate([each for each in since if each < until], 901):
        found += [intents(number, 1, due, stream="old", ns=due), operation(number, due, stream="old", **NO)]
    return found


def addressed(drill: PlantedDrill) -> PlantedDrill:
    """Clients are answered by `old` until the fault, and by `dr` after it."""
    for number in range(drill.count):
        if not drill.is_down(number):
            drill.instead.setdefault(number, {"address": "old" if drill.due(number) < drill.f0 else "dr"})
    return drill
