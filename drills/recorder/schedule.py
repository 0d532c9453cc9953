"""When each number is due, and which numbers to announce next. Pure arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

AHEAD_NS = 500_000_000
BATCH_NS = 250_000_000


@dataclass(frozen=True, slots=True)
class Batch:
    """Numbers `first` … `first + count - 1`; the first of them is due at `scheduled_ns`."""

    first: int
    count: int
    scheduled_ns: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """One number every `interval_ns`, from `start_ns` on, whatever becomes of them."""

    start_ns: int
    interval_ns: int

    def due_ns(self, number: int) -> int:
        return self.start_ns + number * self.interval_ns

    def next_batch(self, first: int, now_ns: int) -> Batch | None:
        """The batch that must be announced by now, so that it is on disk half a second ahead of time."""
        if self.due_ns(first) > now_ns + AHEAD_NS:
            return None
        return Batch(first, max(1, BATCH_NS // self.interval_ns), self.due_ns(first))
