"""Reading a ledger: streaming, and every line proven against the ones before."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import orjson

from rto_rpo.ledger.errors import LedgerError
from rto_rpo.ledger.fast import surely_valid
from rto_rpo.ledger.records import FIRST_PREV, Record
from rto_rpo.ledger.validation import checked
from rto_rpo.operations import Operations

__all__ = ["LedgerError", "read"]

_BUFFER_BYTES = 1 << 20


def read(path: Path, operations: Operations | None = None) -> Iterator[Record]:
    """Give the records of the ledger at `path`, the header first; `operations` takes in each before that.

    Raises LedgerError on a cut line, a broken chain, a gap in seq, a clock that goes back, another boot, an
    unknown schema, kind or field, and on whatever `Operations.take` refuses: an outcome without intent, a
    second outcome. A missing `end` raises nothing here: the run may still go on.
    """
    operations = operations or Operations()
    prev, last_ns, seq, boot, ended = FIRST_PREV, 0, -1, None, False
    with path.open("rb", buffering=_BUFFER_BYTES) as lines:
        for seq, line in enumerate(lines):
            parsed = _parsed(seq + 1, line)
            record: Record = parsed if surely_valid(parsed) else checked(seq + 1, parsed)
            if ended or record["seq"] != seq or record["prev"] != prev or record["ns"] < last_ns:
                raise LedgerError(seq + 1, _disorder(record, seq, prev, last_ns, ended=ended))
            kind = record["kind"]
            if kind == "header" or seq == 0 or kind == "anchor":
                boot = _boot(record, seq, boot)
            ended = kind == "end"
            operations.take(record)
            yield record
            prev, last_ns = hashlib.sha256(line).hexdigest(), record["ns"]
    if seq < 0:
        raise LedgerError(1, "the ledger is empty")


def _parsed(line_number: int, line: bytes) -> object:
    if not line.endswith(b"\n"):
        raise LedgerError(
            line_number, "the line is cut off; the recorder or its machine died while writing it"
        )
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise LedgerError(line_number, f"not JSON: {error}") from None


def _disorder(record: Record, seq: int, prev: str, last_ns: int, *, ended: bool) -> str:
    if record["kind"] == "header" and seq:
        return "a second header; two runs, or two boots, are mixed"
    if ended:
        return "a record after the end"
    if record["seq"] != seq:
        return f"seq is {record['seq']} where {seq} is due; lines are missing, or two wrote at once"
    if record["prev"] != prev:
        return "the chain is broken: prev is not the hash of the line before"
    return f"the clock went back from {last_ns} to {record['ns']}"


def _boot(record: Record, seq: int, boot: str | None) -> str:
    if record["kind"] == "header" and seq == 0:
        return record["boot"]
    if boot is None:
        raise LedgerError(seq + 1, "a ledger begins with its header")
    if record["kind"] == "header":
        what = "another boot" if record["boot"] != boot else "this boot"
        raise LedgerError(seq + 1, f"a second header, of {what}; a run is one boot of one machine")
    here = record.get("boot", boot)
    if here != boot:
        raise LedgerError(seq + 1, f"a record of boot {here}, in a run of boot {boot}")
    return boot
