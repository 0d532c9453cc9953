"""repmgr from Debian's packages, tuned to notice soon; two nodes made anew for each round.

Nothing is installed: the packages are unpacked beside a copy of Debian's PostgreSQL, which finds its
extensions there.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks.failover.clients import UP_SECONDS, until
from benchmarks.failover.contest import Fault, Stage
from benchmarks.failover.lost import Host
from sites.drivers import command
from sites.drivers.postgres.programs import unprivileged_user
from sites.drivers.postgres.readiness import PostgresReady
from sites.drivers.processes.site import ProcessSite, ProcessSpec
from tests.sites.drivers.pairs import free_port

PACKAGES = ("postgresql-15-repmgr", "repmgr-common")
PROGRAMS = Path("/var/tmp/blackstart-repmgr")  # noqa: S108 - where PostgreSQL's user can read it
DEBIAN = ("usr/lib/postgresql/15", "usr/share/postgresql/15")
BIN = PROGRAMS / DEBIAN[0] / "bin"
TUNED = {
    "monitor_interval_secs": 1,
    "reconnect_interval": 1,
    "degraded_monitoring_timeout": -1,
    "async_query_timeout": 1,
    "promote_check_interval": 1,
    "failover": "automatic",
}
PASSWORD = "bench"  # noqa: S105 - of servers on the loopback that are gone after the round


class Repmgr:
    """repmgrd at both nodes, each beside its server."""

    faults: tuple[Fault, ...] = ("silence", "freeze", "refusal")

    def __init__(self, name: str, *, attempts: int) -> None:
        self.name = name
        self._settings = {**TUNED, "reconnect_attempts": attempts}

    @property
    def setting(self) -> str:
        shown = ("monitor_interval_secs", "reconnect_attempts", "reconnect_interval", "async_query_timeout")
        return "asynchronous; " + ", ".join(f"{key} {self._settings[key]}" for key in shown)

    @contextmanager
    def stage(self, fault: Fault) -> Iterator[Stage]:
        del fault
        install()
        folder = Path(tempfile.mkdtemp(prefix="blackstart-bench-", dir="/var/tmp"))
        folder.chmod(0o755)
        nodes = [Node(folder, number, free_port(), self._settings) for number in (1, 2)]
        host = Host()
        try:
            _build(*nodes, host)
            yield Stage(nodes[0].site, host, nodes[0].port, nodes[1].port, PASSWORD, folder, lambda _: None)
        finally:
            for node in nodes:
                node.site.kill()
            host.close()
            shutil.rmtree(folder)

    def close(self) -> None:
        """Nothing is left between rounds."""


class Node:
    """One server and its repmgrd, in a site of its own."""

    def __init__(self, folder: Path, number: int, port: int, settings: Mapping[str, object]) -> None:
        self.home, self.number, self.port = folder / f"node{number}", number, port
        self.user = unprivileged_user()
        self.home.mkdir()
        if self.user:
            shutil.chown(self.home, self.user)
        self.data, self.conf = self.home / "data", self.home / "repmgr.conf"
        (self.home / "pgpass").write_text(f"*:*:*:*:{PASSWORD}\n")
        self.conf.write_text(
            "".join(f"{key}='{value}'\n" for key, value in {**self._identity(), **settings}.items())
        )
        for path in (self.home / "pgpass", self.conf):
            path.chmod(0o600)
            if self.user:
                shutil.chown(path, self.user)
        env = {"PGPASSFILE": str(self.home / "pgpass")}
        server = (str(BIN / "postgres"), "-D", str(self.data))
        daemon = (
            str(BIN / "repmgrd"),
            "-f",
            str(self.conf),
            "--daemonize=false",
            "-p",
            str(self.home / "pid"),
        )
        specs = {
            "postgres": ProcessSpec(server, env=env, user=self.user, ready=PostgresReady("127.0.0.1", port)),
            "repmgrd": ProcessSpec(daemon, env=env, user=self.user, cwd=self.home, autostart=False),
        }
        self.site = ProcessSite(self.home.name, self.home, specs, until_pid=os.getpid())

    def conninfo(self) -> str:
        return f"host=127.0.0.1 port={self.port} user=postgres dbname=repmgr connect_timeout=2"

    def _identity(self) -> dict[str, object]:
        return {
            "node_id": self.number,
            "node_name": f"node{self.number}",
            "conninfo": self.conninfo(),
            "data_directory": self.data,
            "pg_bindir": BIN,
            "promote_command": f"{BIN}/repmgr standby promote -f {self.conf}",
            "follow_command": f"{BIN}/repmgr standby follow -f {self.conf} --upstream-node-id=%n",
        }

    def run(self, program: str, *words: str) -> None:
        env = {"PGPASSFILE": str(self.home / "pgpass")}
        command.run([BIN / program, *words], user=self.user, cwd=self.home, env=env, limit_seconds=120)


def _build(primary: Node, standby: Node, host: Host) -> None:
    """Both up, registered and watched; the primary on that host."""
    (primary.home / "password").write_text(PASSWORD)
    if primary.user:
        shutil.chown(primary.home / "password", primary.user)
    options = [f"--pwfile={primary.home / 'password'}", "--auth=scram-sha-256", "-U", "postgres"]
    primary.run(
        "initdb", "-D", str(primary.data), "--data-checksums", "--locale=C", "--encoding=UTF8", *options
    )
    _configure(primary)
    with host.members():
        primary.site.up()
    where = ["-h", "127.0.0.1", "-p", str(primary.port), "-U", "postgres"]
    primary.run("psql", *where, "-d", "postgres", "-c", "CREATE DATABASE repmgr")
    primary.run("repmgr", "-f", str(primary.conf), "primary", "register")
    source = [*where, "-d", "repmgr"]
    standby.run("repmgr", *source, "-f", str(standby.conf), "standby", "clone", "--fast-checkpoint")
    _configure(standby)
    standby.site.up()
    standby.run("repmgr", "-f", str(standby.conf), "standby", "register", "--wait-sync=30")
    for node in (primary, standby):
        node.site.start("repmgrd")
    until(lambda: _monitors(standby), UP_SECONDS, "repmgrd to monitor")


def _monitors(standby: Node) -> bool:
    return "monitoring connection to upstream node" in standby.site.log("repmgrd")


def _configure(node: Node) -> None:
    """The settings that the other contenders' servers have too, besides repmgr's library."""
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": node.port,
        "unix_socket_directories": "",
        "shared_preload_libraries": "repmgr",
        "dynamic_shared_memory_type": "mmap",
        "shared_buffers": "32MB",
        "wal_level": "replica",
        "wal_log_hints": "on",
        "wal_retrieve_retry_interval": "50ms",
        "hot_standby": "on",
        "max_connections": 200,
        "lc_messages": "C",
    }
    path = node.data / "postgresql.conf"
    path.write_text("".join(f"{key} = '{value}'\n" for key, value in settings.items()))
    if node.user:
        shutil.chown(path, node.user)


def install() -> None:
    """Copy Debian's PostgreSQL and unpack the packages over it. Raises BlackstartError."""
    if (BIN / "repmgrd").exists():
        return
    PROGRAMS.mkdir(mode=0o755, exist_ok=True)
    for part in DEBIAN:
        shutil.copytree(Path("/") / part, PROGRAMS / part, symlinks=True, dirs_exist_ok=True)
    for package in PACKAGES:
        command.run(["apt-get", "download", "-q", package], cwd=PROGRAMS, limit_seconds=300)
        command.run(["dpkg", "-x", max(PROGRAMS.glob(f"{package}_*.deb")), PROGRAMS], limit_seconds=60)
