"""Patroni, watched: what blackstart measures is what the rows of a writer beside it say."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sites.plan import load
from sites.plan.canary import PostgresCanary

EXAMPLE = Path(__file__).parents[2] / "examples" / "observe_patroni"
INTERVAL_SECONDS = 0.01
PORTS = ("A_PORT", "B_PORT", "A_REST_PORT", "B_REST_PORT")


@pytest.fixture
def example() -> Iterator[ModuleType]:
    sys.path.insert(0, str(EXAMPLE))
    yield importlib.import_module("run")
    sys.path.remove(str(EXAMPLE))


def test_its_plan_observes_and_fails_nothing_over(tmp_path: Path) -> None:
    variables = {name: str(4000 + at) for at, name in enumerate(PORTS)}
    variables |= {"ESTATE": str(tmp_path), "EVIDENCE": str(tmp_path), "PATRONI": "patroni", "PG_USER": "u"}
    plan = load(EXAMPLE / "plan.yaml", variables)
    assert plan.failover is None
    assert {drill.respond for drill in plan.drills.values()} == {"observe"}
    assert all(isinstance(drill.canary, PostgresCanary) for drill in plan.drills.values())


@pytest.mark.campaign
@pytest.mark.timeout(600)
def test_campaign_of_patroni_watched(example: Any, tmp_path: Path) -> None:
    """Two planned switchovers and the loss of the leader's host, at Patroni's shortest timings."""
    with example.cluster(tmp_path / "evidence", fast=True) as built:
        found = list(example.rounds(built))
    for each in found:
        lower, upper, gap = (each[f"{name}_seconds"] for name in ("lower", "upper", "database"))
        print(f"proof: {each['drill']}: {lower:.3f} to {upper:.3f} s, the other reading {gap:.3f} s")  # noqa: T201
        assert each["verdict"] == "met", each["reasons"]
        assert lower - INTERVAL_SECONDS <= gap <= upper + INTERVAL_SECONDS
    assert abs(upper - gap) <= INTERVAL_SECONDS, "a kill is bracketed, so that its upper bound is tight"
