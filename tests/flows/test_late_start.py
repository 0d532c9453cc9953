"""A scheduler that comes back late must not run what was due before: a real server, schedule and worker."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.server.local_server import LocalServer
from tests.flows.plans import small_plan
from tests.flows.test_flows import ROOT, ask

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(240)]
POOL, NAME = "late", "drill-that-is-late"
DRILL = {
    "fault": {"kind": "none"},
    "respond": "observe",
    "after": "stay",
    "judge": {"web": ["rto"]},
    "canary": {"kind": "http", "service": "web", "dataset": "documents", "rate": "10/s"},
    "stable": "2s",
    "deadline": "40s",
    "late_start": "1s",
}


def plan_with_a_drill(folder: Path, repository: Path) -> Path:
    path = small_plan(folder, repository)
    declared = yaml.safe_load(path.read_text())
    declared["services"] = {"web": {"endpoint": "http://127.0.0.1:9", "needs": ["documents"], "rto": "30s"}}
    declared["drills"] = {"watch": DRILL}
    declared["evidence"] = {"path": str(folder / "evidence")}
    declared["state"] = str(folder / "state")
    path.write_text(yaml.safe_dump(declared))
    return path


async def deploy(plan: Path) -> None:
    """The drill's flow, due every ten seconds, for a pool that has no worker yet."""
    from datetime import timedelta

    from prefect import get_client
    from prefect.client.schemas.actions import DeploymentScheduleCreate, WorkPoolCreate
    from prefect.client.schemas.schedules import IntervalSchedule

    from flows.drill import drill

    async with get_client() as client:
        await client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))
        every = IntervalSchedule(interval=timedelta(seconds=10))
        await client.create_deployment(
            await client.create_flow(drill),
            NAME,
            work_pool_name=POOL,
            entrypoint="flows.drill.drill",
            parameters={"plan": str(plan), "name": "watch", "environment": "test", "confirm": "0"},
            schedules=[DeploymentScheduleCreate(schedule=every, active=True)],
            pull_steps=[],
        )


def runs(server: LocalServer, **state: Any) -> list[dict[str, Any]]:
    asked = {"deployments": {"name": {"any_": [NAME]}}, "flow_runs": {"state": state}, "limit": 50}
    found: list[dict[str, Any]] = ask(server, "/flow_runs/filter", asked)
    return found


def waited_for(server: LocalServer, **state: Any) -> dict[str, Any]:
    deadline = time.monotonic() + 120
    while not (found := runs(server, **state)):
        assert time.monotonic() < deadline, f"no run came to be {state}"
        time.sleep(0.2)
    return found[0]


def test_a_scheduled_run_that_a_worker_takes_up_late_is_not_run(
    client_of: LocalServer, tmp_path: Path, repository: Path
) -> None:
    plan = plan_with_a_drill(tmp_path, repository)
    asyncio.run(deploy(plan))
    waited_for(client_of, name={"any_": ["Late"]})  # the server's own word: due, and nobody took it up
    client_of.start_worker(POOL, PYTHONPATH=str(ROOT))
    ended = waited_for(client_of, name={"any_": ["Not run"]})
    assert "auto-scheduled" in ended["tags"]
    assert "more than 1s is not run" in ended["state"]["message"]
    lines = [json.loads(line) for line in (tmp_path / "evidence" / "chain.jsonl").read_text().splitlines()]
    assert {(line["kind"], line["drill"]) for line in lines} == {("recorded", "watch")}
    assert all(line["entry"]["text"].startswith("not run: ") for line in lines)
