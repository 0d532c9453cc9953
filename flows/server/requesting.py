"""Ask a Prefect server for pools and runs, and wait. Whoever imports this has set Prefect's variables."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from prefect import get_client
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import FlowRun
from prefect.deployments import arun_deployment
from prefect.workers.process import ProcessWorker

_ASK_SECONDS = 1.0
_LOOK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended: `state` is the name of its last state."""

    completed: bool
    state: str
    message: str


def make_pools(names: Sequence[str]) -> None:
    """Make a pool for process workers of each name; one that is there is set right."""
    asyncio.run(_make_pools(names))


def run(
    deployment: str,
    parameters: dict[str, Any],
    tell: Callable[[str, str], None],
    look: Callable[[], None] = lambda: None,
) -> Ended:
    """Run a deployment to its end. `tell` hears of each run's new state; `look` is called all the while."""
    return asyncio.run(_run(deployment, parameters, tell, look))


async def _make_pools(names: Sequence[str]) -> None:
    template = ProcessWorker.get_default_base_job_template()
    async with get_client() as client:
        for name in names:
            pool = WorkPoolCreate(name=name, type="process", base_job_template=template)
            await client.create_work_pool(pool, overwrite=True)


async def _run(
    deployment: str, parameters: dict[str, Any], tell: Callable[[str, str], None], look: Callable[[], None]
) -> Ended:
    states: dict[UUID, str | None] = {}
    async with get_client() as client:
        states = {one.id: one.state_name for one in await client.read_flow_runs()}
        asked = await arun_deployment(deployment, parameters=parameters, timeout=0)
        while True:
            runs = await client.read_flow_runs()
            for one in _by_time(runs):
                if states.get(one.id) != one.state_name:
                    states[one.id] = one.state_name
                    tell(await _name(client, one), one.state_name or "")
            mine = next(one for one in runs if one.id == asked.id)
            if mine.state is not None and mine.state.is_final():
                look()
                return Ended(mine.state.is_completed(), mine.state_name or "", mine.state.message or "")
            await _rest(look)


def _by_time(runs: Sequence[FlowRun]) -> list[FlowRun]:
    """As they came to be what they are: a busy server may show the ends of several in one look."""
    return sorted(
        runs, key=lambda one: one.state.timestamp if one.state else datetime.min.replace(tzinfo=UTC)
    )


async def _rest(look: Callable[[], None]) -> None:
    """Leave the server alone for a while: it has two processors to share with the drill."""
    until = time.monotonic() + _ASK_SECONDS
    while time.monotonic() < until:
        look()
        await asyncio.sleep(_LOOK_SECONDS)


async def _name(client: PrefectClient, flow_run: FlowRun) -> str:
    """ "backup/trading-desk"."""
    flow = await client.read_flow(flow_run.flow_id)
    if flow_run.deployment_id is None:
        return flow.name
    return f"{flow.name}/{(await client.read_deployment(flow_run.deployment_id)).name}"
