"""Millions of operations, a few bytes each: one slot an operation, in the order of their intents."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import Final

UNSETTLED: Final = 0
ACKNOWLEDGED: Final = 1
FAILED: Final = 2
INDETERMINATE: Final = 3
OUTCOME_MASK: Final = 3
CODES: Final = {"acknowledged": ACKNOWLEDGED, "failed": FAILED, "indeterminate": INDETERMINATE}

_LAG_FAR: Final = -(2**31)
_LATENCY_FAR: Final = 2**32 - 1


def states(wanted: Callable[[int], bool]) -> bytes:
    """A translation table that marks the states for which `wanted` holds with 1, all others with 0."""
    return bytes(wanted(state) for state in range(256))


def positions(state: bytearray, table: bytes) -> Iterator[int]:
    """The slots whose state `table` marks, rising."""
    marked = state.translate(table)
    slot = marked.find(1)
    while slot >= 0:
        yield slot
        slot = marked.find(1, slot + 1)


_UNSETTLED_STATES: Final = states(lambda state: state & OUTCOME_MASK == UNSETTLED)


class Column:
    """The operations of one act of one stream.

    `state` holds an outcome in its low two bits; the other bits are the owner's. The schedule is kept as runs
    of equal steps. Send lag and latency take four bytes each, exact to the nanosecond; the few that do not
    fit (beyond 2.1 s and 4.2 s) are kept aside.
    """

    def __init__(self) -> None:
        self.state = bytearray()
        self.address = bytearray()
        self._lag = array("i")
        self._latency = array("I")
        self._far_lag: dict[int, int] = {}
        self._far_latency: dict[int, int] = {}
        self._first = array("q")
        self._base = array("q")
        self._due = array("q")
        self._step = array("q")
        self._rising = True
        self._unbroken = True
        self._last = -1
        self.lag_max_ns = 0
        self._latency_max_ns = 0

    def __len__(self) -> int:
        return len(self.state)

    def intend(self, first: int, count: int, due_ns: int, step_ns: int) -> int:
        """Add `count` slots, the numbers from `first` on; the answer is the first slot."""
        slot = len(self.state)
        if not self._extends(first, count, due_ns, step_ns):
            self._unbroken = self._unbroken and (not slot or first == self._last + 1)
            self._rising = self._rising and first > self._last
            self._first.append(first)
            self._base.append(slot)
            self._due.append(due_ns)
            self._step.append(step_ns)
        self._last = first + count - 1
        self.state.extend(bytes(count))
        self.address.extend(bytes(count))
        self._lag.frombytes(bytes(4 * count))
        self._latency.frombytes(bytes(4 * count))
        return slot

    def _extends(self, first: int, count: int, due_ns: int, step_ns: int) -> bool:
        if not self._base or first != self._last + 1:
            return False
        due = self._due[-1] + (len(self.state) - self._base[-1]) * self._step[-1]
        return due == due_ns and (count == 1 or step_ns == self._step[-1])

    @property
    def last_number(self) -> int:
        """The number intended last, or -1."""
        return self._last

    def find(self, number: int) -> int:
        """The slot of `number`, or -1. Only for columns whose numbers rise."""
        if self._unbroken:
            slot = number - self._first[0] if self._first else -1
            return slot if 0 <= slot < len(self.state) else -1
        run = bisect_right(self._first, number) - 1
        if run < 0:
            return -1
        slot = self._base[run] + number - self._first[run]
        end = self._base[run + 1] if run + 1 < len(self._base) else len(self.state)
        return slot if slot < end else -1

    def settle(
        self, slot: int, due_ns: int, sent_ns: int, completed_ns: int, outcome: int, address: int
    ) -> None:
        """Record how the operation in an unsettled `slot`, due at `due_ns`, went."""
        self.state[slot] |= outcome
        self.address[slot] = address
        lag, latency = sent_ns - due_ns, completed_ns - sent_ns
        if -_LAG_FAR > lag > _LAG_FAR:
            self._lag[slot] = lag
        else:
            self._lag[slot] = _LAG_FAR
            self._far_lag[slot] = lag
        if latency < _LATENCY_FAR:
            self._latency[slot] = latency
        else:
            self._latency[slot] = _LATENCY_FAR
            self._far_latency[slot] = latency
        if lag > self.lag_max_ns:
            self.lag_max_ns = lag
        if latency > self._latency_max_ns:
            self._latency_max_ns = latency

    def timings(self, since_ns: int = 0) -> Iterator[tuple[int, int, int]]:
        """(sent, completed, outcome) of every settled operation.

        Those completed before `since_ns` may be left out.
        """
        horizon = since_ns - self.lag_max_ns - self._latency_max_ns
        for run, base in enumerate(self._base):
            end = self._base[run + 1] if run + 1 < len(self._base) else len(self.state)
            due, step = self._due[run], self._step[run]
            skipped = min(max(0, (horizon - due) // step), end - base)
            yield from self._timings(base + skipped, end, due + skipped * step, step)

    def _timings(self, start: int, end: int, due: int, step: int) -> Iterator[tuple[int, int, int]]:
        columns = (memoryview(each)[start:end] for each in (self._lag, self._latency, self.state))
        for slot_due, lag, latency, state in zip(
            range(due, due + (end - start) * step, step), *columns, strict=True
        ):
            outcome = state & OUTCOME_MASK
            if outcome:
                if lag == _LAG_FAR or latency == _LATENCY_FAR:
                    slot = start + (slot_due - due) // step
                    yield self.sent_ns(slot), self.completed_ns(slot), outcome
                else:
                    sent = slot_due + lag
                    yield sent, sent + latency, outcome

    def unsettled(self) -> Iterator[int]:
        """The slots whose operation has no recorded outcome."""
        return positions(self.state, _UNSETTLED_STATES)

    def number(self, slot: int) -> int:
        run = self._run(slot)
        return self._first[run] + slot - self._base[run]

    def due_ns(self, slot: int) -> int:
        """When the operation was to be sent."""
        run = self._run(slot)
        return self._due[run] + (slot - self._base[run]) * self._step[run]

    def sent_ns(self, slot: int) -> int:
        return self.due_ns(slot) + self.lag_ns(slot)

    def completed_ns(self, slot: int) -> int:
        latency = self._latency[slot]
        return self.sent_ns(slot) + (self._far_latency[slot] if latency == _LATENCY_FAR else latency)

    def lag_ns(self, slot: int) -> int:
        """How long after its time the operation was sent."""
        lag = self._lag[slot]
        return self._far_lag[slot] if lag == _LAG_FAR else lag

    def _run(self, slot: int) -> int:
        return bisect_right(self._base, slot) - 1 if len(self._base) > 1 else 0
