"""The checks of a run, each with the words that it answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rto_rpo.answering import answered
from rto_rpo.measurement import Verdict
from rto_rpo.report.model import Report


@dataclass(frozen=True, slots=True)
class Shown:
    """A check, and what it answers: by declaration, or as one of the drill's own."""

    name: str
    verdict: Verdict
    reason: str
    answers: frozenset[str]


def shown(report: Report) -> Iterator[Shown]:
    """In the order in which they were told."""
    for event in report.timeline.events:
        if words := answered(event.name, event.source, event.detail):
            told = event.detail
            yield Shown(told["name"], told["verdict"], told["reason"], words)
