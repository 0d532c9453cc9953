"""Ledgers that cannot be, each with the line that shows it and the reason."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.rto_rpo.ledgers import (
    MS,
    T0,
    end,
    event,
    header,
    intents,
    operation,
    reading,
    sha256_of,
    stream,
)

Lines = list[dict[str, Any]]


def chained(path: Path, records: Lines) -> Path:
    """Write records as they are, `seq` and `prev` right wherever they are missing: no writer would."""
    prev, raw = "0" * 64, b""
    for seq, record in enumerate(records):
        line = json.dumps({"seq": seq, "prev": prev, **record}).encode() + b"\n"
        prev, raw = hashlib.sha256(line).hexdigest(), raw + line
    path.write_bytes(raw)
    return path


def _without(record: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != name}


def _write(**other: Any) -> Lines:
    """Two intents, a write that is plain, and one that is not quite."""
    return [header(), intents(0, 3, T0), operation(0, T0), {**operation(1, T0 + 10 * MS), **other}]


CONTRADICTIONS: dict[str, tuple[Callable[[], Lines], int, str]] = {
    "empty": (list, 1, "the ledger is empty"),
    "write of another field": (lambda: _write(colour="red"), 4, "colour"),
    "write of true": (lambda: _write(number=True), 4, "number"),
    "write due at a float": (lambda: _write(scheduled_ns=float(T0 + 10 * MS)), 4, "scheduled_ns"),
    "write without a cause": (lambda: _write(cause=None), 4, "cause"),
    "write of a short payload": (lambda: _write(payload="ab"), 4, "payload"),
    "write of nonsense": (lambda: _write(payload="g" * 64), 4, "payload"),
    "write out of order": (lambda: _write(seq=4), 4, "seq is 4 where 3 is due"),
    "write in true order": (lambda: [header(), {**operation(0, T0), "seq": True}], 2, "seq"),
    "write of another chain": (lambda: _write(prev="0" * 64), 4, "the chain is broken"),
    "write after a later record": (
        lambda: [header(), intents(0, 1, T0), event("note", T0 + 5 * MS), operation(0, T0)],
        4,
        "the clock went back",
    ),
    "write after the end": (
        lambda: [header(), intents(0, 1, T0), end(T0), operation(0, T0)],
        4,
        "after the end",
    ),
    "write sent before time began": (lambda: _write(sent_ns=-1), 4, "sent_ns"),
    "too many rows": (
        lambda: [header(), {"kind": "read", "ns": T0, "stream": "orders", "rows": [[0, sha256_of(0)]] * 501}],
        2,
        "rows",
    ),
    "rows of another field": (
        lambda: [header(), {**reading([(0, sha256_of(0))], T0)[0], "colour": "red"}],
        2,
        "colour",
    ),
    "rows at a float": (
        lambda: [header(), {**reading([(0, sha256_of(0))], T0)[0], "ns": float(T0)}],
        2,
        "ns",
    ),
    "rows that are none": (
        lambda: [header(), {**reading([(0, sha256_of(0))], T0)[0], "rows": {}}],
        2,
        "rows",
    ),
    "clock": (lambda: [header(), event("note", T0 + 2), event("note", T0 + 1)], 3, "the clock went back"),
    "no header": (lambda: [event("note", T0)], 1, "begins with its header"),
    "second header": (lambda: [header(), header()], 2, "a second header, of this boot"),
    "second boot": (lambda: [header(), header(boot="other")], 2, "a second header, of another boot"),
    "other boot": (
        lambda: [header(), {"kind": "anchor", "ns": T0, "utc": "2026-11-22T06:00:00Z", "boot": "other"}],
        2,
        "a record of boot other",
    ),
    "after the end": (lambda: [header(), end(T0), event("note", T0)], 3, "after the end"),
    "future schema": (lambda: [header(schema="blackstart/ledger/2")], 1, "newer than this judge"),
    "unknown schema": (lambda: [header(schema="other/1")], 1, "is not known"),
    "unknown kind": (lambda: [header(), {"kind": "rumour", "ns": T0}], 2, "kind"),
    "unknown field": (lambda: [header(), {**event("note", T0), "colour": "red"}], 2, "colour"),
    "unknown event": (lambda: [header(), event("lunch", T0)], 2, "event"),
    "float instant": (lambda: [header(), {**event("note", T0), "ns": float(T0)}], 2, "ns"),
    "no intent": (lambda: [header(), operation(0, T0)], 2, "outcome of write 0, which was never intended"),
    "beyond its intents": (
        lambda: [header(), intents(0, 2, T0), operation(2, T0 + 20 * MS)],
        3,
        "outcome of write 2, which was never intended",
    ),
    "second outcome": (
        lambda: [header(), intents(0, 1, T0), operation(0, T0), operation(0, T0, outcome="failed")],
        4,
        "a second outcome of write 0",
    ),
    "second intent": (
        lambda: [header(), intents(0, 3, T0), intents(2, 1, T0)],
        3,
        "write 2 was intended before",
    ),
    "other schedule": (
        lambda: [header(), intents(0, 2, T0), operation(1, T0 + 11 * MS)],
        3,
        "was due at",
    ),
    "sent before it was due": (
        lambda: [header(), intents(0, 1, T0 + 5), operation(0, T0 + 5, lag=-1)],
        3,
        "announced, due, sent, completed and recorded out of order",
    ),
    "sent before it was announced": (
        lambda: [header(), intents(0, 1, T0 + 5, ns=T0 + 7), operation(0, T0 + 5, lag=1, took=9)],
        3,
        "announced, due, sent, completed and recorded out of order",
    ),
    "deleted before it was announced": (
        lambda: [
            header(),
            intents(0, 1, T0 + 5),
            operation(0, T0 + 5, took=1),
            intents(0, 1, T0 + 7, ns=T0 + 9, act="delete"),
            operation(0, T0 + 7, act="delete", lag=1, took=9),
        ],
        5,
        "announced, due, sent, completed and recorded out of order",
    ),
    "completed before sent": (
        lambda: [header(), intents(0, 1, T0), operation(0, T0, completed_ns=T0 - 1, ns=T0)],
        3,
        "out of order",
    ),
    "recorded before completed": (
        lambda: [header(), intents(0, 1, T0), operation(0, T0, ns=T0 + MS - 1)],
        3,
        "out of order",
    ),
    "write without payload": (
        lambda: [header(), intents(0, 1, T0), _without(operation(0, T0), "payload")],
        3,
        "has no payload",
    ),
    "payload in capitals": (
        lambda: [header(), intents(0, 1, T0), operation(0, T0, payload=sha256_of(0).upper())],
        3,
        "payload",
    ),
    "unknown stream": (lambda: [header(), intents(0, 1, T0, stream="other")], 2, "stream 'other' is not in"),
    "two streams of one name": (lambda: [header(streams=[stream(), stream()])], 1, "two streams are named"),
    "delete of the unknown": (
        lambda: [header(), intents(0, 1, T0, act="delete")],
        2,
        "delete of 0, a write that was never intended",
    ),
    "second delete": (
        lambda: [header(), intents(0, 1, T0), *[intents(0, 1, T0 + each, act="delete") for each in (1, 2)]],
        4,
        "delete 0 was intended before",
    ),
    "delete of two": (
        lambda: [header(), intents(0, 2, T0), intents(0, 2, T0, act="delete")],
        3,
        "its count is 1",
    ),
    "outcome of no delete": (
        lambda: [header(), intents(0, 1, T0), operation(0, T0, act="delete")],
        3,
        "outcome of delete 0, which was never intended",
    ),
    "row in capitals": (
        lambda: [header(), *reading([(0, "A" * 64)], T0)],
        2,
        "rows.0.1",
    ),
    "row out of range": (lambda: [header(), *reading([(-1, sha256_of(0))], T0)], 2, "rows.0.0"),
    "second reading": (
        lambda: [header(), *reading([], T0), *reading([], T0)],
        3,
        "a second reading, though the first one counted",
    ),
    "more of a reading that counted": (
        lambda: [header(), *reading([], T0), *reading([(0, sha256_of(0))], T0)],
        3,
        "a second reading, though the first one counted",
    ),
}
