"""The desk in containers: what Compose makes is what the plan drills; and the whole demo, in the campaign."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from sites.drivers.containers.composition import Composition, read
from sites.drivers.containers.daemon import PROCESS_LABEL, SITE_LABEL
from sites.drivers.containers.project import PROJECT_LABEL
from sites.plan import Plan, load
from tests.engine import BASE, engine
from tests.examples.conftest import DESK
from tests.rto_rpo.evidence.agreeing import expect_both_agree

ROOT = Path(__file__).resolve().parents[2]
VARIABLES = {
    "DESK": "/var/tmp/desk",  # noqa: S108 - nothing is made there
    "DESK_USER": "1:1",
    "PROJECT": "desk-1",
    "PRIMARY_PG_PORT": "20001",
    "DR_PG_PORT": "20002",
    "PRIMARY_GATEWAY_PORT": "20003",
    "DR_GATEWAY_PORT": "20004",
    "PUBLIC_PORT": "20005",
    "VENUE_PORT": "20006",
}


@pytest.fixture
def plan() -> Plan:
    return load(DESK / "plan-containers.yaml", VARIABLES)


@pytest.fixture
def composition() -> Composition:
    return read(DESK / "compose.yaml", VARIABLES)


def test_every_process_of_the_plan_has_its_container(plan: Plan, composition: Composition) -> None:
    made = {(one.labels[SITE_LABEL], one.labels[PROCESS_LABEL]) for one in composition.services.values()}
    planned = {
        (site.label, process)
        for site in plan.sites.values()
        if site.kind == "containers"
        for process in site.processes
    }
    assert len(planned) == 6
    assert made - planned == {("desk-1/outside", "venue"), ("desk-1/outside", "endpoint")}
    assert planned <= made


def test_each_site_has_a_network_of_its_own_and_one_between_them(composition: Composition) -> None:
    networks = {
        site: {
            net for name, one in composition.services.items() if name.startswith(site) for net in one.networks
        }
        for site in ("primary", "dr")
    }
    assert networks == {"primary": {"primary", "wan"}, "dr": {"dr", "wan"}}


def test_a_container_sees_no_secret_but_its_own(composition: Composition) -> None:
    for name, service in composition.services.items():
        secrets = [one for one in service.volumes if "/secrets" in one]
        assert len(secrets) <= 1, name
        assert all(one.endswith(":/secret:ro") for one in secrets), name


def test_no_port_is_published_but_on_the_loopback() -> None:
    declared = yaml.safe_load((DESK / "compose.yaml").read_text())["services"]
    ports = [port for service in declared.values() for port in service.get("ports", [])]
    assert len(ports) == 6
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_a_server_is_the_first_process_of_its_container() -> None:
    """Else a killed one would stay a zombie there, and count as running: nobody waits for it."""
    lines = (DESK / "postgres.sh").read_text().splitlines()
    assert lines[-1].startswith("exec setpriv ")
    assert '"$bin/postgres"' in lines[-1]
    declared = yaml.safe_load((DESK / "compose.yaml").read_text())["services"]
    servers = [one for name, one in declared.items() if name.endswith("-postgres")]
    assert [one["command"][:2] for one in servers] == [["sh", "/desk/postgres.sh"]] * 2


@pytest.mark.campaign
@pytest.mark.containers
@pytest.mark.timeout(600)
@pytest.mark.cell("kill_site", "containers", "postgres", verdict="met")
def test_the_whole_demo_in_containers_ends_in_met_and_leaves_nothing(tmp_path: Path) -> None:
    daemon = engine()
    (tmp_path / ".blackstart").mkdir()
    for database in (ROOT / ".blackstart").glob("prefect-*.db"):
        (tmp_path / ".blackstart" / database.name).symlink_to(database)

    ended = subprocess.run(
        [sys.executable, "-c", "from flows.cli import main; main()", "demo", "--containers"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "BASE": BASE},
        timeout=500,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip().startswith("MET"), ended.stdout
    expect_both_agree(tmp_path / "evidence-containers")
    left = daemon.api.containers(all=True, filters={"label": PROJECT_LABEL})
    assert [one for one in left if one["Names"][0].startswith("/blackstart-desk")] == []
    measured = next(line.strip() for line in ended.stdout.splitlines() if "gateway RTO" in line)
    print(f"proof: the whole demo in containers, met: {measured}")  # noqa: T201
