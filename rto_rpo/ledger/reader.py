"""Reading a ledger: streaming, and every line proven against the ones before."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import orjson

from rto_rpo.ledger.errors import LedgerError
from rto_rpo.ledger.records import FIRST_PREV, Record
from rto_rpo.ledger.validation import checked
from rto_rpo.operations import Operations
from rto_rpo.plain import taken

__all__ = ["LedgerError", "read"]

_BATCH_BYTES = 1 << 16  # what becomes of them fits into a processor's cache
_NEWLINE = b"\n"


def read(path: Path, operations: Operations | None = None) -> Iterator[Record]:
    """Give the records of the ledger at `path`, the header first; `operations` takes in each before that.

    Raises LedgerError on a cut line, a broken chain, a gap in seq, a clock that goes back, another boot, an
    unknown schema, kind or field, and on whatever `Operations.take` refuses: an outcome without intent, a
    second outcome. A missing `end` raises nothing here: the run may still go on.
    """
    return chain.from_iterable(_batches(path, operations or Operations()))


def _batches(path: Path, operations: Operations) -> Iterator[Sequence[Record]]:
    place = _Place()
    with path.open("rb", buffering=_BATCH_BYTES) as file:
        while lines := file.readlines(_BATCH_BYTES):
            records = place.follow(lines)
            if records is None:
                yield from _line_by_line(lines, place, operations)
            else:
                yield from _quickly(records, place, operations)
    if not place.seq:
        raise LedgerError(1, "the ledger is empty")


def _quickly(records: list[Any], place: _Place, operations: Operations) -> Iterator[Sequence[Record]]:
    """All are in their places; most are plain, and those are taken in many at a time."""
    begin = 0
    while begin < len(records):
        end = taken(operations.streams, records, begin) if place.open else begin
        yield records[begin:end]
        if end < len(records):
            line_number, record = place.seq + 1 - len(records) + end, records[end]
            place.admit(line_number, checked(line_number, record))
            operations.take(record)
            yield (record,)
        begin = end + 1


def _line_by_line(lines: list[bytes], place: _Place, operations: Operations) -> Iterator[Sequence[Record]]:
    """The slow way: somewhere in these lines something is wrong, and what, and where, is to be said."""
    for line in lines:
        record = checked(place.seq + 1, _parsed(place.seq + 1, line))
        place.admit(place.seq + 1, record)
        place.check(record)
        operations.take(record)
        place.advance(line, record["ns"])
        yield (record,)


def _parsed(line_number: int, line: bytes) -> object:
    if not line.endswith(_NEWLINE):
        raise LedgerError(
            line_number, "the line is cut off; the recorder or its machine died while writing it"
        )
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise LedgerError(line_number, f"not JSON: {error}") from None


class _Place:
    """Where the next record stands: after `seq` others, and `open` between the header and the end."""

    def __init__(self) -> None:
        self.seq = 0
        self.open = False
        self._prev = FIRST_PREV
        self._last_ns = 0
        self._boot: str | None = None

    def follow(self, lines: list[bytes]) -> list[Any] | None:
        """The records in these lines, of any shape, if all are JSON and in their places for sure, or None."""
        try:
            records = [orjson.loads(line) for line in lines]
            hashes = [hashlib.sha256(line).hexdigest() for line in lines]
            instants = [self._last_ns, *[record["ns"] for record in records]]
            if (
                [record["prev"] for record in records] != [self._prev, *hashes[:-1]]
                or [record["seq"] for record in records] != list(range(self.seq, self.seq + len(lines)))
                or instants != sorted(instants)
                or not lines[-1].endswith(_NEWLINE)
            ):
                return None
        except (KeyError, TypeError, ValueError):
            return None
        self.seq += len(lines)
        self._prev, self._last_ns = hashes[-1], instants[-1]
        return records

    def advance(self, line: bytes, ns: int) -> None:
        self.seq += 1
        self._prev, self._last_ns = hashlib.sha256(line).hexdigest(), ns

    def admit(self, line_number: int, record: Record) -> None:
        """Raises LedgerError for a record of a kind, or a boot, that may not come here."""
        wrong = self._misplaced(record)
        if wrong:
            raise LedgerError(line_number, wrong)

    def _misplaced(self, record: Record) -> str | None:
        if record["kind"] == "header":
            if self._boot is not None:
                where = "this boot" if record["boot"] == self._boot else "another boot"
                return f"a second header, of {where}; a run is one boot of one machine"
            self._boot, self.open = record["boot"], True
        elif self._boot is None:
            return "a ledger begins with its header"
        elif not self.open:
            return "a record after the end"
        elif record["kind"] == "end":
            self.open = False
        elif record["kind"] == "anchor" and record.get("boot", self._boot) != self._boot:
            return f"a record of boot {record['boot']}, in a run of boot {self._boot}"
        return None

    def check(self, record: Record) -> None:
        """Raises LedgerError where `record` is not chained to the one before, or older than it."""
        wrong: str | None = None
        if record["seq"] != self.seq:
            wrong = f"seq is {record['seq']} where {self.seq} is due; lines are missing, or two wrote at once"
        elif record["prev"] != self._prev:
            wrong = "the chain is broken: prev is not the hash of the line before"
        elif record["ns"] < self._last_ns:
            wrong = f"the clock went back from {self._last_ns} to {record['ns']}"
        if wrong:
            raise LedgerError(self.seq + 1, wrong)
