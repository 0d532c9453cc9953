"""The runbook's lines for hosts, containers, commands and SQLite, pasted into a shell as they stand."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.protection.protect import back_up, replicate_all
from sites.estate import Estate
from sites.plan import read_plan
from sites.recovery import by_hand
from sites.recovery.failback import failback
from sites.recovery.own_steps import runbook_of
from sites.recovery.runbook import Step, in_order
from tests.e2e.desks import EXAMPLE
from tests.e2e.test_by_hand import await_ready, by_lines_alone, paste, quiet
from tests.e2e.test_own_commands import changed
from tests.e2e.test_own_commands import variables as variables
from tests.engine import BASE, engine
from tests.examples.test_two_hosts import example as example
from tests.sites.repositories import PASSWORD, make_template, wait_until

sys.path.insert(0, str(EXAMPLE))  # as in desks

import container_desk

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(580)]
REDIS = pytest.mark.skipif(
    shutil.which("redis-server") is None, reason="no redis-server is here (apt-get install redis-server)"
)


def steps_of(estate: Estate) -> list[Step]:
    return in_order(runbook_of(estate, quiet))


def stop_and_start(estate: Estate, site: str, process: str) -> None:
    """What a person does to one process of a site."""
    driver = estate.site(site)
    paste(by_hand.stop(estate.plan, site, process))
    assert process not in driver.running()
    paste(by_hand.start(estate.plan, site, process))
    assert process in driver.running()
    await_ready(estate, process, site)


@REDIS
@pytest.mark.parametrize(
    "fence",
    [
        None,
        pytest.param(
            ["sh", "-c", "BLACKSTART_PROCESS= exec ./redis.sh kill"],
            marks=pytest.mark.campaign,
            id="own fence",
        ),
    ],
)
def test_a_site_of_commands_is_failed_over_by_the_printed_lines(
    variables: dict[str, str], fence: list[str] | None
) -> None:
    estate = changed(variables, primary={"fence": fence})
    try:
        for name in ("primary", "dr"):
            estate.site(name).up()
        driver = estate.promotable("dr")["cache"]
        wait_until(lambda: driver.in_sync().holds)
        stop_and_start(estate, "primary", "redis")
        wait_until(lambda: driver.in_sync().holds)
        by_lines_alone(estate, steps_of(estate), "dr")
        assert estate.site("primary").proven_gone().holds
        assert (driver.writable("primary"), driver.writable("dr")) == (None, True)
    finally:
        for name in ("primary", "dr"):
            estate.site(name).kill()


@pytest.mark.campaign
@pytest.mark.containers
def test_a_desk_of_containers_is_failed_over_by_the_printed_lines(desk_folder: Path) -> None:
    engine()
    environ = {**os.environ, "BASE": BASE, "BLACKSTART_EVIDENCE": str(desk_folder / "evidence")}
    built = container_desk.build(desk_folder, environ)
    try:
        built.up()
        estate = built.estate()
        outcomes = [*back_up(estate), *replicate_all(estate)]
        assert [one.error for one in outcomes if one.error] == []
        stop_and_start(estate, "primary", "engine")
        by_lines_alone(estate, steps_of(estate), "dr")
        assert estate.site("primary").running() == {}
        assert estate.postgres("orders").writable("dr") is True
        assert (desk_folder / "public" / "endpoint").read_text().strip() == "dr-gateway:8080"
        for name in ("strategies", "ticks"):
            there = desk_folder / "dr" / name
            whole = {p.relative_to(there): p.read_bytes() for p in there.rglob("*") if p.is_file()}
            before = desk_folder / "primary" / name
            assert whole
            assert whole == {p.relative_to(before): p.read_bytes() for p in before.rglob("*") if p.is_file()}
    finally:
        built.down()


@pytest.mark.campaign
def test_two_hosts_fail_over_and_come_home_by_the_printed_lines(example: Any, tmp_path: Path) -> None:
    with example.estate(tmp_path / "evidence") as hosts:
        path = EXAMPLE.parent / "two_hosts" / "plan.yaml"
        estate = Estate(read_plan(path, path.read_bytes(), {**os.environ, **hosts.variables}))
        stop_and_start(estate, "primary", "health")
        by_lines_alone(estate, steps_of(estate), "dr")
        assert estate.site("primary").proven_gone().holds
        orders = estate.postgres("orders")
        assert orders.writable("dr") is True
        tables = failback(estate, quiet)
        by_lines_alone(estate, [*in_order(tables.first), *in_order(tables.then)], "primary")
        assert (orders.writable("primary"), orders.writable("dr")) == (True, False)
        assert orders.wait_until_in_sync(limit_seconds=20, standby="dr").holds


@pytest.mark.campaign
def test_a_sqlite_database_is_restored_by_the_printed_lines(tmp_path: Path) -> None:
    estate = of_sqlite(tmp_path)
    here, there = tmp_path / "here" / "fills.db", tmp_path / "there" / "fills.db"
    for path, count in ((here, 3), (there, 1)):
        path.parent.mkdir()
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("CREATE TABLE fills (id INTEGER PRIMARY KEY)")
            connection.executemany("INSERT INTO fills VALUES (?)", [(n,) for n in range(count)])
    there.with_name("fills.db-wal").write_bytes(b"of the one before")
    outcomes = [*back_up(estate), *replicate_all(estate)]
    assert [one.error for one in outcomes if one.error] == []
    estate.site("primary").up()
    by_lines_alone(estate, steps_of(estate), "dr")
    with closing(sqlite3.connect(there)) as connection:
        assert connection.execute("SELECT count(*) FROM fills").fetchone() == (3,)
    assert there.with_name("fills.db.before-by-hand").exists()
    assert there.with_name("fills.db.before-by-hand-wal").read_bytes() == b"of the one before"
    assert estate.site("primary").proven_gone().holds


def of_sqlite(folder: Path) -> Estate:
    (folder / "password").touch(mode=0o600)
    (folder / "password").write_text(PASSWORD)
    template = make_template(folder)
    for name in ("onsite", "offsite"):
        shutil.copytree(template, folder / name)
    password = {"file": str(folder / "password")}
    sleeper = {"web": {"command": ["sleep", "600"]}}
    declared = {
        "name": "fills",
        "environment": "test",
        "sites": {
            name: {"kind": "processes", "path": f"the {name}", "processes": sleeper}
            for name in ("primary", "dr")
        },
        "repositories": {
            "onsite": {"site": "primary", "url": "onsite", "password": password},
            "offsite": {"site": "dr", "url": "offsite", "password": password, "copy_of": "onsite"},
        },
        "datasets": {
            "fills": {
                "kind": "sqlite",
                "site": "primary",
                "path": "here/fills.db",
                "restore": {"site": "dr", "path": "there/fills.db"},
                "backup": {"to": "onsite", "every": "1h"},
                "rpo": "1h",
            }
        },
        "failover": {"from": "primary", "to": "dr", "decide": "automatic"},
        "state": "state",
    }
    path = folder / "plan.yaml"
    path.write_text(yaml.safe_dump(declared))
    return Estate(read_plan(path, path.read_bytes(), {}), until_pid=os.getpid())
