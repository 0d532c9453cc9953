"""Millions of operations, a few bytes each: one slot an operation, in the order of their intents."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Final, NamedTuple

from rto_rpo.ledger.records import LIMIT

UNSETTLED: Final = 0
ACKNOWLEDGED: Final = 1
FAILED: Final = 2
INDETERMINATE: Final = 3
OUTCOME_MASK: Final = 3
CODES: Final = {"acknowledged": ACKNOWLEDGED, "failed": FAILED, "indeterminate": INDETERMINATE}

LAG_FAR: Final = -(2**31)
LATENCY_FAR: Final = 2**32 - 1


class Run(NamedTuple):
    """Numbers `first` to `end` - 1 in the slots from `base` on, due one `step_ns` after the other.

    That they would be sent was on record at `told_ns`.
    """

    first: int
    end: int
    base: int
    due_ns: int
    step_ns: int
    told_ns: int


_NO_RUN: Final = Run(0, 0, 0, 0, 1, 0)


def states(wanted: Callable[[int], bool]) -> bytes:
    """A translation table that marks the states for which `wanted` holds with 1, all others with 0."""
    return bytes(wanted(state) for state in range(256))


def positions(state: bytearray, table: bytes) -> Iterator[int]:
    """The slots whose state `table` marks, rising."""
    return places(state.translate(table), 1)


def places(values: bytearray, wanted: int) -> Iterator[int]:
    """The slots that hold the `wanted` value, rising."""
    slot = values.find(wanted)
    while slot >= 0:
        yield slot
        slot = values.find(wanted, slot + 1)


_OUTCOMES: Final = bytes(state & OUTCOME_MASK for state in range(256))
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
        self.lag = array("i")
        self.latency = array("I")
        self.last_number = -1
        self.run = _NO_RUN
        self.far_lag: dict[int, int] = {}
        self._far_latency: dict[int, int] = {}
        self._first = array("q")
        self._base = array("q")
        self._due = array("q")
        self._step = array("q")
        self._told = array("q")
        self._reach_ns, self._reach_of = 0, 0

    def __len__(self) -> int:
        return len(self.state)

    def intend(self, first: int, count: int, due_ns: int, step_ns: int, told_ns: int = 0) -> int:
        """Add `count` slots, the numbers from `first` on; the answer is the first slot."""
        slot = len(self.state)
        if not self._extends(first, count, due_ns, step_ns, told_ns):
            self._first.append(first)
            self._base.append(slot)
            self._due.append(due_ns)
            self._step.append(step_ns)
            self._told.append(told_ns)
        self.last_number = first + count - 1
        self.state.extend(bytes(count))
        self.address.extend(bytes(count))
        self.lag.frombytes(bytes(4 * count))
        self.latency.frombytes(bytes(4 * count))
        self.run = self._run_at(len(self._base) - 1)
        return slot

    @property
    def first_due_ns(self) -> int | None:
        """The earliest time at which anything was due."""
        return min(self._due, default=None)

    def _extends(self, first: int, count: int, due_ns: int, step_ns: int, told_ns: int) -> bool:
        if not self._base or first != self.last_number + 1 or told_ns != self._told[-1]:
            return False
        due = self._due[-1] + (len(self.state) - self._base[-1]) * self._step[-1]
        return due == due_ns and (count == 1 or step_ns == self._step[-1])

    def _run_at(self, index: int) -> Run:
        base = self._base[index]
        end = self._base[index + 1] if index + 1 < len(self._base) else len(self.state)
        first = self._first[index]
        due, step, told = self._due[index], self._step[index], self._told[index]
        return Run(first, first + end - base, base, due, step, told)

    def find(self, number: int) -> int:
        """The slot of `number`, or -1; `run` is then the run it is in. Only where the numbers rise."""
        first, end, base, _, _, _ = self.run
        if first <= number < end:
            return base + number - first
        index = bisect_right(self._first, number) - 1
        if index < 0:
            return -1
        run = self._run_at(index)
        if number >= run.end:
            return -1
        self.run = run
        return run.base + number - run.first

    def settle(
        self, slot: int, due_ns: int, sent_ns: int, completed_ns: int, outcome: int, address: int
    ) -> None:
        """Record how the operation in an unsettled `slot`, due at `due_ns`, went."""
        self.state[slot] |= outcome
        self.address[slot] = address
        lag, latency = sent_ns - due_ns, completed_ns - sent_ns
        if -LAG_FAR > lag > LAG_FAR:
            self.lag[slot] = lag
        else:
            self.lag[slot] = LAG_FAR
            self.far_lag[slot] = lag
        if latency < LATENCY_FAR:
            self.latency[slot] = latency
        else:
            self.latency[slot] = LATENCY_FAR
            self._far_latency[slot] = latency

    def lag_max_ns(self) -> int:
        return max(max(self.lag, default=0), *self.far_lag.values(), 0)

    def reach_ns(self) -> int:
        """No operation was completed longer than this after it was due, or sent longer than this before."""
        settled = len(self.state) - self.count(UNSETTLED)
        if settled != self._reach_of:
            self._reach_ns, self._reach_of = self._widest_reach_ns(), settled
        return self._reach_ns

    def _widest_reach_ns(self) -> int:
        early = [min(self.lag, default=0), *self.far_lag.values()]
        latencies = [max(self.latency, default=0), *self._far_latency.values()]
        return max(self.lag_max_ns() + max(latencies), -min(early), 0)

    def settled(
        self,
        due_from_ns: int = 0,
        due_until_ns: int = LIMIT,
        first_slot: int = 0,
        but_served_ns: int | None = None,
    ) -> Iterator[tuple[int, int, int, int]]:
        """(sent, completed, state, address) of every settled operation due between these two instants.

        Those in slots before `first_slot` are left out, and stretches of which all were acknowledged within
        `but_served_ns` may be.
        """
        for run, start, stop in self._parts(due_from_ns, due_until_ns, first_slot):
            if but_served_ns is not None and self._served(run.base + start, run.base + stop, but_served_ns):
                continue
            dues = range(run.due_ns + start * run.step_ns, run.due_ns + stop * run.step_ns, run.step_ns)
            columns = self._slices(run.base + start, run.base + stop)
            for due, lag, latency, state, address in zip(dues, *columns, strict=True):
                if state & OUTCOME_MASK:
                    if lag == LAG_FAR or latency == LATENCY_FAR:
                        slot = run.base + (due - run.due_ns) // run.step_ns
                        yield self.sent_ns(slot), self.completed_ns(slot), state, address
                    else:
                        sent = due + lag
                        yield sent, sent + latency, state, address

    def _served(self, start: int, stop: int, within_ns: int) -> bool:
        """Whether all in these slots were acknowledged within that time for sure."""
        outcomes = self.state[start:stop].translate(_OUTCOMES)
        slowest = max(memoryview(self.latency)[start:stop])
        return outcomes.count(ACKNOWLEDGED) == stop - start and slowest <= min(within_ns, LATENCY_FAR - 1)

    def _parts(self, due_from_ns: int, due_until_ns: int, first_slot: int) -> Iterator[tuple[Run, int, int]]:
        """The runs, each with the stretch of it that is due between these two instants, from that slot on."""
        ends = chain(self._base[1:], [len(self.state)])
        schedule = zip(self._due, self._step, self._base, ends, strict=False)  # empty: an end without a run
        for index, (due, step, base, end) in enumerate(schedule):
            start = max(0, first_slot - base, -((due - due_from_ns) // step))
            stop = min(end - base, (due_until_ns - due) // step + 1)
            if start < stop:
                yield self._run_at(index), start, stop

    def _slices(self, start: int, stop: int) -> Iterator[memoryview]:
        return (memoryview(each)[start:stop] for each in (self.lag, self.latency, self.state, self.address))

    def lagging(self, limit_ns: int) -> Iterator[int]:
        """The slots of operations that were sent more than `limit_ns` after their time."""
        if limit_ns < self.lag_max_ns():
            for slot, lag in enumerate(self.lag):
                if lag > limit_ns or (lag == LAG_FAR and self.far_lag[slot] > limit_ns):
                    yield slot

    def count(self, outcome: int) -> int:
        """How many operations had that outcome."""
        return self.state.translate(_OUTCOMES).count(outcome)

    def unsettled(self) -> Iterator[int]:
        """The slots whose operation has no recorded outcome."""
        return positions(self.state, _UNSETTLED_STATES)

    def number(self, slot: int) -> int:
        index = self._index(slot)
        return self._first[index] + slot - self._base[index]

    def due_ns(self, slot: int) -> int:
        """When the operation was to be sent."""
        index = self._index(slot)
        return self._due[index] + (slot - self._base[index]) * self._step[index]

    def told_ns(self, slot: int) -> int:
        """When it was on record that the operation would be sent."""
        return self._told[self._index(slot)]

    def lag_ns(self, slot: int) -> int:
        """How long after its time the operation was sent."""
        lag = self.lag[slot]
        return self.far_lag[slot] if lag == LAG_FAR else lag

    def sent_ns(self, slot: int) -> int:
        return self.due_ns(slot) + self.lag_ns(slot)

    def completed_ns(self, slot: int) -> int:
        latency = self.latency[slot]
        return self.sent_ns(slot) + (self._far_latency[slot] if latency == LATENCY_FAR else latency)

    def _index(self, slot: int) -> int:
        return bisect_right(self._base, slot) - 1
