"""prefect.yaml, held to the plan that it schedules and to the traps that are known."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from sites.plan import Plan, load

ROOT = Path(__file__).resolve().parents[2]
DECLARED: dict[str, Any] = yaml.safe_load((ROOT / "prefect.yaml").read_text())
DEPLOYMENTS: list[dict[str, Any]] = DECLARED["deployments"]
POOLS = {
    "approval": "outside",
    "backup": "primary",
    "replicate": "dr",
    "restore-test": "dr",
    "upkeep": "outside",
    "notify": "outside",
    "nightly": "outside",
    "drill": "outside",
}


def flow_of(deployment: dict[str, Any]) -> Any:
    module, _, name = deployment["entrypoint"].rpartition(".")
    return getattr(importlib.import_module(module), name)


def named(deployment: dict[str, Any]) -> str:
    return f"{flow_of(deployment).name}/{deployment['name']}"


def minutes(cron: str) -> list[int]:
    """The minutes of an hour at which an hourly cron fires."""
    first, *rest = cron.split()
    assert rest == ["*"] * 4
    if first.startswith("*/"):
        return list(range(0, 60, int(first[2:])))
    return [int(one) for one in first.split(",")]


def gap(crons: list[str]) -> int:
    """The longest time between two runs, in minutes."""
    fires = sorted({minute for cron in crons for minute in minutes(cron)})
    return max(after - before for before, after in zip(fires, [*fires[1:], fires[0] + 60], strict=True))


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    ports = ("PRIMARY_PG", "DR_PG", "PRIMARY_GATEWAY", "DR_GATEWAY", "PUBLIC", "VENUE")
    variables = {f"{name}_PORT": str(1000 + number) for number, name in enumerate(ports)}
    environ = {"DESK": str(tmp_path), "PG_BIN": "/nowhere", **variables}
    return load(ROOT / "examples" / "trading_desk" / "plan.yaml", environ)


def test_the_main_job_is_deployed() -> None:
    assert {named(one) for one in DEPLOYMENTS} >= {
        "nightly/trading-desk",
        "backup/trading-desk",
        "replicate/trading-desk",
        "restore-test/trading-desk",
        "drill/kill-primary",
    }


def test_nothing_is_pulled_and_no_entrypoint_is_a_path() -> None:
    assert DECLARED["pull"] == []
    assert not [one for one in DEPLOYMENTS if "/" in one["entrypoint"] or ":" in one["entrypoint"]]


def test_each_flow_runs_where_its_data_is() -> None:
    assert {flow_of(one).name: one["work_pool"]["name"] for one in DEPLOYMENTS} == POOLS


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=named)
def test_a_deployment_has_what_its_flow_takes(deployment: dict[str, Any]) -> None:
    taken = flow_of(deployment).parameters.properties
    assert set(deployment["parameters"]) <= set(taken)
    assert set(flow_of(deployment).parameters.required or ()) <= set(deployment["parameters"])


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=named)
def test_one_run_at_a_time_and_every_schedule_in_utc(deployment: dict[str, Any]) -> None:
    assert deployment["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}
    assert all(one["timezone"] == "UTC" and one["slug"] for one in deployment.get("schedules", []))


def test_every_dataset_is_backed_up_as_often_as_the_plan_says(plan: Plan) -> None:
    for name, dataset in plan.datasets.items():
        assert dataset.backup is not None
        crons = [
            schedule["cron"]
            for one in DEPLOYMENTS
            if flow_of(one).name == "backup" and name in one["parameters"].get("datasets", plan.datasets)
            for schedule in one["schedules"]
        ]
        assert gap(crons) * 60 <= dataset.backup.every.seconds


def test_every_drill_of_the_plan_runs_when_the_plan_says(plan: Plan) -> None:
    scheduled = {
        one["name"]: [schedule["cron"] for schedule in one["schedules"]]
        for one in DEPLOYMENTS
        if flow_of(one).name == "drill"
    }
    assert scheduled == {name: [drill.schedule] for name, drill in plan.drills.items() if drill.schedule}
    for one in DEPLOYMENTS:
        if flow_of(one).name == "drill":
            assert one["parameters"]["name"] == one["name"]
            assert one["parameters"]["environment"] == plan.environment
