"""What is fenced does not start on other machines and in containers either."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import Any

import pytest
import yaml

from sites.errors import SiteError
from sites.estate import Estate
from sites.fences import Fences
from sites.plan import read_plan
from tests.fakes.docker_daemon import FakeDocker, Kept, serving
from tests.sites.sshd import one_sshd, sleeper, why_not

LABELS = {"blackstart.site": "light/here", "blackstart.process": "database"}


def declared(folder: Path, here: dict[str, Any]) -> Estate:
    """A database at site "here", of the kind that is given."""
    plan = {
        "name": "light",
        "environment": "test",
        "sites": {"here": here},
        "datasets": {
            "orders": {
                "kind": "postgres",
                "database": "d",
                "user": "u",
                "primary": {
                    "site": "here",
                    "host": "127.0.0.1",
                    "port": 5,
                    "process": "database",
                    "data": str(folder / "data"),
                },
            }
        },
        "state": str(folder / "state"),
    }
    (folder / "data").mkdir()
    return Estate(read_plan(folder / "plan.yaml", yaml.safe_dump(plan).encode(), {}))


def check_barred(estate: Estate, why: str) -> None:
    site = estate.site("here")
    for attempt in (site.up, lambda: site.start("database")):
        with pytest.raises(SiteError, match=f'cannot start process "database" at site "here": .*{why}'):
            attempt()
    assert site.running() == {}


def test_the_database_of_fenced_containers_does_not_start(tmp_path: Path) -> None:
    with serving(FakeDocker(Kept("db", LABELS)), tmp_path / "docker.sock") as daemon:
        estate = declared(tmp_path, {"kind": "containers", "daemon": daemon, "processes": {"database": {}}})
        Fences(estate.state).raise_("here", "failover")
        check_barred(estate, "nothing shows that it would start as a standby")
        estate.unguarded("here").up()
        assert set(estate.site("here").running()) == {"database"}


@pytest.mark.skipif(why_not() is not None, reason=str(why_not()))
def test_the_database_of_a_fenced_host_starts_only_as_a_standby(tmp_path: Path) -> None:
    server, work = one_sshd(), tmp_path / "work"
    work.mkdir()
    asleep = sleeper(work, "database")
    commands = {
        act: [word.replace("$", "$$") for word in getattr(asleep, act)]
        for act in ("start", "stop", "kill", "status")
    }
    files = {
        key: str(server.folder / name)
        for key, name in (("key", "client_key"), ("known_hosts", "known_hosts"))
    }
    here = {
        "kind": "hosts",
        "hosts": {"a": {"address": server.at, "port": server.port}},
        "ssh": {"user": pwd.getpwuid(os.geteuid()).pw_name, "config": "/dev/null", **files},
        "processes": {"database": commands},
    }
    estate = declared(tmp_path, here)
    site = estate.site("here")
    try:
        Fences(estate.state).raise_("here", "failover")
        check_barred(estate, "it would not start as a standby")
        (tmp_path / "data/standby.signal").touch()
        site.start("database")
        assert set(site.running()) == {"database"}
    finally:
        site.kill()
        site.close()  # type: ignore[attr-defined]
