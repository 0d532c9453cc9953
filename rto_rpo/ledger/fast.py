"""A short cut through validation for the two kinds of record that a ledger has millions of.

A record that takes it is valid by `records.checked` too; one that does not may still be.
"""

from __future__ import annotations

from operator import itemgetter
from typing import Any, TypeGuard

from rto_rpo.ledger.records import ROWS_MAX, Operation, Read

_OPERATION = itemgetter(
    "seq", "ns", "prev", "stream", "number", "act", "scheduled_ns", "sent_ns", "completed_ns", "outcome",
    "cause", "address",
)  # fmt: skip
_OUTCOMES = frozenset({"acknowledged", "failed", "indeterminate"})
_LIMIT = 2**63


def is_sha256(text: object) -> bool:
    """Whether `text` is 64 lowercase hexadecimal digits."""
    if type(text) is not str or len(text) != 64:
        return False
    try:
        return bytes.fromhex(text).hex() == text
    except ValueError:
        return False


def surely_valid(record: object) -> TypeGuard[Operation | Read]:
    """Whether `record` is beyond doubt a valid `operation` or `read`."""
    if type(record) is not dict:
        return False
    kind = record.get("kind")
    try:
        if kind == "operation":
            return _operation(record)
        return kind == "read" and _read(record)
    except (KeyError, TypeError, ValueError):
        return False


def _operation(record: dict[str, Any]) -> bool:
    seq, ns, prev, stream, number, act, scheduled, sent, completed, outcome, cause, address = _OPERATION(
        record
    )
    if act == "write":
        if len(record) != 14 or not is_sha256(record["payload"]):
            return False
    elif len(record) != 13 or (act != "delete" and act != "read"):
        return False
    return (
        type(seq) is type(ns) is type(number) is type(scheduled) is type(sent) is type(completed) is int
        and type(stream) is type(cause) is str
        and (address is None or type(address) is str)
        and stream != ""
        and outcome in _OUTCOMES
        and 0 <= seq < _LIMIT
        and 0 <= number < _LIMIT
        and 0 <= scheduled < _LIMIT
        and 0 <= sent <= completed <= ns < _LIMIT
        and is_sha256(prev)
    )


def _read(record: dict[str, Any]) -> bool:
    seq, ns, rows = record["seq"], record["ns"], record["rows"]
    if len(record) != 6 or type(record["stream"]) is not str or not record["stream"]:
        return False
    if not (
        type(seq) is type(ns) is int and 0 <= seq < _LIMIT and 0 <= ns < _LIMIT and is_sha256(record["prev"])
    ):
        return False
    if type(rows) is not list or len(rows) > ROWS_MAX:
        return False
    for row in rows:
        if type(row) is not list:
            return False
        number, payload = row
        if type(number) is not int or not 0 <= number < _LIMIT or not is_sha256(payload):
            return False
    return True
