"""The frozen plan says what was promised: a ledger that was recorded by anything else shows."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from drills.arrangement import criteria
from rto_rpo.evidence.agreed.promised import promise_findings
from rto_rpo.evidence.checking.verify import verify
from rto_rpo.evidence.lines.signature import SigningKey
from rto_rpo.ledger.records import Header
from sites.estate import Estate
from sites.plan import load
from tests.rto_rpo.evidence.folders import add_run, findings
from tests.rto_rpo.report.runs import MET

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*/plan*.yaml"))
HOSTS = {"ALPHA", "BRAVO", "CHARLIE"}
PLAN = """name: trading-desk
environment: ${WHERE:-demo}
services: {gateway: {rto: 0m 30s}, engine: {rto: 5m}}
datasets: {orders: {kind: postgres, rpo: 0s}, ticks: {kind: files, rpo: 15m}}
drills:
  kill-primary:
    fault: {kind: kill_site, site: primary}
    respond: runbook
    judge: {gateway: [rto], orders: [rpo]}
"""
SMALL = replace(MET, interval_seconds=0.25, end_at_seconds=1.8, plan=PLAN.encode())


@pytest.mark.parametrize(
    ("written", "instead", "said"),
    [
        ("rto: 0m 30s", "rto: 100ms", "an rto of 30 s for 'gateway', its plan says 0.1 s"),
        ("rto: 0m 30s", "rto: ~", "an rto of 30 s for 'gateway', its plan says none"),
        ("gateway: {", "desk: {rto: 1s}, gateway: {", "an rto of none for 'desk', its plan says 1 s"),
        ("gateway: {rto: 0m 30s}, ", "", "an rto of 30 s for 'gateway', its plan says none"),
        ("rpo: 0s", "rpo: 1h", "an rpo of 0 s for 'orders', its plan says 3600 s"),
        ("kind: kill_site", "kind: pause_site", "fault's kind 'kill_site', its plan says 'pause_site'"),
        ("site: primary", "site: dr", "fault's site 'primary', its plan says 'dr'"),
        ("site: primary", "dataset: orders", "fault's dataset None, its plan says 'orders'"),
        ("respond: runbook", "respond: observe", "respond 'runbook', its plan says 'observe'"),
        ("WHERE:-demo", "WHERE:-production", "environment 'demo', its plan says 'production'"),
        ("kill-primary:", "another:", 'is of drill "kill-primary", which its plan does not have'),
        (", orders: [rpo]}", "}", "judges other objectives than its plan: orders rpo"),
    ],
)
def test_a_ledger_recorded_by_something_else_than_its_plan_says_shows(
    tmp_path: Path, key: SigningKey, written: str, instead: str, said: str
) -> None:
    root = tmp_path / "evidence"
    assert written in PLAN
    add_run(root, replace(SMALL, plan=PLAN.replace(written, instead).encode()), key)
    assert said in findings(root, key)


def test_a_ledger_recorded_as_its_plan_says_is_intact(tmp_path: Path, key: SigningKey) -> None:
    add_run(tmp_path / "evidence", SMALL, key)
    assert verify(tmp_path / "evidence", public_key=key.public.pem).findings == ()


def _values(text: str) -> dict[str, str]:
    """Something for every variable: a port of its own, or a path or an address."""
    names = sorted(set(re.findall(r"\$\{([A-Z_]+)\}", text)))
    return {name: _value(name, at) for at, name in enumerate(names)}


def _value(name: str, at: int) -> str:
    if name in HOSTS:
        return f"127.0.0.{at + 1}"
    return str(20_000 + at) if name.endswith("PORT") else f"/srv/{name}"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_what_a_drill_records_is_what_its_plan_says(path: Path) -> None:
    """For every drill of every example, with all that they have of faults and of variables."""
    plan = load(path, _values(path.read_text()))
    for name, drill in plan.drills.items():
        agreed = criteria(Estate(plan), drill).model_dump()
        header: dict[str, Any] = {
            "plan": {"name": plan.name, "sha256": plan.sha256, "variables": dict(plan.variables)},
            "drill": {
                "name": name,
                "environment": plan.environment,
                "fault": drill.fault.model_dump(mode="json"),
                "respond": drill.respond,
                "cold": drill.cold,
            },
            "judged": agreed["judged"],
            "not_tested": agreed["not_tested"],
        }
        assert list(promise_findings(path.read_bytes(), cast("Header", header))) == []
