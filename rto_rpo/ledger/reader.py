"""Reading a ledger: streaming, and every line proven against the ones before."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from rto_rpo.ledger.errors import LedgerError
from rto_rpo.ledger.records import FIRST_PREV, Record
from rto_rpo.ledger.validation import checked
from rto_rpo.operations import Operations
from rto_rpo.plain import took

__all__ = ["LedgerError", "read"]

_BUFFER_BYTES = 1 << 20
_NEWLINE = ord("\n")


def read(path: Path, operations: Operations | None = None) -> Iterator[Record]:
    """Give the records of the ledger at `path`, the header first; `operations` takes in each before that.

    Raises LedgerError on a cut line, a broken chain, a gap in seq, a clock that goes back, another boot, an
    unknown schema, kind or field, and on whatever `Operations.take` refuses: an outcome without intent, a
    second outcome. A missing `end` raises nothing here: the run may still go on.
    """
    operations = operations or Operations()
    order = _Order()
    prev, last_ns, seq = FIRST_PREV, 0, -1
    with path.open("rb", buffering=_BUFFER_BYTES) as lines:
        for seq, line in enumerate(lines):
            record = _parsed(seq + 1, line)
            try:
                plain = (
                    record["prev"] == prev and record["seq"] == seq and record["ns"] >= last_ns and order.open
                )
                plain = plain and took(operations.streams, record)
            except (KeyError, TypeError, ValueError):
                plain = False
            if not plain:
                order.check(checked(seq + 1, record), seq, prev, last_ns)
                operations.take(record)
            yield record
            prev, last_ns = hashlib.sha256(line).hexdigest(), record["ns"]
    if seq < 0:
        raise LedgerError(1, "the ledger is empty")


def _parsed(line_number: int, line: bytes) -> Any:  # noqa: ANN401 - straight from JSON, nothing known yet
    if line[-1] != _NEWLINE:
        raise LedgerError(
            line_number, "the line is cut off; the recorder or its machine died while writing it"
        )
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise LedgerError(line_number, f"not JSON: {error}") from None


class _Order:
    """A ledger has one header, at its begin, one end, at its end, and one boot. `open` between the two."""

    def __init__(self) -> None:
        self.open = False
        self._boot: str | None = None

    def check(self, record: Record, seq: int, prev: str, last_ns: int) -> None:
        """Raises LedgerError where `record` cannot stand in this place."""
        wrong = self._misplaced(record) or _unchained(record, seq, prev, last_ns)
        if wrong:
            raise LedgerError(seq + 1, wrong)

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


def _unchained(record: Record, seq: int, prev: str, last_ns: int) -> str | None:
    if record["seq"] != seq:
        return f"seq is {record['seq']} where {seq} is due; lines are missing, or two wrote at once"
    if record["prev"] != prev:
        return "the chain is broken: prev is not the hash of the line before"
    if record["ns"] < last_ns:
        return f"the clock went back from {last_ns} to {record['ns']}"
    return None
