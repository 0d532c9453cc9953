"""How many operations were served and how many were not, over time, in a bounded number of bins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

BINS_MAX = 480
FIRST_BIN_NS = 1_000_000


@dataclass(slots=True)
class Density:
    """Counts in equal bins from `origin_ns` on.

    A growing density doubles its bins' width when something falls beyond the last; a fixed one leaves it out.
    """

    origin_ns: int
    bin_ns: int = FIRST_BIN_NS
    grows: bool = True
    served: list[int] = field(default_factory=lambda: [0] * BINS_MAX)
    bad: list[int] = field(default_factory=lambda: [0] * BINS_MAX)

    def add(self, instants: Collection[int], *, served: bool) -> None:
        """Count the operations that were sent at these instants (ns)."""
        if not instants:
            return
        latest = max(instants)
        while self.grows and (latest - self.origin_ns) // self.bin_ns >= BINS_MAX:
            self._double()
        counts, origin, width = self.served if served else self.bad, self.origin_ns, self.bin_ns
        for place, count in Counter([(ns - origin) // width for ns in instants]).items():
            if 0 <= place < BINS_MAX:
                counts[place] += count

    def until(self, ns: int) -> tuple[list[int], list[int]]:
        """(served, bad) of the bins that begin before `ns`."""
        count = min(BINS_MAX, max(1, -(-(ns - self.origin_ns) // self.bin_ns)))
        return self.served[:count], self.bad[:count]

    def _double(self) -> None:
        self.bin_ns *= 2
        for counts in (self.served, self.bad):
            pairs = [a + b for a, b in zip(counts[::2], counts[1::2], strict=True)]
            counts[:] = pairs + [0] * (BINS_MAX - len(pairs))


def fixed(begin_ns: int, end_ns: int) -> Density:
    """A density over exactly this stretch."""
    return Density(begin_ns, max(1, -(-(end_ns - begin_ns) // BINS_MAX)), grows=False)
