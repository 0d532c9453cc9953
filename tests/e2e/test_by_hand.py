"""The lines that the runbook prints, pasted into a shell as they stand: a desk fails over and comes home."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from flows.protection.protect import back_up, replicate_all
from sites.estate import Estate
from sites.recovery import by_hand
from sites.recovery.by_hand_data import psql
from sites.recovery.cold import ColdRecovery
from sites.recovery.failback import failback
from sites.recovery.own_steps import runbook_of
from sites.recovery.runbook import Step, in_order
from sites.site_drivers import readiness
from tests.e2e.desks import RunningDesk, running_desk
from tests.sites.drivers.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.campaign, pytest.mark.timeout(300)]

SHELL = {"PATH": os.environ["PATH"], "HOME": "/"}


def quiet(*_: object) -> None:
    """Nobody is told."""


def paste(lines: str) -> str:
    """What a person's shell says of it. The shell knows nothing of the plan, nor of its folder."""
    done = subprocess.run(
        ["/bin/sh", "-c", lines], cwd="/", env=SHELL, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, f"{lines}\n{done.stdout}{done.stderr}"
    return done.stdout


def by_lines_alone(estate: Estate, steps: Sequence[Step], site: str) -> None:
    """Do a runbook by hand. As its lines say, a person waits until what was started at `site` is ready."""
    for step in steps:
        paste(step.by_hand)
        if step.name.startswith("start "):
            service = step.name.removeprefix("start ")
            await_ready(estate, estate.plan.services[service].process or service, site)
        elif step.name.startswith("rejoin "):
            await_ready(estate, "postgres", step.name.rpartition(" at ")[2])


def await_ready(estate: Estate, process: str, site: str) -> None:
    declared = readiness(estate.plan.sites[site].processes[process].ready)
    if declared is not None:
        wait_until(f"{process} at {site} is ready", lambda: declared.reason_not() is None)


@pytest.fixture
def lost_desk(desk_folder: Path) -> Iterator[RunningDesk]:
    """A desk that is up. What was started by hand belongs to no site of ours: it is ended by hand as well."""
    with running_desk(desk_folder) as desk:
        yield desk
        for site in ("primary", "dr"):
            paste(f"{by_hand.fence(desk.plan, site, None)}; true")


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_failover_and_the_way_home_by_the_printed_lines_alone(lost_desk: RunningDesk) -> None:
    estate, folder = lost_desk.estate, lost_desk.desk.folder
    before = lost_desk.orders("primary")
    expected = {name: content(folder / "primary" / name) for name in ("strategies", "ticks")}
    by_lines_alone(estate, in_order(runbook_of(estate, quiet)), "dr")

    assert estate.site("primary").proven_gone().holds
    assert estate.postgres("orders").writable("dr") is True
    assert before <= lost_desk.orders("dr")
    for name, whole in expected.items():
        assert whole
        assert content(folder / "dr" / name) == whole, "the data, not the manifest of it"
    assert (
        folder / "endpoint"
    ).read_text().strip() == f"127.0.0.1:{lost_desk.desk.variables['DR_GATEWAY_PORT']}"

    tables = failback(estate, quiet)
    by_lines_alone(estate, [*in_order(tables.first), *in_order(tables.then)], "primary")
    orders = estate.postgres("orders")
    assert (orders.writable("primary"), orders.writable("dr")) == (True, False)
    assert orders.wait_until_in_sync(limit_seconds=20, standby="dr").holds
    assert (folder / "endpoint").read_text().strip() == lost_desk.desk.primary_gateway


def test_a_database_is_filled_from_its_backup_by_the_printed_lines_alone(lost_desk: RunningDesk) -> None:
    estate = lost_desk.estate
    before = lost_desk.orders("primary")
    outcomes = [*back_up(estate), *replicate_all(estate)]
    assert [one.error for one in outcomes if one.error] == []
    steps = {step.name: step for step in in_order(ColdRecovery(estate, quiet).steps())}
    by_lines_alone(estate, [steps[name] for name in ("fence primary", "promote orders")], "dr")
    paste(step_that_spoils(estate))
    by_lines_alone(estate, [steps["load orders"], steps["start gateway"]], "dr")
    assert before
    assert before <= lost_desk.orders("dr")


def step_that_spoils(estate: Estate) -> str:
    """What the replica held is gone: whatever is there afterwards came from the backup."""
    return psql(estate, "orders", "dr", "DROP SCHEMA public CASCADE")
