"""Ledgers of any length, made to measure: the same bytes from the same numbers, streamed to disk.

One operation a millisecond through the clients' address, and ten a second to the old primary's. At 60 % of
the way the primary is killed: half a minute of refused connections and time-outs (or a tenth of the run, if
that is shorter), then the other site serves. A few acknowledged writes are lost. Everything is read back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from heapq import merge
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

import orjson

MS: Final = 10**6
S: Final = 10**9
T0: Final = 1000 * S
PLAN: Final = b"name: benchmark\nenvironment: benchmark\n"
RUN: Final = "bbbbbbbb-0000-4000-8000-000000000000"
STEP_NS: Final = MS
BATCH: Final = 250
ROWS: Final = 500
LATE_NS: Final = 100 * MS

Fields = dict[str, Any]


def write(path: Path, operations: int) -> int:
    """Write the ledger of that many operations of the clients. Gives its size in bytes."""
    prev, size = "0" * 64, 0
    with path.open("xb", buffering=1 << 20) as file:
        for seq, record in enumerate(records(operations)):
            line = orjson.dumps({"seq": seq, "ns": record["ns"], "prev": prev, **record}) + b"\n"
            prev = hashlib.sha256(line).hexdigest()
            size += file.write(line)
    return size


def records(operations: int) -> Iterator[Fields]:
    """All of them in order, without `seq` and `prev`."""
    begin, end = T0 + S, T0 + S + operations * STEP_NS
    fault = begin + operations * 6 // 10 * STEP_NS
    back = fault + min(30 * S, operations // 10 * STEP_NS)
    yield from _head()
    streams = (
        _operations("orders", operations, STEP_NS, fault, back),
        _operations("OLD-PRIMARY", max(1, operations // 100), 100 * STEP_NS, fault, end + S),
        _events(fault, back),
    )
    yield from merge(*streams, key=itemgetter("ns"))
    yield from _tail(operations, fault, back, end + 10 * S)


def _head() -> Iterator[Fields]:
    common = {"dataset": "orders", "service": "gateway", "limit_ns": 2 * S}
    judged = [("gateway", "rto", 60.0), ("orders", "rpo", 1.0)]
    fault = {"kind": "kill_site", "site": "primary"}
    yield {
        "ns": T0,
        "kind": "header",
        "schema": "blackstart/ledger/1",
        "judge": _version(),
        "run": RUN,
        "boot": "5d0b8f1c-7a52-4e2e-9a4e-000000000001",
        "plan": {"name": "benchmark", "sha256": hashlib.sha256(PLAN).hexdigest(), "variables": {}},
        "drill": {
            "name": "kill-primary",
            "kind": "live",
            "environment": "benchmark",
            "fault": fault,
            "respond": "runbook",
        },
        "judged": [
            {"subject": subject, "objective": objective, "seconds": seconds, "stream": "orders"}
            for subject, objective, seconds in judged
        ],
        "not_tested": [],
        "streams": [
            {"name": "orders", "role": "clients", "address": "127.0.0.1:1", "interval_ns": STEP_NS, **common},
            {
                "name": "OLD-PRIMARY",
                "role": "old_primary",
                "address": "127.0.0.1:2",
                "interval_ns": 100 * STEP_NS,
                **common,
            },
        ],
        "late_ns": LATE_NS,
        "stable_ns": S,
        "deadline_ns": 3600 * S,
        "seed": 7,
    }
    yield {"ns": T0, "kind": "anchor", "utc": "2026-11-22T06:00:00.000000Z"}


def _operations(stream: str, count: int, step_ns: int, fault: int, back: int) -> Iterator[Fields]:
    """Intents half a second ahead, and each operation in the order of completion: nothing overtakes."""
    begin, address = T0 + S, "127.0.0.1:1" if stream == "orders" else "127.0.0.1:2"
    announced, last = 0, T0
    for number in range(count):
        due = begin + number * step_ns
        while announced < count and begin + announced * step_ns <= due + S // 2:
            batch = min(BATCH, count - announced)
            last = max(last, due - S // 2)
            yield _intents(stream, announced, batch, begin + announced * step_ns, step_ns, last)
            announced += batch
        dice = number * 2654435761 % 2**32  # the same for ever, and without a pattern that a clock has
        sent = due + 60_000 + dice % 90_000
        asked = number if stream == "orders" else 1
        outcome, cause, took = _outcome(asked, sent, fault, back, dice)
        last = max(last, sent + took)
        yield {
            "ns": last,
            "kind": "operation",
            "stream": stream,
            "number": number,
            "act": "write",
            "payload": payload(stream, number),
            "scheduled_ns": due,
            "sent_ns": sent,
            "completed_ns": sent + took,
            "outcome": outcome,
            "cause": cause,
            "address": address if outcome == "acknowledged" else None,
        }


def _outcome(asked: int, sent: int, fault: int, back: int, dice: int) -> tuple[str, str, int]:
    if fault <= sent < back:
        return ("failed", "refused", 200_000) if asked % 10 else ("indeterminate", "timeout", 300 * MS)
    return "acknowledged", "HTTP 201", 900_000 + dice % 1_400_000


def _intents(stream: str, first: int, count: int, due: int, step_ns: int, ns: int) -> Fields:
    return {
        "ns": ns,
        "kind": "intents",
        "stream": stream,
        "act": "write",
        "first": first,
        "count": count,
        "scheduled_ns": due,
        "interval_ns": step_ns,
    }


def _events(fault: int, back: int) -> Iterator[Fields]:
    def event(ns: int, name: str, source: str = "drill", /, **detail: object) -> Fields:
        return {"ns": ns, "kind": "event", "event": name, "source": source, "detail": detail}

    yield event(fault - 2 * MS, "steady")
    yield event(fault - MS, "frozen", "recorder", late_ns=LATE_NS)
    yield event(fault - 2, "fault_begin")
    yield event(fault - 1, "fault_end")
    yield event(fault, "fault_effective", holds=True, how="every process is gone")
    names = ("detected", "decided", "fenced", "promoted", "started", "redirected")
    for part, name in enumerate(names, 1):
        proof = {"proof": "gone"} if name == "fenced" else {}
        yield event(fault + (back - fault) * part // 8, name, "responder", **proof)
    yield event(back + S + 100 * MS, "stable", "recorder")
    yield event(back + S + 100 * MS, "old_primary_gone", site="primary")
    yield event(back + S + 100 * MS, "check", name="runbook", verdict="met", reason="every step was done")


def _tail(operations: int, fault: int, back: int, ns: int) -> Iterator[Fields]:
    """What was read back: all that was acknowledged, but for ten writes just before the fault."""
    begin = T0 + S
    lost = range((fault - begin) // STEP_NS - 20, (fault - begin) // STEP_NS - 10)
    gone = range((fault - begin) // STEP_NS, (back - begin) // STEP_NS)
    rows, count = [], 0
    for number in range(operations):
        if number in lost or number in gone:
            continue
        rows.append([number, payload("orders", number)])
        if len(rows) == ROWS:
            count += ROWS
            yield {"ns": ns, "kind": "read", "stream": "orders", "rows": rows}
            rows = []
    yield {"ns": ns, "kind": "read", "stream": "orders", "rows": rows}
    end = {"count": count + len(rows), "end": True, "address": "127.0.0.1:1", "error": None}
    yield {"ns": ns, "kind": "readback", "stream": "orders", **end}
    yield {"ns": ns, "kind": "anchor", "utc": "2026-11-22T09:00:00.000000Z"}
    yield {"ns": ns, "kind": "end", "reason": "stable"}


def payload(stream: str, number: int) -> str:
    return hashlib.sha256(b"%s/%d" % (stream.encode(), number)).hexdigest()


def _version() -> str:
    from rto_rpo import JUDGE

    return JUDGE
