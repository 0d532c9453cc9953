"""What is known live: whether the service is steady before the fault, and stable after it.

The verdict is the judge's. This only tells when to go on, by the same rules.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from drills.recorder.config import RecorderConfig
from drills.recorder.history import History
from drills.recorder.streak import Streak

LATE_NS_MIN = 100_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What the drill asked for, in ns. `ours` is false where the fault is somebody else's."""

    steady_ns: int
    stable_ns: int
    deadline_ns: int
    ours: bool

    @classmethod
    def of(cls, config: RecorderConfig) -> Limits:
        ours = config.header["drill"]["fault"].get("kind") != "none"
        return cls(config.steady_ns, config.stable_ns, config.deadline_ns, ours)


class Progress:
    """Follows the streaks of the clients' streams and the events that divide them."""

    def __init__(self, limits: Limits, late_ns: int | None) -> None:
        self.history = History()
        self.streaks: list[Streak] = []
        self.controls: list[Streak] = []
        self.marks: list[Streak] = []
        self.late_ns = late_ns
        self.orphaned = False
        self._limits = limits
        self._fault_begin_ns: int | None = None
        self._bad_before = 0

    @property
    def streak_ns(self) -> int:
        """For how long every stream of clients has been served, up to now."""
        return min((streak.length_ns for streak in self.streaks), default=0)

    @property
    def fault_begun(self) -> bool:
        return self._fault_begin_ns is not None

    @property
    def steady(self) -> bool:
        """Every stream of clients is served, and so is the control: without it nothing will be proven.

        Of marks one has to be there: they may be minutes apart.
        """
        if self.fault_begun or not all(streak.served_count for streak in self.marks):
            return False
        shortest_ns = min([self.streak_ns, *(streak.length_ns for streak in self.controls)])
        return shortest_ns >= self._limits.steady_ns

    @property
    def stable(self) -> bool:
        """A run counts from the fault's end. A fault that is not ours must have been seen first."""
        if not self.history.has("fault_begin" if self.orphaned else "fault_end"):
            return False
        seen = self._limits.ours or self._bad_count > self._bad_before
        return seen and self.streak_ns >= self._limits.stable_ns

    @property
    def deadline_passed(self) -> bool:
        begin_ns = self._fault_begin_ns
        return begin_ns is not None and time.monotonic_ns() > begin_ns + self._limits.deadline_ns

    def freeze(self) -> int:
        """Fix `late`: as configured, or three times the slowest steady operation, but at least 100 ms."""
        slowest_ns = max((streak.slowest_ns for streak in self.streaks), default=0)
        self.late_ns = self.late_ns or max(LATE_NS_MIN, 3 * slowest_ns)
        for streak in [*self.streaks, *self.controls]:
            streak.late_ns = self.late_ns
        return self.late_ns

    def note(self, event: str, ns: int) -> None:
        """Take note of an event that was recorded at `ns`."""
        self.history.add(event)
        if event == "fault_begin":
            self._fault_begin_ns = ns
            self._bad_before = self._bad_count
        if event in {"fault_begin", "fault_end"}:
            for streak in self.streaks:
                streak.begin(ns)

    @property
    def _bad_count(self) -> int:
        return sum(streak.bad_count for streak in self.streaks)
