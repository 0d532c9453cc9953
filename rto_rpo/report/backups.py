"""What came from a backup in a run, as its events tell: what only looked, or was carried over, did not."""

from __future__ import annotations

from rto_rpo.report import words
from rto_rpo.report.model import Event, Report

# Files are told as restored, a database that is filled as promoted.
TOLD = frozenset({"restored", "promoted"})


def restored(report: Report) -> list[Event]:
    """The events that name a dataset and say whether it is complete."""
    told = (one for one in report.timeline.events if one.name in TOLD)
    return [one for one in told if isinstance(one.detail.get("dataset"), str) and "complete" in one.detail]


def taken(event: Event) -> str:
    """When what came back was taken, as the event tells it."""
    told = event.detail.get("taken")
    if isinstance(told, str) and told.endswith(("Z", "+00:00")):
        return f"{words.moment(told)} UTC"
    return str(told or "unknown")
