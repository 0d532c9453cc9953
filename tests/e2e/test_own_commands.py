"""Drills on sites of the user's own commands, on two real Redis servers, from the example's plan alone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from drills import drill
from drills.calibration.record import file_of, save
from drills.closing import Closed
from drills.preview import preview
from rto_rpo.evidence.checking.verify import verify
from sites.estate import Estate
from sites.plan import read_plan
from tests.e2e.desks import calibration, ledger
from tests.rto_rpo.evidence.agreeing import expect_both_agree
from tests.sites.drivers.servers import free_port
from tests.sites.repositories import wait_until

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "redis" / "plan.yaml"
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        shutil.which("redis-server") is None, reason="no redis-server is here (apt-get install redis-server)"
    ),
]
EASY = {"late": "1s", "stable": "1s", "deadline": "40s"}


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    ports = {"PRIMARY_PORT": str(free_port()), "DR_PORT": str(free_port())}
    return {"REDIS": str(tmp_path), **ports}


@pytest.fixture
def pair(variables: dict[str, str]) -> Iterator[Estate]:
    """The example, up and in sync; its backups are tried where the rest of it is."""
    estate = changed(variables)
    try:
        for name in ("primary", "dr"):
            estate.site(name).up()
        driver = estate.promotable("dr")["cache"]
        wait_until(lambda: driver.in_sync().holds)
        save(calibration(), file_of(estate.state))
        yield estate
    finally:
        for name in ("primary", "dr"):
            estate.site(name).kill()


def changed(variables: dict[str, str], *, primary: dict[str, Any] | None = None, **keys: Any) -> Estate:
    """The example's plan without its backups; keys of its drill and of its primary are changed."""
    declared = yaml.safe_load(EXAMPLE.read_text())
    del declared["repositories"]
    declared["datasets"]["cache"] |= {"backup": None, "checks": []}
    declared["sites"]["primary"] |= primary or {}
    declared["drills"]["kill-primary"] |= {**EASY, **keys}
    declared["drills"]["kill-primary"]["canary"]["rate"] = "10/s"
    return Estate(read_plan(EXAMPLE, yaml.safe_dump(declared).encode(), variables))


def drilled(estate: Estate) -> Closed:
    confirm = preview(estate, "kill-primary").confirm
    return drill.run(estate, "kill-primary", environment="demo", confirm=confirm)


def expect_failed_over(estate: Estate, run: Closed) -> None:
    """Met, with one writer, and by the evidence alone."""
    assert run.verdict == "met", run.report["reasons"]
    checks = {one["name"]: one["verdict"] for one in run.report["checks"]}
    assert checks == {"runbook": "met", "bystanders": "met"}
    (point,), (time,) = run.report["recovery_points"], run.report["recovery_times"]
    assert point["acknowledged_count"] > 10, "something was written, and read back"
    told = {line["event"]: line["detail"] for line in ledger(run) if line["kind"] == "event"}
    assert told["undo"]["undone"] == "reverted, fenced"
    driver = estate.promotable("dr")["cache"]
    assert (driver.writable("primary"), driver.writable("dr")) == (None, True)
    assert verify(estate.plan.evidence.path, head=run.head).anchored
    expect_both_agree(estate.plan.evidence.path, "", str(run.head))
    kind = run.report["drill"]["fault"]["kind"]
    print(  # noqa: T201
        f"proof: own commands: {kind}: RTO {time['lower_seconds']:.2f} to {time['upper_seconds']:.2f} s, "
        f"lost {len(point['lost'])} of {point['acknowledged_count']}"
    )


@pytest.mark.cell("kill_site", "shell", "shell", verdict="met")
def test_a_drill_from_the_plan_alone(pair: Estate) -> None:
    expect_failed_over(pair, drilled(pair))


@pytest.mark.campaign
@pytest.mark.cell("kill_service", "shell", "shell", verdict="met")
@pytest.mark.cell("stop_service", "shell", "shell", verdict="met")
@pytest.mark.parametrize("kind", ["kill_service", "stop_service"])
def test_one_process_of_it_is_lost(pair: Estate, variables: dict[str, str], kind: str) -> None:
    estate = changed(variables, fault={"kind": kind, "site": "primary", "process": "redis"})
    expect_failed_over(pair, drilled(estate))


@pytest.mark.campaign
def test_a_kill_that_only_says_so_strikes_nothing(pair: Estate, variables: dict[str, str]) -> None:
    """The control: nothing is failed over, and no verdict is given."""
    estate = changed(variables, primary={"kill": ["true"], "kill_limit": "1s"})
    run = drilled(estate)
    assert run.verdict == "inconclusive", run.report["reasons"]
    assert "the fault did not take effect" in " ".join(run.report["reasons"])
    driver = pair.promotable("dr")["cache"]
    assert (driver.writable("primary"), driver.writable("dr")) == (True, False)
    expect_both_agree(estate.plan.evidence.path)


@pytest.mark.campaign
def test_a_vantage_that_is_broken_does_not_fail_a_healthy_site_over(
    pair: Estate, variables: dict[str, str]
) -> None:
    """Its script ends with 2, as a shell does that lacks a variable, which would count as silence."""
    estate = changed(variables)
    declared = yaml.safe_load(estate.plan.raw)
    declared["failover"]["vantages"]["here"]["env"] = {}
    estate = Estate(read_plan(EXAMPLE, yaml.safe_dump(declared).encode(), variables))
    run = drilled(estate)
    assert run.verdict == "inconclusive", run.report["reasons"]
    assert 'vantage "here" says silent' in " ".join(run.report["reasons"])
    driver = pair.promotable("dr")["cache"]
    assert (driver.writable("primary"), driver.writable("dr")) == (True, False)
