"""blackstart, and a person with the same servers: a synchronous pair, made anew for each round."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import yaml

from benchmarks.failover.clients import UP_SECONDS
from benchmarks.failover.contest import FAULTS, Fault, Stage
from benchmarks.failover.lost import Host
from sites.estate import Estate
from sites.plan import load
from sites.recovery.watching import setting_of
from tests.sites.drivers.pairs import (
    ADMIN_PASSWORD,
    PASSWORD,
    REPLICATION_PASSWORD,
    Pair,
    free_port,
    make_pair,
    make_template,
)

HERE = Path(__file__).resolve().parent
BLACKSTART = str(Path(sys.executable).with_name("blackstart"))
SECRETS = {"blackstart": PASSWORD, "replicator": REPLICATION_PASSWORD}


class Pairs:
    """Makes pairs below a folder on disk; the template is made once."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="blackstart-bench-", dir="/var/tmp"))
        self._folder.chmod(0o755)
        self._template = self._folder / "template"

    @contextmanager
    def pair(self) -> Iterator[tuple[Pair, Host]]:
        """In step; the primary runs on a host that can be lost."""
        if not self._template.exists():
            self._template.mkdir(mode=0o755)
            make_template(self._template)
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        folder.chmod(0o755)
        pair, host = make_pair(self._template, folder, synchronous=True), Host()
        try:
            pair.primary.kill()
            with host.members():
                pair.primary.up()
            proof = pair.dataset.wait_until_in_sync(limit_seconds=UP_SECONDS)
            assert proof.holds, proof
            yield pair, host
        finally:
            pair.kill()
            host.close()
            shutil.rmtree(folder)

    def close(self) -> None:
        shutil.rmtree(self._folder)


class ByHand:
    """The floor: somebody who knows at once, and has a connection open to the server that is to take over.

    Fence: every process is killed and proven gone; or, planned, the server is stopped. Then pg_promote.
    """

    name = "by hand"
    faults = FAULTS
    setting = "synchronous; nothing has to be noticed; kill and proof, pg_promote(false)"

    def __init__(self) -> None:
        self._pairs = Pairs()

    def close(self) -> None:
        self._pairs.close()

    @contextmanager
    def stage(self, fault: Fault) -> Iterator[Stage]:
        del fault
        with self._pairs.pair() as (pair, host), _admin(pair) as connection:

            def act(fault: Fault) -> None:
                if fault == "switchover":
                    pair.primary.stop("postgres")
                else:
                    assert pair.primary.kill().holds
                connection.execute("SELECT pg_promote(false)")

            yield _stage(pair, host, act)


class Blackstart:
    """`blackstart watch` as a process of its own, or `blackstart switchover`."""

    faults = FAULTS

    def __init__(self, name: str) -> None:
        self.name = name
        self._pairs = Pairs()
        self._setting = ""
        self.silence_budget_seconds: float | None = None

    @property
    def setting(self) -> str:
        return f"synchronous; {self._setting}"

    def close(self) -> None:
        self._pairs.close()

    @contextmanager
    def stage(self, fault: Fault) -> Iterator[Stage]:
        with self._pairs.pair() as (pair, host):
            plan = write_plan(pair)
            estate = Estate(load(plan), until_pid=os.getpid())
            setting = setting_of(estate)
            self._setting = setting.told()
            self.silence_budget_seconds = setting.budget_seconds("silent")
            estate.site("primary").start("check")
            if fault == "switchover":
                yield _stage(pair, host, lambda _: _switch_over(plan))
                return
            watch = subprocess.Popen(
                [BLACKSTART, "watch", "--plan", str(plan), "--environment", "bench"],
                stderr=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                text=True,
            )
            try:
                _wait_for_watch(watch)
                yield _stage(pair, host, lambda _: None)
                assert watch.wait(UP_SECONDS) == 0, "the failover did not come to its end"
            finally:
                watch.kill()
                watch.wait()


def _wait_for_watch(watch: subprocess.Popen[str]) -> None:
    assert watch.stderr is not None
    for line in watch.stderr:
        if "Watching" in line:
            time.sleep(1.0)  # it has looked a few times
            return
    raise RuntimeError("blackstart watch ended before it watched")


def _switch_over(plan: Path) -> None:
    argv = [BLACKSTART, "switchover", "--plan", str(plan), "--environment", "bench"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@contextmanager
def _admin(pair: Pair) -> Iterator[psycopg.Connection]:
    port = pair.servers["dr"].settings.port
    where = f"host=127.0.0.1 port={port} dbname=postgres user=postgres"
    with psycopg.connect(where, password=ADMIN_PASSWORD, autocommit=True) as connection:
        yield connection


def _stage(pair: Pair, host: Host, act: Callable[[Fault], None]) -> Stage:
    old, new = (pair.servers[name].settings.port for name in ("primary", "dr"))
    return Stage(pair.primary, host, old, new, ADMIN_PASSWORD, pair.folder, act)


def write_plan(pair: Pair) -> Path:
    """A plan of the pair, with nothing in it but what it takes."""
    for name, secret in SECRETS.items():
        (pair.folder / name).write_text(secret + "\n")
        (pair.folder / name).chmod(0o600)
    port = free_port()
    sites = {
        name: {"kind": "processes", "path": name, "processes": _processes(pair, name)}
        for name in pair.servers
    }
    old = pair.servers["primary"].settings.port
    sites["primary"]["processes"]["check"] = {
        "command": [sys.executable, str(HERE / "check_server.py"), str(port), str(old)],
        "env": {"PGPASSWORD": {"file": "blackstart"}},
        "ready": {"kind": "http", "url": f"http://127.0.0.1:{port}/"},
    }
    plan = {
        "name": "bench",
        "environment": "bench",
        "sites": sites,
        "datasets": {"orders": _dataset(pair)},
        "services": {
            "database": {
                "needs": ["orders"],
                "endpoint": f"http://127.0.0.1:{port}",
                "check": {"kind": "http"},
            }
        },
        "failover": {"from": "primary", "to": "dr", "decide": "automatic"},
    }
    path = pair.folder / "plan.yaml"
    path.write_text(yaml.safe_dump(plan, sort_keys=False))
    return path


def _processes(pair: Pair, site: str) -> dict[str, Any]:
    server = pair.servers[site]
    return {
        "postgres": {
            "command": [server.programs.path("postgres"), "-D", str(server.data)],
            **({"user": server.user} if server.user else {}),
            "ready": {"kind": "tcp", "port": server.settings.port},
            "stop_signal": "INT",
            "pid_file": str(server.data / "postmaster.pid"),
        }
    }


def _dataset(pair: Pair) -> dict[str, Any]:
    def server(site: str) -> dict[str, Any]:
        made = pair.servers[site]
        return {
            "site": site,
            "host": "127.0.0.1",
            "port": made.settings.port,
            "process": "postgres",
            "data": str(made.data),
        }

    return {
        "kind": "postgres",
        "database": "desk",
        "user": "blackstart",
        "password": {"file": "blackstart"},
        "primary": server("primary"),
        "standby": server("dr"),
        "replication": {"user": "replicator", "password": {"file": "replicator"}},
        "synchronous": True,
        "on_standby_loss": "block",
        "rpo": "0s",
    }
