"""The example of Redis on two real servers: backed up, proven, watched, promoted by plan and script."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.exposure.exposed import exposed
from flows.protection import outcomes
from flows.protection.protect import back_up, replicate_all, restore_tests
from flows.readiness.checks import checks
from sites.errors import GuardError
from sites.estate import Estate
from sites.plan import read_plan
from sites.recovery.failback import switchover
from sites.recovery.own_steps import runbook_of
from sites.recovery.runbook import in_order
from tests.sites.drivers.servers import free_port
from tests.sites.repositories import PASSWORD, make_template, wait_until

PLAN = Path(__file__).resolve().parents[2] / "examples" / "redis" / "plan.yaml"
pytestmark = pytest.mark.skipif(
    shutil.which("redis-server") is None, reason="no redis-server is here (apt-get install redis-server)"
)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Estate]:
    (tmp_path / "password").write_text(PASSWORD)
    (tmp_path / "password").chmod(0o600)
    template = make_template(tmp_path)
    for name in ("onsite", "offsite"):
        shutil.copytree(template, tmp_path / name)
    for site in ("primary", "dr"):
        (tmp_path / site).mkdir()
    variables = {
        "REDIS": str(tmp_path),
        "PRIMARY_PORT": str(free_port()),
        "DR_PORT": str(free_port()),
    }
    estate = Estate(read_plan(PLAN, PLAN.read_bytes(), variables), until_pid=os.getpid())
    try:
        for name in ("primary", "dr"):
            estate.site(name).up()
        yield estate
    finally:
        for name in ("primary", "dr"):
            estate.site(name).kill()


def redis(estate: Estate, site: str, *words: str) -> str:
    noun = estate.plan.datasets["cache"]
    assert noun.kind == "shell"
    port = str(noun.env["PRIMARY_PORT" if site == "primary" else "DR_PORT"])
    done = subprocess.run(
        [str(shutil.which("redis-cli")), "-p", port, *words], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.mark.campaign
def test_campaign_of_redis_protected_watched_and_promoted_from_its_plan_alone(desk: Estate) -> None:
    redis(desk, "primary", "hset", "positions", "BTC", "1", "ETH", "2")
    driver = desk.promotable("dr")["cache"]
    wait_until(lambda: driver.in_sync().holds)
    rows = [outcomes.backed_up(one) for one in back_up(desk)]
    rows += [outcomes.replicated(one) for one in replicate_all(desk)]
    (tested,) = (outcomes.tested(one) for one in restore_tests(desk))
    assert (outcomes.exit_code(rows), tested.state) == (0, "met"), (rows, tested)
    (row,) = exposed(desk)
    assert (row.by, row.exceeded, row.proven is not None) == ("replica", False, True)
    assert not [one for one in checks(desk) if one.name.startswith("coverage") and one.state != "ok"]

    redis(desk, "primary", "hdel", "positions", "BTC")  # the control: the check asks of what is there
    assert [outcomes.backed_up(one).exit_code for one in back_up(desk)] == [0]
    assert [outcomes.replicated(one).exit_code for one in replicate_all(desk)] == [0]
    tested, *_older = [outcomes.tested(one) for one in restore_tests(desk)]  # the newest comes first
    assert (tested.state, "answers '1', expected '2'" in tested.what) == ("missed", True)

    redis(desk, "primary", "set", "last", "42")
    wait_until(lambda: driver.in_sync().holds)
    steps = {step.name: step for step in in_order(runbook_of(desk, lambda *_: None))}
    assert list(steps) == ["fence primary", "promote cache"]
    for step in steps.values():
        assert not step.done()
        step.do(step.limit_seconds)
        assert step.done()
    assert (driver.writable("primary"), driver.writable("dr")) == (None, True)
    assert redis(desk, "dr", "get", "last") == "42"
    (row,) = exposed(desk)
    assert row.by == "backup"  # the replica is alone now: only what was copied counts
    with pytest.raises(GuardError, match="standby of kind shell"):
        switchover(desk, lambda *_: None)


def test_what_was_dumped_serves_again_where_it_is_loaded(desk: Estate, tmp_path: Path) -> None:
    redis(desk, "primary", "set", "last", "42")
    driver = desk.promotable("dr")["cache"]
    driver.dump("primary", tmp_path / "dump")
    desk.site("dr").kill()
    driver.load("dr", tmp_path / "dump")
    desk.site("primary").kill()
    desk.site("dr").up()
    driver.promote("dr", limit_seconds=20)
    assert redis(desk, "dr", "get", "last") == "42"
    dump = tmp_path / "dump" / "dump.rdb"
    os.truncate(dump, dump.stat().st_size // 2)
    with pytest.raises(Exception, match="check the dump of"):
        driver.check_dump(tmp_path / "dump")
