"""The short way in for the two kinds of record that a ledger has millions of: writes settled, rows read back.

A record that is plain is validated and taken in at once. Any other, valid or not, is left to the long way
(`ledger.validation`, then `Operations.take`), which would have had the same effect.
"""

from __future__ import annotations

from itertools import islice
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
_LAG_END: Final = -LAG_FAR
_from_hex: Final = bytes.fromhex


def taken(streams: dict[str, StreamHistory], records: list[Any], begin: int) -> int:
    """Take in those of `records` that are plain, from `begin` on up to the first that is not; its index.

    The caller answers for the values of `seq` and `prev`. By the one that is not plain nothing has changed,
    but for rows before one that is malformed: the long way refuses those.
    """
    place, known, first, end = begin, None, 0, 0
    try:
        for record in islice(records, begin, None):
            if record["kind"] != "operation":
                if record["kind"] != "read" or not _took_rows(streams, record):
                    break
                place, end = place + 1, 0  # a reading may have begun: look at its stream again
                continue
            seq, ns, stream, number, act, payload, due, sent, done, outcome, cause, address = _WRITE(record)
            if stream != known or not first <= number < end:
                history = streams[stream]
                column, addresses, payloads = history.writes, history.addresses, history.payloads
                state, lags, latencies, answered = column.state, column.lag, column.latency, column.address
                if history.reading or column.find(number) < 0:
                    break
                known, (first, end, base, run_due, step, told) = stream, column.run
            nth = number - first
            slot, lag, latency = base + nth, sent - due, done - sent
            code, address_code = CODES[outcome], addresses[address]
            if (
                act != "write"
                or len(record) != _WRITE_FIELDS
                or not type(seq) is type(ns) is type(number) is int
                or not type(due) is type(sent) is type(done) is int
                or due != run_due + nth * step
                or not told <= sent <= done <= ns < LIMIT
                or not 0 <= lag < _LAG_END
                or latency >= LATENCY_FAR
                or type(cause) is not str
                or state[slot] & OUTCOME_MASK
                or len(payload) != _SHA256_DIGITS
                or _from_hex(payload).hex() != payload
            ):
                break
            state[slot] |= code
            lags[slot] = lag
            latencies[slot] = latency
            answered[slot] = address_code
            payloads[slot] = hash(payload)
            place += 1
    except (KeyError, TypeError, ValueError):  # that one is not plain either
        return place
    return place


def _took_rows(streams: dict[str, StreamHistory], record: dict[str, Any]) -> bool:
    rows = record["rows"]
    if type(rows) is not list or len(rows) > ROWS_MAX or len(record) != _READ_FIELDS:
        return False
    if not type(record["seq"]) is type(record["ns"]) is int or not 0 <= record["ns"] < LIMIT:
        return False
    return streams[record["stream"]].read(record) is None  # type: ignore[arg-type]
