"""The short way in for the two kinds of record that a ledger has millions of: writes settled, rows read back.

A record that is plain is validated and taken in at once. Any other, valid or not, is left to the long way
(`ledger.validation`, then `Operations.take`), which would have had the same effect.
"""

from __future__ import annotations

from operator import itemgetter
from typing import Any, Final

from rto_rpo.column import CODES, LAG_FAR, LATENCY_FAR, OUTCOME_MASK
from rto_rpo.ledger.records import LIMIT, ROWS_MAX
from rto_rpo.operations import StreamHistory

_WRITE: Final = itemgetter(
    "seq", "ns", "stream", "number", "act", "payload", "scheduled_ns", "sent_ns", "completed_ns", "outcome",
    "cause", "address",
)  # fmt: skip
_WRITE_FIELDS: Final = 14
_READ_FIELDS: Final = 6
_SHA256_DIGITS: Final = 64
_from_hex: Final = bytes.fromhex


def took(streams: dict[str, StreamHistory], record: dict[str, Any]) -> bool:
    """Take `record` in if it is plain. The caller answers for the values of `seq` and `prev`.

    If it is not, nothing has changed, but for rows before one that is malformed: the long way refuses those.
    Raises KeyError, TypeError or ValueError for some that are not plain.
    """
    if record["kind"] != "operation":
        return record["kind"] == "read" and _took_rows(streams, record)
    seq, ns, stream, number, act, payload, due, sent, completed, outcome, cause, address = _WRITE(record)
    history, code = streams[stream], CODES[outcome]
    column, address_code = history.writes, history.addresses.get(address)
    if not column.run.first <= number < column.run.end and column.find(number) < 0:
        return False
    first, _, base, run_due, step, told = column.run
    slot = base + number - first
    lag, latency = sent - due, completed - sent
    if (
        act != "write"
        or len(record) != _WRITE_FIELDS
        or not type(seq) is type(ns) is type(number) is type(due) is type(sent) is type(completed) is int
        or due != run_due + (number - first) * step
        or not told <= sent <= completed <= ns < LIMIT
        or not 0 <= lag < -LAG_FAR
        or latency >= LATENCY_FAR
        or type(cause) is not str
        or address_code is None
        or history.reading
        or column.state[slot] & OUTCOME_MASK
        or len(payload) != _SHA256_DIGITS
        or _from_hex(payload).hex() != payload
    ):
        return False
    column.state[slot] |= code
    column.lag[slot] = lag
    column.latency[slot] = latency
    column.address[slot] = address_code
    history.payloads[slot] = hash(payload)
    return True


def _took_rows(streams: dict[str, StreamHistory], record: dict[str, Any]) -> bool:
    rows = record["rows"]
    if type(rows) is not list or len(rows) > ROWS_MAX or len(record) != _READ_FIELDS:
        return False
    if not type(record["seq"]) is type(record["ns"]) is int or not 0 <= record["ns"] < LIMIT:
        return False
    return streams[record["stream"]].read(record) is None  # type: ignore[arg-type]
