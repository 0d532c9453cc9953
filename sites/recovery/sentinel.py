"""Detection: from probes alone, does the service still answer its clients?

Refusal (something answers, and says no) and silence (nothing answers) have thresholds of their own: a
refusal is certain at once, silence may be a lost packet.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Sign = Literal["good", "refused", "silent"]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """How many bad signs in a row make an outage. One sign is taken every `every_seconds`."""

    every_seconds: float
    refused: int
    silent: int


@dataclass(frozen=True, slots=True)
class Declaration:
    """That the service is gone, and the signs that say so, the newest last."""

    why: Literal["refused", "silent"]
    signs: tuple[Sign, ...]


class Tally:
    """Counts signs in a row, and declares. Pure: time and probing are the caller's."""

    def __init__(self, thresholds: Thresholds) -> None:
        self._thresholds = thresholds
        self._row: list[Sign] = []

    def add(self, sign: Sign) -> Declaration | None:
        """Take one more sign. A good one ends the row."""
        if sign == "good":
            self._row.clear()
            return None
        longest = max(self._thresholds.refused, self._thresholds.silent)
        self._row = [*self._row, sign][-longest:]
        if self._row.count("refused") >= self._thresholds.refused:
            return Declaration("refused", tuple(self._row))
        if len(self._row) >= self._thresholds.silent:
            return Declaration("silent", tuple(self._row))
        return None


def watch(probe: Callable[[], Sign], thresholds: Thresholds, stop: threading.Event) -> Declaration | None:
    """Probe on a steady beat until the service is declared gone, or until `stop` is set (None)."""
    tally = Tally(thresholds)
    due = time.monotonic()
    while not stop.is_set():
        declaration = tally.add(probe())
        if declaration is not None:
            return declaration
        due = max(due + thresholds.every_seconds, time.monotonic())
        stop.wait(max(0.0, due - time.monotonic()))
    return None
