"""A ledger's header for tests: what the drill knows of it, and the whole."""

from __future__ import annotations

from typing import Any

from tests.rto_rpo.ledgers import calibration

RUN = "3f9a12c4-6f0e-4b8e-9d2a-000000000001"
KNOWN: dict[str, Any] = {
    "judge": "0.1.0",
    "run": RUN,
    "plan": {"name": "test", "sha256": "0" * 64, "variables": {}},
    "drill": {
        "name": "kill-primary",
        "kind": "live",
        "environment": "test",
        "fault": {"kind": "kill_site", "site": "primary"},
        "respond": "observe",
    },
    "judged": [
        {"subject": "gateway", "objective": "rto", "seconds": 30.0, "stream": "orders"},
        {"subject": "orders", "objective": "rpo", "seconds": 0.0, "stream": "orders"},
    ],
    "not_tested": [],
    "machine": "this machine",
    "calibration": calibration(),
}
HEADER: dict[str, Any] = {
    "schema": "blackstart/ledger/1",
    **KNOWN,
    "boot": "b",
    "streams": [
        {
            "name": "orders",
            "role": "clients",
            "address": "http://127.0.0.1:1",
            "dataset": "orders",
            "service": "gateway",
            "interval_ns": 10_000_000,
            "limit_ns": 2_000_000_000,
        }
    ],
    "late_ns": None,
    "stable_ns": 1_000_000_000,
    "deadline_ns": 60_000_000_000,
    "seed": 7,
}
