"""The drill that every golden case is a variation of: small, with 20 ms late and 100 ms stable."""

from __future__ import annotations

from typing import Any

from tests.rto_rpo.ledgers import (
    MS,
    PlantedDrill,
    drill_of,
    header,
)

Fields = dict[str, Any]
FAULT = {"fault_begin", "fault_end", "fault_effective"}
FAILED = {"outcome": "failed", "cause": "refused"}
UNKNOWN = {"outcome": "indeterminate", "cause": "timeout"}
Planted = tuple[str, PlantedDrill, Fields]


def small(**planted: Any) -> PlantedDrill:
    """Late 20 ms, stable 100 ms, and as short as can be."""
    head = header(**{"late_ns": 20 * MS, "stable_ns": 100 * MS, **planted.pop("head", {})})
    whole = {"steady_ns": 200 * MS, "outage_ns": 100 * MS, "after_ns": 250 * MS, "head": head}
    return PlantedDrill(**{**whole, **planted})


def nobodys(**planted: Any) -> PlantedDrill:
    return small(head={"drill": drill_of("none")}, without=FAULT, **planted)
