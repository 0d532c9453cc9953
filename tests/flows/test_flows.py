"""The flows against a real server: what a verdict becomes, what a nightly waits for, where no secret goes."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from drills.closing import Closed
from flows.server.local_server import LocalServer
from rto_rpo.measurement import Verdict
from sites.errors import GuardError
from tests.flows.plans import SECRET, small_plan

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]
ROOT = Path(__file__).resolve().parents[2]
POOLS = ("primary", "dr", "outside")


def ask(server: LocalServer, path: str, body: dict[str, Any] | None = None) -> Any:
    request = urllib.request.Request(  # noqa: S310 - our own server
        f"{server.settings['PREFECT_API_URL']}{path}",
        None if body is None else json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=20) as reply:  # noqa: S310
        return json.load(reply)


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Path:
    return small_plan(tmp_path_factory.mktemp("deployed"), repository)


@pytest.fixture(scope="module")
def deployed(server: LocalServer, plan: Path) -> LocalServer:
    """The server with the real prefect.yaml applied for a small plan, and a worker for every pool."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from flows.server.requesting import make_pools

    with temporary_settings({PREFECT_API_URL: server.settings["PREFECT_API_URL"]}):
        make_pools(POOLS)
    server.deploy(ROOT / "prefect.yaml", BLACKSTART_PLAN=str(plan))
    for pool in POOLS:
        server.start_worker(pool, PYTHONPATH=str(ROOT))
    return server


@pytest.mark.usefixtures("client_of")
def test_the_nightly_protects_and_no_secret_reaches_prefect(deployed: LocalServer, plan: Path) -> None:
    from flows.server.requesting import run

    heard: list[tuple[str, str]] = []
    ended = run("nightly/trading-desk", {}, lambda *said: heard.append(said))
    assert (ended.state, ended.message) == ("Completed", "all 3 steps done")
    completed = [name for name, state in heard if state == "Completed"]
    steps = [name for name in completed if name != "nightly/trading-desk"]  # it may be seen with its last
    assert steps == ["backup/trading-desk", "replicate/trading-desk", "restore-test/trading-desk"]
    assert "nightly/trading-desk" in completed
    assert (plan.parent / "there" / "repository" / "config").exists()

    artifacts = ask(deployed, "/artifacts/filter", {})
    assert {one["key"] for one in artifacts} >= {"backup", "replicate", "restore-test", "nightly"}
    tested = json.loads(next(one["data"] for one in artifacts if one["key"] == "restore-test"))
    assert {row["what"]: row["state"] for row in tested} == {"documents": "met", "pictures": "met"}
    searched = [path for path in deployed.folder.rglob("*") if path.is_file() and not path.is_socket()]
    assert deployed.database in searched
    assert [path for path in searched if SECRET.encode() in path.read_bytes()] == []
    assert b"restore-test" in b"".join(path.read_bytes() for path in searched if "prefect.db" in path.name)


def test_schedules_make_runs(deployed: LocalServer) -> None:
    """With SQLAlchemy 2.1 Prefect's scheduler fails, and only its log says so: nothing would ever run."""
    scheduled: set[str] = set()
    deadline = time.monotonic() + 60
    while len(scheduled) < 6 and time.monotonic() < deadline:
        filtered = {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}, "limit": 200}
        scheduled = {one["deployment_id"] for one in ask(deployed, "/flow_runs/filter", filtered)}
        time.sleep(0.2)
    deployments = {one["id"]: one["name"] for one in ask(deployed, "/deployments/filter", {})}
    with_schedule = {i for i, one in deployments.items() if ask(deployed, f"/deployments/{i}")["schedules"]}
    assert scheduled == with_schedule
    assert len(with_schedule) == 6


def test_parameters_are_filled_in_from_the_environment(deployed: LocalServer, plan: Path) -> None:
    found = {f"{one['entrypoint']}/{one['name']}": one for one in ask(deployed, "/deployments/filter", {})}
    backup = found["flows.backup.backup/trading-desk"]
    assert backup["parameters"] == {"plan": str(plan)}
    assert backup["pull_steps"] == []
    assert found["flows.drill.drill/kill-primary"]["parameters"].get("confirm") in {None, ""}


async def deploy_backup(name: str, pool: str) -> None:
    """A deployment of the backup flow on a plan that is not there."""
    from prefect import get_client
    from prefect.client.schemas.actions import WorkPoolCreate

    from flows.backup import backup

    async with get_client() as client:
        if pool not in POOLS:
            await client.create_work_pool(WorkPoolCreate(name=pool, type="process"))
        await client.create_deployment(
            await client.create_flow(backup),
            name,
            work_pool_name=pool,
            entrypoint="flows.backup.backup",
            parameters={"plan": "/nowhere/plan.yaml"},
            pull_steps=[],
        )


async def nightly_of(deployment: str, pick_up_seconds: float = 600.0) -> State[Any]:
    from flows.nightly import nightly

    ended: State[Any] = await nightly(deployment, pick_up_seconds, return_state=True)
    return ended


@pytest.mark.usefixtures("client_of", "deployed")
def test_a_nightly_fails_with_the_reason_of_each_step() -> None:
    asyncio.run(deploy_backup("broken", "primary"))
    state = asyncio.run(nightly_of("broken"))
    assert state.is_failed()
    told = state.message or ""
    assert told.startswith("backup/broken: Failed, /nowhere/plan.yaml: cannot read the plan")
    assert "replicate/broken: failed, there is no such deployment" in told
    assert "restore-test/broken: failed, there is no such deployment" in told


@pytest.mark.usefixtures("client_of", "deployed")
def test_a_nightly_does_not_wait_for_workers_that_are_not_there() -> None:
    asyncio.run(deploy_backup("nobody", "nobody"))
    state = asyncio.run(nightly_of("nobody", pick_up_seconds=0.2))
    assert (state.message or "").startswith("backup/nobody: Cancelled, no worker began it within 0.2 s")


@pytest.fixture
def estate_folder(tmp_path: Path, repository: Path) -> Path:
    return small_plan(tmp_path, repository)


@pytest.mark.usefixtures("client_of")
def test_a_backup_flow_fails_with_what_failed(estate_folder: Path) -> None:
    from flows.backup import backup

    shutil.rmtree(estate_folder.parent / "here" / "documents")
    state = backup(str(estate_folder), return_state=True)
    assert state.is_failed()
    assert "documents: failed" in (state.message or "")
    assert "pictures" not in (state.message or "")


@pytest.mark.usefixtures("client_of")
def test_a_restore_test_that_cannot_look_is_inconclusive(estate_folder: Path) -> None:
    from flows.restore_test import restore_test

    shutil.rmtree(estate_folder.parent / "there" / "repository")
    state = restore_test(str(estate_folder), ["pictures"], return_state=True)
    assert state.is_failed()
    assert state.name == "Inconclusive"


@pytest.mark.usefixtures("client_of")
def test_a_plan_that_cannot_be_read_fails_the_flow_in_words() -> None:
    from flows.replicate import replicate

    state = replicate("/nowhere/plan.yaml", return_state=True)
    assert state.is_failed()
    assert "/nowhere/plan.yaml" in (state.message or "")
    assert "Traceback" not in (state.message or "")


@pytest.fixture
def drilled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Verdict], None]:
    """A drill that has ended with the verdict asked for. Real ones are drilled elsewhere."""

    def ended(verdict: Verdict) -> None:
        (tmp_path / "report.md").write_text(f"# {verdict}")

        def run(*_: Any, **told: Any) -> Closed:
            told["tell"]("Steady")
            return Closed(tmp_path, {"verdict": verdict, "reasons": ["because"]}, verdict, "ab" * 32)

        monkeypatch.setattr("flows.drill.drills.run", run)

    return ended


@pytest.mark.parametrize(
    ("verdict", "kind", "name"),
    [
        ("met", "COMPLETED", "Completed"),
        ("missed", "FAILED", "Failed"),
        ("inconclusive", "FAILED", "Inconclusive"),
    ],
)
def test_a_verdict_becomes_a_state(
    client_of: LocalServer,
    drilled: Callable[[Verdict], None],
    estate_folder: Path,
    verdict: Verdict,
    kind: str,
    name: str,
) -> None:
    from flows.drill import drill

    drilled(verdict)
    state = drill(str(estate_folder), "kill-primary", "test", return_state=True)
    assert (state.type.value, state.name) == (kind, name)
    assert (state.message or "").startswith(f"{verdict}: because.")
    assert "ab" * 32 in (state.message or "")
    reports = ask(client_of, "/artifacts/filter", {"artifacts": {"key": {"any_": ["drill-report"]}}})
    assert f"# {verdict}" in {one["data"] for one in reports}


def test_a_drill_is_refused_while_the_api_is_open_to_strangers(
    client_of: LocalServer,
    drilled: Callable[[Verdict], None],
    estate_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from flows.drill import drill

    drilled("met")
    monkeypatch.setattr("flows.server.api_guard.exposed", lambda url: f"{url} answers without credentials")
    state = drill(str(estate_folder), "kill-primary", "test", return_state=True)
    assert state.is_failed()
    assert client_of.settings["PREFECT_API_URL"] in (state.message or "")


@pytest.mark.usefixtures("client_of")
def test_a_guard_that_refuses_fails_the_flow_with_the_way_out(
    estate_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.drill import drill

    def refuse(*_: Any, **__: Any) -> Closed:
        raise GuardError("not now", hint="tomorrow")

    monkeypatch.setattr("flows.drill.drills.run", refuse)
    state = drill(str(estate_folder), "kill-primary", "test", return_state=True)
    assert (state.type.value, state.message) == ("FAILED", "not now; tomorrow")
