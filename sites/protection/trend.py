"""How exposed a dataset was: the age of its newest point at DR just before the next one arrived."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from statistics import median
from typing import Literal

from sites.protection.history import Event

Trend = Literal["growing", "steady", "shrinking"]
PEAKS_MAX = 20
_TOLD_FROM = 6
_GREW, _SHRANK = 1.25, 0.8


def peaks(dataset: str, repository: str, events: Sequence[Event]) -> tuple[float, ...]:
    """The last exposures in seconds, oldest first, each at its highest: when a newer point arrived.

    A point that never arrived is no arrival, and an arrival that brought nothing newer is none either.
    """
    found, held = [], None
    for seen, taken in _arrivals(dataset, repository, events):
        if held is not None and taken > held:
            found.append(max(0.0, (seen - held).total_seconds()))
        held = taken if held is None else max(held, taken)
    return tuple(found[-PEAKS_MAX:])


def direction(seconds: Sequence[float]) -> Trend | None:
    """Whether the newest third of the peaks is higher than those before; None while there are too few."""
    if len(seconds) < _TOLD_FROM:
        return None
    third = len(seconds) // 3
    before, now = median(seconds[:-third]), median(seconds[-third:])
    if now > before * _GREW:
        return "growing"
    return "shrinking" if now < before * _SHRANK else "steady"


def _arrivals(dataset: str, repository: str, events: Sequence[Event]) -> Iterator[tuple[datetime, datetime]]:
    """When a point was seen in the repository, and when its content was taken: copied there or made there."""
    for event in events:
        if event.repository != repository or event.outcome != "done":
            continue
        if event.kind == "replication":
            taken = event.detail.get("newest", {}).get(dataset)
        else:
            taken = event.detail.get("taken") if (event.kind, event.dataset) == ("backup", dataset) else None
        if isinstance(taken, str):
            yield event.utc, datetime.fromisoformat(taken)
