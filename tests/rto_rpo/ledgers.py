"""Ledgers for tests: records made by hand, and a whole drill with planted outages and losses."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rto_rpo.ledger.reader import read
from rto_rpo.ledger.records import ROWS_MAX, SCHEMA
from rto_rpo.ledger.writer import LedgerWriter
from rto_rpo.measure import measure
from rto_rpo.measurement import Decision, Measurement
from rto_rpo.verdict import decide

MS = 10**6
S = 10**9
T0 = 1000 * S  # the recorder's clock at the begin of every ledger made here
BOOT = "5d0b8f1c-7a52-4e2e-9a4e-000000000001"
RUN = "3f9a12c4-0000-4000-8000-000000000000"

Fields = dict[str, Any]


def sha256_of(number: int, stream: str = "orders") -> str:
    return hashlib.sha256(f"{stream}/{number}".encode()).hexdigest()


def stream(name: str = "orders", role: str = "clients", **other: Any) -> Fields:
    whole = {
        "name": name,
        "role": role,
        "address": "127.0.0.1:8080",
        "dataset": "orders",
        "service": "gateway",
    }
    return {**whole, "interval_ns": 10 * MS, "limit_ns": 2 * S, **other}


def calibration(**other: Any) -> Fields:
    """A good one, an hour old."""
    return {
        "sha256": hashlib.sha256(b"calibration").hexdigest(),
        "age_seconds": 3600.0,
        "machine": "this machine",
        "judge": "0.1.0",
        "passed": True,
        "outages": 3,
        "outages_outside": 0,
        "losses": 12,
        "losses_missed": 0,
        "worst_error_seconds": 0.1,
        "lag_p99_seconds": 0.0002,
        **other,
    }


def header(**other: Any) -> Fields:
    return {
        "kind": "header",
        "ns": T0,
        "schema": SCHEMA,
        "judge": "0.1.0",
        "run": RUN,
        "boot": BOOT,
        "plan": {"name": "trading-desk", "sha256": hashlib.sha256(b"plan").hexdigest(), "variables": {}},
        "drill": drill_of("kill_site"),
        "judged": [judged("gateway", "rto", 30.0), judged("orders", "rpo", 0.0)],
        "not_tested": [],
        "streams": [stream()],
        "late_ns": 100 * MS,
        "stable_ns": S,
        "deadline_ns": 60 * S,
        "seed": 7,
        "machine": "this machine",
        "calibration": calibration(),
        **other,
    }


def drill_of(fault: str, **other: Any) -> Fields:
    whole = {"name": "kill-primary", "kind": "live", "environment": "demo", "fault": {"kind": fault}}
    return {**whole, "respond": "observe", **other}


def judged(subject: str, objective: str, seconds: float, stream: str | None = "orders") -> Fields:
    return {"subject": subject, "objective": objective, "seconds": seconds, "stream": stream}


def intents(first: int, count: int, due: int, step: int = 10 * MS, **other: Any) -> Fields:
    whole = {"kind": "intents", "ns": T0, "stream": "orders", "act": "write", "first": first, "count": count}
    return {**whole, "scheduled_ns": due, "interval_ns": step, **other}


def operation(number: int, due: int, **other: Any) -> Fields:
    """A write, sent when due and acknowledged a millisecond later, unless `other` says else.

    `lag` and `took` (ns) stand for the instants.
    """
    sent = other.pop("sent_ns", due + other.pop("lag", 0))
    completed = other.pop("completed_ns", sent + other.pop("took", MS))
    whole = {"kind": "operation", "ns": completed, "stream": "orders", "number": number, "act": "write"}
    whole |= {"scheduled_ns": due, "sent_ns": sent, "completed_ns": completed, "outcome": "acknowledged"}
    whole |= {"cause": "", "address": None, **other}
    if whole["act"] == "write":
        whole.setdefault("payload", sha256_of(number, whole["stream"]))
    return whole


def event(name: str, ns: int, source: str = "drill", /, **detail: Any) -> Fields:
    return {"kind": "event", "ns": ns, "event": name, "source": source, "detail": detail}


def stall(start: int, stop: int) -> Fields:
    return {"kind": "stall", "ns": stop, "from_ns": start, "to_ns": stop}


def reading(rows: Iterable[tuple[int, str]], ns: int, name: str = "orders", **other: Any) -> list[Fields]:
    """The records of one reading; `other` overrides what its last one says."""
    found = [list(row) for row in rows]
    parts = [found[at : at + ROWS_MAX] for at in range(0, len(found), ROWS_MAX)]
    records = [{"kind": "read", "ns": ns, "stream": name, "rows": part} for part in parts]
    last = {"kind": "readback", "ns": ns, "stream": name, "count": len(found), "end": True}
    return [*records, {**last, "address": None, "error": None, **other}]


def end(ns: int, reason: str = "stable") -> Fields:
    return {"kind": "end", "ns": ns, "reason": reason}


def write_ledger(path: Path, head: Fields, records: Iterable[Fields]) -> Path:
    """Write `records` in the order of their `ns`; those of one instant stay in the order given."""
    path.unlink(missing_ok=True)
    writer = LedgerWriter(path)
    writer.append(head)
    for record in sorted(records, key=lambda record: record["ns"]):
        writer.append(record)
    writer.close()
    return path


@dataclass
class PlantedDrill:
    """A drill with one write every 10 ms: a steady second, an outage, and as long after it as is stable.

    Writes due within the outage fail. Everything else that is wrong is planted: sets of numbers, fields that
    take the place of a number's own (`instead`; None for never sent), or records on top (`more`).
    `f0` and `f1` bracket the fault.
    """

    steady_ns: int = S
    fault_ns: int = 5 * MS
    outage_ns: int = 500 * MS
    after_ns: int = 1100 * MS
    interval_ns: int = 10 * MS
    head: Fields = field(default_factory=header)
    lost: set[int] = field(default_factory=set)
    duplicated: set[int] = field(default_factory=set)
    corrupt: set[int] = field(default_factory=set)
    unexpected: set[int] = field(default_factory=set)
    deleted: dict[int, str] = field(default_factory=dict)
    instead: dict[int, Fields | None] = field(default_factory=dict)
    more: list[Fields] = field(default_factory=list)
    without: set[str] = field(default_factory=set)
    reading: Fields = field(default_factory=dict)
    end_reason: str | None = "stable"

    @property
    def f0(self) -> int:
        return T0 + 100 * MS + self.steady_ns + 3 * MS

    @property
    def f1(self) -> int:
        return self.f0 + self.fault_ns

    @property
    def count(self) -> int:
        return (self.steady_ns + self.outage_ns + self.after_ns) // self.interval_ns

    @property
    def over(self) -> int:
        """After everything settled."""
        return T0 + S + self.steady_ns + self.outage_ns + self.after_ns + 10 * S

    def due(self, number: int) -> int:
        return T0 + 100 * MS + number * self.interval_ns

    def is_down(self, number: int) -> bool:
        return self.f0 <= self.due(number) < self.f0 + self.outage_ns

    def operations(self) -> list[Fields]:
        found: list[Fields] = []
        for number in range(self.count):
            outcome = {"outcome": "failed", "cause": "refused"} if self.is_down(number) else {}
            planted = self.instead.get(number, outcome)
            if planted is not None:
                found.append(operation(number, self.due(number), **planted))
        return found

    def deletes(self) -> list[Fields]:
        found = []
        for place, (number, outcome) in enumerate(sorted(self.deleted.items())):
            due = self.due(number) + 55 * MS + place
            found.append(intents(number, 1, due, act="delete"))
            found.append(operation(number, due, act="delete", outcome=outcome))
        return found

    def rows(self) -> list[tuple[int, str]]:
        found = []
        for each in self.operations():
            number = each["number"]
            gone = self.deleted.get(number, "failed") != "failed" or number in self.lost
            if each["outcome"] == "acknowledged" and not gone:
                payload = sha256_of(-1) if number in self.corrupt else sha256_of(number)
                found += [(number, payload)] * (2 if number in self.duplicated else 1)
        return found + [(number, sha256_of(number)) for number in sorted(self.unexpected)]

    def events(self) -> list[Fields]:
        found = [
            event("steady", T0 + 50 * MS, "recorder"),
            event("fault_begin", self.f0),
            event("fault_end", self.f1),
            event("fault_effective", self.f1, holds=True, how="every process is gone"),
        ]
        return [each for each in found if each["event"] not in self.without]

    def records(self) -> list[Fields]:
        found = [intents(0, self.count, self.due(0), self.interval_ns)]
        found += self.events() + self.operations() + self.deletes() + self.more
        rows = self.reading.get("rows", self.rows())
        if "reading" not in self.without:
            other = {name: value for name, value in self.reading.items() if name != "rows"}
            found += reading(rows, self.over, **other)
        return found + ([] if self.end_reason is None else [end(self.over, self.end_reason)])

    def write(self, path: Path) -> Path:
        return write_ledger(path, self.head, self.records())


def judged_run(drill: PlantedDrill, folder: Path) -> tuple[Measurement, Decision]:
    """Measure and decide a planted drill."""
    path = drill.write(folder / "ledger.jsonl")
    measurement = measure(path)
    head = next(read(path))
    assert head["kind"] == "header"
    return measurement, decide(head, measurement)
