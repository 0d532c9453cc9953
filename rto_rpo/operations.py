"""Client operations: acknowledged, failed, indeterminate; and what was read back.

Everything here refuses a history that contradicts itself with a LedgerError that names the line.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Final

from rto_rpo.column import ACKNOWLEDGED, CODES, FAILED, OUTCOME_MASK, Column
from rto_rpo.ledger.errors import LedgerError
from rto_rpo.ledger.records import (
    FIRST_PREV,
    LIMIT,
    Header,
    Intents,
    Operation,
    Read,
    Readback,
    Record,
    Stream,
)

# The state of a write, above the two bits of its outcome. A delete that was intended and never settled may
# have happened, like one whose outcome is indeterminate; it is told apart because nobody saw its outcome.
DELETED_MASK: Final = 0b1100
DELETE_ACKNOWLEDGED: Final = 0b0100
DELETE_INDETERMINATE: Final = 0b1000
DELETE_UNSETTLED: Final = 0b1100
READ_MASK: Final = 0b11_0000
READ_ONCE: Final = 0b01_0000
READ_AGAIN: Final = 0b10_0000
CORRUPT: Final = 0b100_0000

_ADDRESSES_MAX: Final = 255
_UNREAD: Final = bytes(state & (OUTCOME_MASK | DELETED_MASK) for state in range(256))


class StreamHistory:
    """What happened to the operations of one stream."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.writes, self.reads, self.deletes = Column(), Column(), Column()
        self.reading_problem: str | None = "it was never read back"
        self.read_count = 0
        self.unexpected: set[int] = set()
        self.readback_ns: int | None = None
        self.readback_address: str | None = None
        # A hash of the hash: 8 bytes of 64, and a corrupt payload passes for sound once in 2**64.
        self.payloads = array("q")
        self._delete_of = array("I")
        self.addresses: dict[str | None, int] = {None: 0}
        self.reading = False
        self._settled_since = False

    @property
    def columns(self) -> tuple[Column, Column, Column]:
        return self.writes, self.reads, self.deletes

    @property
    def address_count(self) -> int:
        """How many different addresses answered."""
        return len(self.addresses) - 1

    def settled(
        self, since_ns: int = 0, until_ns: int = LIMIT, but_served_ns: int | None = None
    ) -> Iterator[tuple[int, int, int, int]]:
        """(sent, completed, state, address) of all settled operations; address 0 is none.

        Those completed before `since_ns`, those sent after `until_ns` and those acknowledged within
        `but_served_ns` may be left out.
        """
        reach = max(column.reach_ns() for column in self.columns)
        return chain.from_iterable(
            column.settled(since_ns - reach, until_ns + reach, but_served_ns=but_served_ns)
            for column in self.columns
        )

    def scheduled(self, since_ns: int = 0, until_ns: int = LIMIT) -> Iterator[tuple[int, int, int, int]]:
        """The same of what is sent each interval; deletions come on top."""
        reach = max(column.reach_ns() for column in (self.writes, self.reads))
        columns = (self.writes, self.reads)
        return chain.from_iterable(each.settled(since_ns - reach, until_ns + reach) for each in columns)

    def last_completed_before(self, ns: int, column: Column, is_wanted: Callable[[int], bool]) -> int | None:
        """When the last operation of that column completed before `ns` whose state is wanted."""
        reach = column.reach_ns()
        back = 2 * reach + self.stream["interval_ns"]
        while True:
            completed = (
                completed
                for _, completed, state, _ in column.settled(ns - back, ns + reach)
                if completed < ns and is_wanted(state)
            )
            last = max(completed, default=None)
            if last is not None and last >= ns - back + reach:
                return last
            if back > ns:
                return last
            back *= 16

    def intend(self, record: Intents) -> str | None:
        """Note that operations will be sent; the answer is what is wrong with that."""
        first, count, act = record["first"], record["count"], record["act"]
        if act == "delete":
            return self._intend_delete(record)
        column = self.writes if act == "write" else self.reads
        if first <= column.last_number:
            return f"{act} {first} was intended before; a number is never sent twice"
        column.intend(first, count, record["scheduled_ns"], record["interval_ns"], record["ns"])
        if act == "write":
            self.payloads.frombytes(bytes(8 * count))
        return None

    def _intend_delete(self, record: Intents) -> str | None:
        number = record["first"]
        if record["count"] != 1:
            return "a delete names one write; its count is 1"
        write = self.writes.find(number)
        if write < 0:
            return f"delete of {number}, a write that was never intended"
        if self._delete_slot(write) >= 0:
            return f"delete {number} was intended before; a number is never sent twice"
        due, interval = record["scheduled_ns"], record["interval_ns"]
        slot = self.deletes.intend(number, 1, due, interval, record["ns"])
        self._delete_of.frombytes(bytes(4 * max(0, write + 1 - len(self._delete_of))))
        self._delete_of[write] = slot + 1
        self.writes.state[write] |= DELETE_UNSETTLED
        return None

    def _delete_slot(self, write: int) -> int:
        return self._delete_of[write] - 1 if 0 <= write < len(self._delete_of) else -1

    def settle(self, record: Operation) -> str | None:
        """Note how an operation went; the answer is what is wrong with that."""
        number, act, outcome = record["number"], record["act"], CODES[record["outcome"]]
        if act == "write":
            column, slot = self.writes, self.writes.find(number)
        elif act == "read":
            column, slot = self.reads, self.reads.find(number)
        else:
            column, slot = self.deletes, self._delete_slot(self.writes.find(number))
        if slot < 0:
            return f"an outcome of {act} {number}, which was never intended"
        if column.state[slot] & OUTCOME_MASK:
            return f"a second outcome of {act} {number}"
        due, sent, completed = record["scheduled_ns"], record["sent_ns"], record["completed_ns"]
        if due != column.due_ns(slot):
            return f"{act} {number} was due at {due}, but its intent says {column.due_ns(slot)}"
        if not max(due, column.told_ns(slot)) <= sent <= completed <= record["ns"]:
            steps = "announced, due, sent, completed and recorded"
            return f"the clock went back: {act} {number} was {steps} out of order"
        column.settle(slot, due, sent, completed, outcome, self._address(record["address"]))
        if self.reading:
            self._disturb()
        if act == "write":
            return self._keep_payload(slot, record)
        if act == "delete":
            self._mark_deleted(self.writes.find(number), outcome)
        return None

    def _keep_payload(self, slot: int, record: Operation) -> str | None:
        payload = record.get("payload")
        if payload is None:
            return f"write {record['number']} has no payload"
        self.payloads[slot] = hash(payload)
        return None

    def _mark_deleted(self, write: int, outcome: int) -> None:
        mark = {ACKNOWLEDGED: DELETE_ACKNOWLEDGED, FAILED: 0}.get(outcome, DELETE_INDETERMINATE)
        self.writes.state[write] = self.writes.state[write] & ~DELETED_MASK | mark

    def _address(self, address: str | None) -> int:
        if address not in self.addresses and len(self.addresses) <= _ADDRESSES_MAX:
            self.addresses[address] = len(self.addresses)
        return self.addresses.get(address, 0)

    def read(self, record: Read) -> str | None:
        """Note rows that were found; the answer is what is wrong with that.

        Raises ValueError or TypeError where a row is not a number and a SHA-256: rows are validated here,
        and not before, for there are millions.
        """
        if self.reading_problem is None:
            return "a second reading, though the first one counted"
        self._begin_reading()
        self.read_count += len(record["rows"])
        column, payloads = self.writes, self.payloads
        state, (first, end, base, *_) = column.state, column.run
        for number, payload in record["rows"]:
            if type(number) is not int or not first <= number < end:
                if self._find(number, payload) < 0:
                    continue
                first, end, base, *_ = column.run
            slot = base + number - first
            seen = state[slot]
            state[slot] = seen & ~READ_MASK | READ_AGAIN if seen & READ_MASK else seen | READ_ONCE
            if payloads[slot] != hash(payload):
                _require_sha256(payload)
                if seen & OUTCOME_MASK:
                    state[slot] |= CORRUPT
        return None

    def _find(self, number: int, payload: str) -> int:
        if type(number) is not int or not 0 <= number < LIMIT:
            raise ValueError("a row's number is out of range")
        slot = self.writes.find(number)
        if slot < 0:
            _require_sha256(payload)
            self.unexpected.add(number)
        return slot

    def readback(self, record: Readback) -> str | None:
        """Note the end of a reading and whether it counts; the answer is what is wrong with that."""
        if self.reading_problem is None:
            return "a second reading, though the first one counted"
        self._begin_reading()
        self.readback_ns, self.readback_address = record["ns"], record["address"]
        if record["error"] is not None:
            self.reading_problem = f"reading it back failed: {record['error']}"
        elif not record["end"]:
            self.reading_problem = "the reading has no end marker"
        elif record["count"] is None:
            self.reading_problem = "the reading has no count"
        elif record["count"] != self.read_count:
            self.reading_problem = f"{self.read_count} rows were read where {record['count']} were counted"
        elif self._settled_since:
            self.reading_problem = "operations were still settling when it was read back"
        else:
            self.reading_problem = None
        self.reading = self.reading_problem is None
        return None

    def _disturb(self) -> None:
        if self.reading_problem is None:
            self.reading, self.reading_problem = False, "operations settled after it was read back"
        self._settled_since = True

    def _begin_reading(self) -> None:
        if self.reading:
            return
        self.reading, self._settled_since, self.read_count = True, False, 0
        self.unexpected.clear()
        self.writes.state[:] = self.writes.state.translate(_UNREAD)


def _require_sha256(text: str) -> None:
    if len(text) != len(FIRST_PREV) or bytes.fromhex(text).hex() != text:
        raise ValueError("not a SHA-256 in lowercase hexadecimal")


class Operations:
    """The histories of all streams that a header names."""

    def __init__(self) -> None:
        self.streams: dict[str, StreamHistory] = {}

    def begin(self, header: Header) -> None:
        """Raises LedgerError where two streams have one name."""
        for stream in header["streams"]:
            if stream["name"] in self.streams:
                raise LedgerError(1, f"two streams are named {stream['name']!r}")
            self.streams[stream["name"]] = StreamHistory(stream)

    def take(self, record: Record) -> None:
        """Take in any record; those that are not about operations change nothing.

        Raises LedgerError on an unknown stream, an outcome without intent, a second outcome, and whatever
        else two records cannot both say.
        """
        wrong: str | None = None
        if record["kind"] == "operation":
            wrong = self._stream(record).settle(record)
        elif record["kind"] == "read":
            wrong = self._stream(record).read(record)
        elif record["kind"] == "intents":
            wrong = self._stream(record).intend(record)
        elif record["kind"] == "readback":
            wrong = self._stream(record).readback(record)
        elif record["kind"] == "header":
            self.begin(record)
        if wrong:
            raise LedgerError(record["seq"] + 1, wrong)

    def _stream(self, record: Operation | Read | Intents | Readback) -> StreamHistory:
        try:
            return self.streams[record["stream"]]
        except KeyError:
            line = record["seq"] + 1
            raise LedgerError(line, f"stream {record['stream']!r} is not in the header") from None
