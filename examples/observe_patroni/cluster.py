"""Two Patroni nodes and their etcd, on the loopback, built in a folder that PostgreSQL's user can enter."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sites.drivers import command
from sites.drivers.postgres.programs import find_programs, programs_for, unprivileged_user
from sites.drivers.processes.readiness import TcpReady
from sites.drivers.processes.site import ProcessSite, ProcessSpec
from sites.errors import BlackstartError
from sites.estate import Estate
from sites.plan import load

HERE = Path(__file__).resolve().parent
NODES = {"node-a": "A", "node-b": "B"}
SLOW = {"ttl": 30, "loop_wait": 10, "retry_timeout": 10}  # Patroni's own defaults
FAST = {"ttl": 20, "loop_wait": 1, "retry_timeout": 3}  # the least that it takes
UP_SECONDS = 90.0
# The servers note when they committed each row: the writer beside blackstart is held against that.
_COMMON = {"use_pg_rewind": True, "use_slots": True, "parameters": {"track_commit_timestamp": "on"}}


@dataclass(frozen=True)
class Cluster:
    """What was built. `variables` are those of the plan beside this file."""

    folder: Path
    variables: dict[str, str]

    def estate(self) -> Estate:
        return Estate(load(HERE / "plan.yaml", {**os.environ, **self.variables}), until_pid=os.getpid())

    def outside(self) -> ProcessSite:
        """etcd, which no drill may touch."""
        client, peer = (
            f"http://127.0.0.1:{self.variables[name]}" for name in ("ETCD_PORT", "ETCD_PEER_PORT")
        )
        argv = [self.variables["ETCD"], "--name", "one", "--data-dir", str(self.folder / "outside" / "etcd")]
        argv += ["--listen-client-urls", client, "--advertise-client-urls", client]
        argv += ["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer]
        argv += ["--initial-cluster", f"one={peer}"]
        ready = TcpReady(f"127.0.0.1:{self.variables['ETCD_PORT']}")
        user = self.variables["PG_USER"] or None
        spec = ProcessSpec(tuple(argv), user=user, ready=ready, ready_seconds=30.0)
        return ProcessSite("outside", self.folder / "outside", {"etcd": spec}, until_pid=os.getpid())

    def up(self, within: Callable[[str], AbstractContextManager[None]] = lambda _: nullcontext()) -> None:
        """Return once node-a leads and node-b follows. `within`: what a node is brought up in."""
        self.outside().up()
        estate = self.estate()
        with within("node-a"):
            estate.site("node-a").up()
        _wait(lambda: self.leader() == "node-a", "node-a to lead")
        with within("node-b"):
            estate.site("node-b").up()
        self.wait_until_in_step()

    def wait_until_in_step(self) -> None:
        dataset = self.estate().postgres("ledger")
        _wait(lambda: dataset.in_sync().holds, "the replica to follow")

    def down(self) -> None:
        for site in (*(self.estate().site(name) for name in NODES), self.outside()):
            site.kill()

    def leader(self) -> str | None:
        """Who leads, as Patroni itself tells; None while nobody does."""
        for node in NODES:
            told = self._rest(node, "GET", "/cluster")
            for member in (told or {}).get("members", []):
                if member.get("role") in ("leader", "master") and member.get("state") == "running":
                    return str(member["name"])
        return None

    def switch_over(self, leader: str, candidate: str) -> None:
        """What `patronictl switchover` asks for. Whether it was done shows in who leads afterwards."""
        asked = {"leader": leader, "candidate": candidate}
        if self._rest(leader, "POST", "/switchover", asked, 60.0) is None:
            print(f"Patroni did not grant the switchover to {candidate}", file=sys.stderr, flush=True)

    def _rest(
        self,
        node: str,
        method: str,
        path: str,
        body: dict[str, str] | None = None,
        limit_seconds: float = 3.0,
    ) -> dict[str, Any] | None:
        port = self.variables[f"{NODES[node]}_REST_PORT"]
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=limit_seconds) as reply:  # noqa: S310
                text = reply.read().decode()
                return dict(json.loads(text)) if text.startswith("{") else {}
        except (OSError, ValueError):
            return None


def build(folder: Path, programs: Path, evidence: Path, ports: list[int], timing: dict[str, int]) -> Cluster:
    """Write what the nodes need. `programs` holds etcd and Patroni, see `install`."""
    user = unprivileged_user() or ""
    postgres = programs_for(find_programs(), user or None)
    names = ("A_PORT", "B_PORT", "A_REST_PORT", "B_REST_PORT", "ETCD_PORT", "ETCD_PEER_PORT")
    variables = dict(zip(names, map(str, ports), strict=True)) | {
        "ESTATE": str(folder),
        "EVIDENCE": str(evidence),
        "PATRONI": str(programs / "venv" / "bin" / "patroni"),
        "ETCD": str(programs / "etcd" / "usr" / "bin" / "etcd"),
        "PG_USER": user or os.environ.get("USER", ""),
    }
    password = secrets.token_urlsafe(18)
    (folder / "password").write_text(password)
    (folder / "password").chmod(0o600)
    for node, letter in NODES.items():
        home = folder / node
        home.mkdir()
        settings = _settings(node, letter, home, variables, Path(postgres.path("postgres")).parent, timing)
        _write_settings(home / "patroni.yml", settings, password, user)
    (folder / "outside" / "etcd").mkdir(parents=True)
    (folder / "outside" / "etcd").chmod(0o700)
    if user:
        shutil.chown(folder / "outside" / "etcd", user)
    return Cluster(folder, variables)


def _settings(
    node: str, letter: str, home: Path, variables: dict[str, str], binaries: Path, timing: dict[str, int]
) -> dict[str, Any]:
    at, rest = (f"127.0.0.1:{variables[f'{letter}_{what}']}" for what in ("PORT", "REST_PORT"))
    return {
        "scope": "observed",
        "name": node,
        "restapi": {"listen": rest, "connect_address": rest},
        "etcd3": {"hosts": f"127.0.0.1:{variables['ETCD_PORT']}"},
        "bootstrap": {
            "dcs": {**timing, "postgresql": _COMMON},
            "initdb": ["data-checksums", {"encoding": "UTF8"}],
        },
        "postgresql": {
            "listen": at,
            "connect_address": at,
            "data_dir": str(home / "data"),
            "bin_dir": str(binaries),
            "pgpass": str(home / "pgpass"),
            "parameters": {"unix_socket_directories": str(home), "wal_keep_size": "64MB"},
            "pg_hba": [
                "local all all scram-sha-256",
                "host all all 127.0.0.1/32 scram-sha-256",
                "host replication all 127.0.0.1/32 scram-sha-256",
            ],
        },
    }


def _write_settings(path: Path, settings: dict[str, Any], password: str, user: str) -> None:
    roles = {"superuser": "postgres", "replication": "replicator", "rewind": "rewinder"}
    settings["postgresql"]["authentication"] = {
        role: {"username": name, "password": password} for role, name in roles.items()
    }
    path.write_text(yaml.safe_dump(settings, sort_keys=False))
    path.chmod(0o600)
    if user:
        for place in (path, path.parent):
            shutil.chown(place, user)


def _wait(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + UP_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise BlackstartError(f"waited {UP_SECONDS:.0f} s for {what}", hint="see the logs of the nodes")
        time.sleep(0.1)


def install(programs: Path) -> None:
    """Patroni from its wheel and etcd from Debian's package, unpacked: nothing is started by that."""
    venv, etcd = programs / "venv", programs / "etcd"
    if not (venv / "bin" / "patroni").exists():
        # no pip in there: ours installs into it
        command.run([_python(), "-m", "venv", "--clear", "--without-pip", venv], limit_seconds=120)
        pip = [sys.executable, "-m", "pip", "--python", venv / "bin" / "python", "install", "-q"]
        command.run([*pip, "-r", HERE / "requirements.txt"], limit_seconds=600)
    if (etcd / "usr" / "bin" / "etcd").exists():
        return
    try:
        command.run(["apt-get", "download", "-q", "etcd-server"], cwd=programs, limit_seconds=300)
        command.run(["dpkg", "-x", max(programs.glob("etcd-server_*.deb")), etcd], limit_seconds=60)
    except BlackstartError as error:
        hint = "as root: apt-get update, then run this again"
        raise BlackstartError(f"etcd could not be had: {error}", hint=hint) from error


def _python() -> str:
    """A Python that PostgreSQL's user can run: one below root's home cannot be."""
    for python in (os.path.realpath(sys.executable), "/usr/bin/python3"):
        try:
            command.run([python, "-c", ""], limit_seconds=20, user=unprivileged_user(), cwd=Path("/"))
        except BlackstartError:
            continue
        return python
    raise BlackstartError("no Python here can be run by PostgreSQL's user", hint="apt-get install python3")
