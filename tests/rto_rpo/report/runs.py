"""Runs to report on: a plan and a ledger as the recorder would write them, small, with planted faults."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from rto_rpo import JUDGE
from rto_rpo.ledger.writer import LedgerWriter
from tests.rto_rpo.ledgers import calibration

SECOND = 1_000_000_000
BEGIN_NS = 5_000 * SECOND
FAULT_NS = BEGIN_NS + 2 * SECOND
PLAN = b"name: trading-desk\nenvironment: demo\n"

MILESTONES = {
    "detected": 0.172,
    "decided": 0.176,
    "fenced": 0.237,
    "promoted": 0.355,
    "started": 0.560,
    "redirected": 0.572,
}


@dataclass(frozen=True)
class Run:
    """What happens in a run. Seconds count from the fault; numbers are those of the clients' writes."""

    number: int = 1
    plan: bytes = PLAN
    plan_name: str = "trading-desk"
    drill: str = "kill-primary"
    environment: str | None = "demo"
    fault: dict[str, Any] = field(default_factory=lambda: {"kind": "kill_site", "site": "primary"})
    service: str = "gateway"
    stream: str = "orders"
    interval_seconds: float = 0.05
    rto_seconds: float = 30.0
    back_at_seconds: float = 0.58
    end_at_seconds: float = 2.0
    stable_seconds: float = 1.0
    lost: frozenset[int] = frozenset()
    old_takes: bool = False
    stall: tuple[float, float] | None = None
    reading_ends: bool = True
    rpo_judged: bool = True
    cut_off: bool = False
    end_reason: str = "stable"
    judge: str = JUDGE
    begins: bool = True
    safe_at_seconds: float | None = 0.9
    check: dict[str, Any] = field(
        default_factory=lambda: {"name": "reconciliation", "verdict": "met", "reason": "80 orders, all known"}
    )
    checked_by: str = "responder"
    more: tuple[tuple[str, float, dict[str, Any]], ...] = ()
    note: dict[str, Any] = field(default_factory=dict)
    versions: tuple[tuple[str, str, str | None], ...] = (
        ("PostgreSQL server of orders", "site primary", "17.6 (Debian 17.6-1)"),
        ("PostgreSQL server of orders", "site dr", "17.6 (Debian 17.6-1)"),
        ("restic", "where blackstart runs", "0.18.0"),
        ("gateway", "every site", None),
    )
    calibration: dict[str, Any] | None = field(default_factory=calibration)

    @property
    def run(self) -> str:
        return str(UUID(int=(self.number << 96) | 7))


MET = Run()
MISSED = Run(
    number=2,
    lost=frozenset({36, 37, 38}),
    safe_at_seconds=None,
    check={
        "name": "reconciliation",
        "verdict": "missed",
        "reason": "order c-37 is at the venue and not in the database",
    },
)
INCONCLUSIVE = Run(number=3, stall=(-0.2, 0.9), reading_ends=False)


def write_run(folder: Path, run: Run) -> Path:
    """Write plan.yaml and ledger.jsonl into the folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plan.yaml").write_bytes(run.plan)
    write_ledger(folder / "ledger.jsonl", run)
    return folder


def write_ledger(path: Path, run: Run) -> None:
    writer = LedgerWriter(path)
    records = _records(run)
    for record in records[:-1] if run.cut_off else records:
        writer.append(record)
    writer.close()


def _records(run: Run) -> list[dict[str, Any]]:
    operations = _operations(run)
    count = len(operations)
    clients = run.stream
    old = f"{run.stream}-old-primary"
    interval_ns = round(run.interval_seconds * SECOND)
    head = [
        _header(run),
        {"ns": BEGIN_NS, "kind": "anchor", "utc": "2026-11-22T06:00:10.000000Z"},
        _intents(clients, 0, count, interval_ns),
        _intents(old, 0, count, interval_ns),
    ]
    middle = sorted([*operations, *_old(run, count), *_events(run), *_stalls(run)], key=lambda one: one["ns"])
    last = middle[-1]["ns"] + SECOND
    kept = [one for one in operations if one["outcome"] == "acknowledged" and one["number"] not in run.lost]
    rows = [[one["number"], one["payload"]] for one in kept]
    tail = [
        *(
            {"ns": last, "kind": "read", "stream": clients, "rows": rows[place : place + 500]}
            for place in range(0, len(rows), 500)
        ),
        {
            "ns": last,
            "kind": "readback",
            "stream": clients,
            "count": len(rows),
            "end": run.reading_ends,
            "address": "127.0.0.1:1",
            "error": None,
        },
        {"ns": last, "kind": "anchor", "utc": "2026-11-22T06:00:16.000000Z"},
        {"ns": last, "kind": "end", "reason": run.end_reason},
    ]
    return [*head, *middle, *tail]


def _header(run: Run) -> dict[str, Any]:
    interval_ns = round(run.interval_seconds * SECOND)
    stream = {
        "dataset": run.stream,
        "service": run.service,
        "interval_ns": interval_ns,
        "limit_ns": 2 * SECOND,
    }
    return {
        "ns": BEGIN_NS,
        "kind": "header",
        "schema": "blackstart/ledger/1",
        "judge": run.judge,
        "run": run.run,
        "boot": "a1c0c9fb-8f1e-4a3d-8a57-8a5b3a8f7b10",
        "plan": {
            "name": run.plan_name,
            "sha256": sha256(run.plan).hexdigest(),
            "variables": {"DESK": "/srv/desk"},
        },
        "drill": {
            "name": run.drill,
            "kind": "live",
            "environment": run.environment,
            "fault": run.fault,
            "respond": "runbook",
            "gate": True,
        },
        "judged": [
            {"subject": run.service, "objective": "rto", "seconds": run.rto_seconds, "stream": run.stream},
            {"subject": run.stream, "objective": "rpo", "seconds": 0.0, "stream": run.stream},
        ][: 2 if run.rpo_judged else 1],
        "not_tested": [
            {"subject": "engine", "objective": "rto", "seconds": 300.0, "stream": None},
            {"subject": "ticks", "objective": "rpo", "seconds": 900.0, "stream": None},
        ],
        "streams": [
            {"name": run.stream, "role": "clients", "address": "http://127.0.0.1:41873", **stream},
            {
                "name": f"{run.stream}-old-primary",
                "role": "old_primary",
                "address": "http://127.0.0.1:4",
                **stream,
            },
        ],
        "late_ns": SECOND // 10,
        "stable_ns": round(run.stable_seconds * SECOND),
        "deadline_ns": 120 * SECOND,
        "machine": "this machine",
        "calibration": run.calibration and {**run.calibration, "judge": run.judge},
        "seed": 7,
    }


def _intents(stream: str, first: int, count: int, interval_ns: int) -> dict[str, Any]:
    return {
        "ns": BEGIN_NS,
        "kind": "intents",
        "stream": stream,
        "act": "write",
        "first": first,
        "count": count,
        "scheduled_ns": BEGIN_NS,
        "interval_ns": interval_ns,
    }


def _operations(run: Run) -> list[dict[str, Any]]:
    interval_ns = round(run.interval_seconds * SECOND)
    count = round((2 + run.end_at_seconds) / run.interval_seconds)
    return [_operation(run, number, BEGIN_NS + number * interval_ns) for number in range(count)]


def _operation(run: Run, number: int, due_ns: int) -> dict[str, Any]:
    since = (due_ns - FAULT_NS) / SECOND
    served = since < 0 or since >= run.back_at_seconds
    unknown = not served and since < 0.1
    took_ns = 3_000_000 if served else 1_000_000
    return {
        "ns": due_ns + 100_000 + took_ns,
        "kind": "operation",
        "stream": run.stream,
        "number": number,
        "act": "write",
        "payload": sha256(b"%s %d" % (run.stream.encode(), number)).hexdigest(),
        "scheduled_ns": due_ns,
        "sent_ns": due_ns + 100_000,
        "completed_ns": due_ns + 100_000 + took_ns,
        "outcome": "acknowledged" if served else "indeterminate" if unknown else "failed",
        "cause": "" if served else "reset" if unknown else "refused",
        "address": None,
    }


def _old(run: Run, count: int) -> list[dict[str, Any]]:
    """The old primary's own address: it answers until the fault, and then again only where it `old_takes`."""
    plain = _operations(run)[:count]
    return [
        {
            **one,
            "stream": f"{run.stream}-old-primary",
            "outcome": "acknowledged" if _answers(run, one["sent_ns"]) else "failed",
            "cause": "" if _answers(run, one["sent_ns"]) else "refused",
        }
        for one in plain
    ]


def _answers(run: Run, sent_ns: int) -> bool:
    return sent_ns < FAULT_NS or (run.old_takes and sent_ns > FAULT_NS + SECOND)


def _events(run: Run) -> list[dict[str, Any]]:
    events = [
        *_versions(run),
        _event("steady", -0.5, "recorder", {}),
        _event("frozen", -0.4, "recorder", {"late_ns": SECOND // 10}),
        _event("fault_begin", 0.0, "drill", {"targets": ["primary"]}),
        _event("fault_end", 0.021, "drill", {}),
        _event("fault_effective", 0.03, "drill", {"holds": True, "how": "no process of the site is left"}),
        *(
            _event(name, at, "responder", {"proof": "gone"} if name == "fenced" else {})
            for name, at in MILESTONES.items()
        ),
        _event("check", 0.8, run.checked_by, dict(run.check)),
        _event("check", 0.8, "drill", {"name": "runbook", "verdict": "met", "reason": "all steps were done"}),
        _event("stable", run.end_at_seconds - 0.2, "recorder", {}),
        _event("old_primary_gone", run.end_at_seconds - 0.15, "drill", {"site": "primary"}),
        _event("note", run.end_at_seconds - 0.1, "operator", run.note),
    ]
    events += [_event(name, at, "responder", detail) for name, at, detail in run.more]
    if not run.begins:
        return [event for event in events if event["event"] in {"versions", "steady", "frozen", "note"}]
    if run.safe_at_seconds is not None:
        events.append(_event("safe", run.safe_at_seconds, "responder", {}))
    return events


def _versions(run: Run) -> list[dict[str, Any]]:
    seen = [
        {
            "what": what,
            "where": where,
            "version": version,
            "by": "it itself",
            "problem": None if version else "nobody asked",
        }
        for what, where, version in run.versions
    ]
    return [_event("versions", -1.9, "drill", {"seen": seen})] if seen else []


def _event(name: str, at_seconds: float, source: str, detail: dict[str, Any]) -> dict[str, Any]:
    ns = FAULT_NS + round(at_seconds * SECOND)
    return {"ns": ns, "kind": "event", "event": name, "source": source, "detail": detail}


def _stalls(run: Run) -> list[dict[str, Any]]:
    if run.stall is None:
        return []
    begin, end = (FAULT_NS + round(at * SECOND) for at in run.stall)
    return [{"ns": end, "kind": "stall", "from_ns": begin, "to_ns": end}]
