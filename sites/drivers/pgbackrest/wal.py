"""Segments of PostgreSQL's log by their names: which one comes next, and how far they go without a gap."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sites.errors import RepositoryError

_LOG_BYTES = 1 << 32  # so much of the log is numbered by the second eight digits


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """`number` counts from the very beginning, `timeline` goes up with each promotion."""

    timeline: int
    number: int
    bytes: int

    @classmethod
    def read(cls, name: str, segment_bytes: int) -> Segment:
        """Raises RepositoryError for what is no name of a segment."""
        try:
            timeline, log, part = (int(name[at : at + 8], 16) for at in (0, 8, 16))
        except ValueError:
            raise RepositoryError(f"{name!r} is no segment of a PostgreSQL log") from None
        return cls(timeline, log * (_LOG_BYTES // segment_bytes) + part, segment_bytes)

    @property
    def name(self) -> str:
        log, part = divmod(self.number, _LOG_BYTES // self.bytes)
        return f"{self.timeline:08X}{log:08X}{part:08X}"

    @property
    def begins(self) -> int:
        """Where it begins, in bytes from the beginning of the log."""
        return self.number * self.bytes

    @property
    def end(self) -> str:
        """The position in the log just after it, as PostgreSQL writes one."""
        position = (self.number + 1) * self.bytes
        return f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"

    @property
    def before(self) -> Segment:
        return Segment(self.timeline, self.number - 1, self.bytes)


def unbroken(first: Segment, there: Collection[str]) -> list[Segment]:
    """The segments from `first` on, one after the other, until one is not there.

    A promotion goes on with a higher timeline, and recovery follows the highest; never back to a lower one.
    """
    held = [Segment.read(name, first.bytes) for name in there]
    by_number: dict[int, list[int]] = {}
    for segment in held:
        by_number.setdefault(segment.number, []).append(segment.timeline)
    found: list[Segment] = []
    timeline, number = first.timeline, first.number
    while reachable := [t for t in by_number.get(number, ()) if t >= timeline]:
        timeline = max(reachable)
        found.append(Segment(timeline, number, first.bytes))
        number += 1
    return found
