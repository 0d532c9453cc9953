"""Approval by Prefect: the paused run is resumed by a person, and the failover hears the answer."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from flows.recovery import approval_run
from flows.server.local_server import LocalServer
from sites.errors import BlackstartError
from sites.recovery.asking import Questions
from tests.flows.plans import small_plan

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240), pytest.mark.usefixtures("client_of")]


def paused(server: LocalServer, plan: Path, answers: dict[str, Any]) -> State[Any]:
    """Run the flow here; resume it as a person does, from another thread; how it ended."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    def resume() -> None:
        with temporary_settings({PREFECT_API_URL: server.settings["PREFECT_API_URL"]}):
            asyncio.run(_resume(answers))

    from flows.approval import approval

    person = threading.Thread(target=resume)
    person.start()
    ended: State[Any] = approval(str(plan), return_state=True)
    person.join(60)
    return ended


async def _resume(answers: dict[str, Any]) -> None:
    from prefect import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
    from prefect.client.schemas.objects import StateType
    from prefect.client.schemas.responses import SetStateStatus

    only = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PAUSED])))
    deadline = time.monotonic() + 60
    async with get_client() as client:
        while not (runs := await client.read_flow_runs(flow_run_filter=only)):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        # a run is paused for a moment before what it asks for is there: it says no to whoever is that quick
        while (await client.resume_flow_run(runs[0].id, run_input=answers)).status != SetStateStatus.ACCEPT:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)


def plan_in(folder: Path) -> tuple[Path, Questions]:
    from flows.options import plan_of

    path = small_plan(folder)
    return path, Questions(plan_of(path).state)


async def _deployed(name: str) -> UUID:
    from prefect import get_client

    async with get_client() as client:
        flow = await client.create_flow_from_name("approval")
        return await client.create_deployment(flow_id=flow, name=name)


async def _started(deployment: UUID) -> list[str | None]:
    """The states of the runs of that deployment."""
    from prefect import get_client
    from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId

    only = DeploymentFilter(id=DeploymentFilterId(any_=[deployment]))
    async with get_client() as client:
        return [run.state_name for run in await client.read_flow_runs(deployment_filter=only)]


async def _forgotten(deployment: UUID) -> None:
    """With its runs: the server is shared with tests that count them."""
    from prefect import get_client
    from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId

    only = DeploymentFilter(id=DeploymentFilterId(any_=[deployment]))
    async with get_client() as client:
        for run in await client.read_flow_runs(deployment_filter=only):
            await client.delete_flow_run(run.id)
        await client.delete_deployment(deployment)


def test_who_stands_watch_starts_a_run_for_a_question(
    client_of: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", client_of.settings["PREFECT_API_URL"])
    deployment = asyncio.run(_deployed("asked-by-watch"))
    assert asyncio.run(_started(deployment)) == []
    approval_run.start("asked-by-watch")
    assert asyncio.run(_started(deployment)) == ["Scheduled"]
    asyncio.run(_forgotten(deployment))
    with pytest.raises(BlackstartError, match="approval/nobodys") as caught:
        approval_run.start("nobodys")
    assert "blackstart approve" in (caught.value.hint or "")


def test_who_resumes_the_run_has_answered(client_of: LocalServer, tmp_path: Path) -> None:
    plan, questions = plan_in(tmp_path)
    question = questions.ask("fence here", "Is it off?", 600, "site here is off")
    ended = paused(client_of, plan, {"by": "ann", "typed": "site here is off"})
    assert ended.is_completed(), ended.message
    assert ended.message == '"fence here" approved by ann'
    answer = questions.taken(question)
    assert answer is not None
    assert (answer.decision, answer.by, answer.account) == ("approved", "ann", "prefect")
    assert answer.typed == "site here is off"


@pytest.mark.campaign
def test_what_has_to_be_typed_is_typed_there_too(client_of: LocalServer, tmp_path: Path) -> None:
    plan, questions = plan_in(tmp_path)
    question = questions.ask("fence here", "Is it off?", 600, "site here is off")
    ended = paused(client_of, plan, {"by": "ann", "typed": "yes"})
    assert ended.is_failed()
    assert questions.taken(question) is None


@pytest.mark.campaign
def test_nobody_answered_or_nothing_was_asked(tmp_path: Path) -> None:
    from flows.approval import approval

    plan, questions = plan_in(tmp_path)
    assert approval(str(plan), return_state=True).message == "nothing waits for an answer"
    questions.ask("failover", "Fail over?", 1.5)
    ended = approval(str(plan), return_state=True)
    assert ended.is_failed()
    assert re.search("lapsed|never resumed", ended.message or "")
    assert questions.open() == []
