"""The short way in for the two kinds of record that a ledger has millions of: writes settled, rows read back.

A record that is plain is validated and taken in at once. Any other, valid or not, is left to the long way
(`ledger.validation`, then `Operations.take`), which would have had the same effect.
"""

from __future__ import annotations

from operator import itemgetter
from typing import Any, Final

from rto_rpo.column import CODES, LAG_FAR, LATENCY_FAR, OUTCOME_MASK
from rto_rpo.ledger.records import LIMIT, ROWS_MAX
from rto_rpo.operations import Operations, StreamHistory

_WRITE: Final = itemgetter(
    "ns", "number", "act", "payload", "scheduled_ns", "sent_ns", "completed_ns", "outcome", "cause", "address"
)
_WRITE_FIELDS: Final = 14
_SHA256_DIGITS: Final = 64
_READ_FIELDS: Final = 6


def took(operations: Operations, record: Any) -> bool:  # noqa: ANN401 - straight from JSON, nothing known yet
    """Take `record` in if it is plain. The caller answers for `seq` and `prev`.

    If it is not, nothing has changed, but for rows before one that is malformed: the long way refuses those.
    """
    try:
        kind = record["kind"]
        if kind == "operation":
            return _took_write(operations.streams[record["stream"]], record)
        rows = record["rows"] if kind == "read" else None
        if type(rows) is not list or len(rows) > ROWS_MAX or len(record) != _READ_FIELDS:
            return False
        return operations.streams[record["stream"]].read(record) is None
    except (KeyError, TypeError, ValueError):
        return False


def _took_write(history: StreamHistory, record: dict[str, Any]) -> bool:
    ns, number, act, payload, due, sent, completed, outcome, cause, address = _WRITE(record)
    column, code = history.writes, CODES[outcome]
    first, end, base, run_due, step = column.run
    if not (
        act == "write"
        and len(record) == _WRITE_FIELDS
        and type(ns) is type(number) is type(due) is type(sent) is type(completed) is int
        and first <= number < end
        and due == run_due + (number - first) * step
        and 0 <= sent <= completed <= ns < LIMIT
        and type(cause) is str
        and address in history.addresses
        and not history.reading
    ):
        return False
    slot = base + number - first
    lag, latency = sent - due, completed - sent
    if (
        column.state[slot] & OUTCOME_MASK
        or len(payload) != _SHA256_DIGITS
        or bytes.fromhex(payload).hex() != payload
        or not -LAG_FAR > lag > LAG_FAR
        or latency >= LATENCY_FAR
    ):
        return False
    column.state[slot] |= code
    column.lag[slot] = lag
    column.latency[slot] = latency
    column.address[slot] = history.addresses[address]
    history.payloads[slot] = hash(payload)
    return True
