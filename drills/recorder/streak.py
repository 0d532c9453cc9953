"""How long a stream has been served without a bad operation, known live. Pure.

The judge says the same from the ledger afterwards. Here it only tells when to stop waiting, so it
errs on the side of waiting two intervals longer.
"""

from __future__ import annotations


class Streak:
    """The run of served operations up to the oldest one that is still under way.

    Served: acknowledged, and within `late_ns` of sending once that is known.
    """

    def __init__(self, interval_ns: int, late_ns: int | None) -> None:
        self.late_ns = late_ns
        self.slowest_ns = 0
        self.bad_count = 0
        self.served_count = 0
        self._interval_ns = interval_ns
        self._under_way: dict[int, int] = {}
        self._since_ns: int | None = None
        self._newest_settled_ns = 0

    @property
    def oldest_ns(self) -> int | None:
        """When the oldest of what is still under way was sent."""
        return next(iter(self._under_way.values()), None)

    @property
    def length_ns(self) -> int:
        """Length of the run, by times of sending; an operation still under way ends it for now."""
        if self._since_ns is None:
            return 0
        oldest_ns = self.oldest_ns
        frontier = self._newest_settled_ns if oldest_ns is None else oldest_ns - self._interval_ns
        return max(0, frontier - self._since_ns - self._interval_ns)

    def begin(self, now_ns: int) -> None:
        """Count from here: what was served before the fault was complete says nothing about after it."""
        self._since_ns = now_ns

    def sent(self, number: int, sent_ns: int) -> None:
        self._under_way[number] = sent_ns
        if self._since_ns is None:
            self._since_ns = sent_ns

    def settled(self, number: int, completed_ns: int, *, acknowledged: bool) -> None:
        sent_ns = self._under_way.pop(number)
        self._newest_settled_ns = max(self._newest_settled_ns, sent_ns)
        latency_ns = completed_ns - sent_ns
        if not acknowledged or (self.late_ns is not None and latency_ns > self.late_ns):
            self._since_ns = max(self._since_ns or 0, sent_ns)
            self.slowest_ns = 0
            self.bad_count += 1
        else:
            self.served_count += 1
            self.slowest_ns = max(self.slowest_ns, latency_ns)
