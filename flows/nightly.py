"""Flow: the nightly round. It runs nothing itself: each step runs where its data is, and is waited for."""

from __future__ import annotations

import asyncio
import time

from prefect import flow, get_client
from prefect.artifacts import acreate_table_artifact
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun, State
from prefect.deployments import arun_deployment
from prefect.exceptions import ObjectNotFound
from prefect.logging import get_run_logger
from prefect.states import Cancelled

from flows.conclusion import ended
from flows.protection.outcomes import DONE, FAILED, Row, exit_code

STEPS = ("backup", "replicate", "restore-test")
PICK_UP_SECONDS = 600.0
_LOOK_SECONDS = 0.5


@flow(name="nightly", persist_result=False)
async def nightly(deployment: str, pick_up_seconds: float = PICK_UP_SECONDS) -> State[None]:
    """Run the deployments `backup/DEPLOYMENT`, `replicate/...` and `restore-test/...`, one after the other.

    A step that fails does not keep the next from running: an older copy is tested rather than none. The
    nightly fails with the reasons of all that failed.
    """
    rows = [await _step(f"{step}/{deployment}", pick_up_seconds) for step in STEPS]
    table = [{"step": row.subject, "state": row.state, "detail": row.what} for row in rows]
    await acreate_table_artifact(table=table, key="nightly", description="nightly: what became of each step")
    left = "; ".join(str(row) for row in rows if row.exit_code != DONE)
    return ended(exit_code(rows), left or f"all {len(rows)} steps done")


async def _step(name: str, pick_up_seconds: float) -> Row:
    logger = get_run_logger()
    try:
        run = await arun_deployment(name, timeout=0)
    except ObjectNotFound:
        return Row(name, "failed", "there is no such deployment; `prefect deploy --all` makes it", FAILED)
    async with get_client() as client:
        state = await _settled(client, run, pick_up_seconds)
    row = Row(
        name, state.name or state.type.value, state.message or "", DONE if state.is_completed() else FAILED
    )
    (logger.info if row.exit_code == DONE else logger.error)(str(row))
    return row


async def _settled(client: PrefectClient, run: FlowRun, pick_up_seconds: float) -> State:
    """Wait until the run has ended, or until nobody has begun it in time: then it is cancelled."""
    deadline = time.monotonic() + pick_up_seconds
    while True:
        run = await client.read_flow_run(run.id)
        state = run.state
        if state is not None and state.is_final():
            return state
        if time.monotonic() > deadline and run.start_time is None:
            late: State[None] = Cancelled(message=f"no worker began it within {pick_up_seconds:g} s")
            await client.set_flow_run_state(run.id, late, force=True)
            return late
        await asyncio.sleep(_LOOK_SECONDS)
