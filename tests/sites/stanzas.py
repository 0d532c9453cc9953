"""A real PostgreSQL server with a real pgBackRest stanza in two repositories, one at the other site."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import psycopg

from sites.drivers.account import give
from sites.drivers.pgbackrest.stanza import Stanza
from sites.drivers.postgres.configuration import ServerSettings
from sites.drivers.postgres.dataset import PostgresDataset
from sites.drivers.postgres.folder import DataFolder
from sites.drivers.postgres.programs import find_programs, unprivileged_user
from sites.drivers.postgres.roles import arm
from sites.drivers.postgres.server import PostgresServer
from sites.drivers.processes.site import ProcessSite

USER = unprivileged_user()
STANZA, DATABASE, OWNER = "desk", "desk", "blackstart"
PASSWORD, ADMIN_PASSWORD = "owner: 'swordfish'", "admin's swordfish"
HERE, THERE = 1, 2
_OURS = ("repo1", "repo2", "log", "lock", "spool", "sockets")
# it tries again what failed, after 15 s: too long to wait for what is damaged for good
NO_RETRY = {"PGBACKREST_JOB_RETRY": "0"}


@dataclass(frozen=True)
class Server:
    """`folder` holds its data and both repositories, which may be harmed."""

    folder: Path
    site: ProcessSite
    server: PostgresServer
    port: int
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        return self.folder / "pgbackrest.conf"

    @property
    def dataset(self) -> PostgresDataset:
        return PostgresDataset("orders", DATABASE, OWNER, PASSWORD, {"primary": ("127.0.0.1", self.port)})

    def stanza(self, repo: int, **options: object) -> Stanza:
        name = {HERE: "onsite-wal", THERE: "offsite-wal"}[repo]
        made = Stanza(name, STANZA, repo, self.config, USER, env=NO_RETRY)
        return replace(made, **options)  # type: ignore[arg-type]

    def repository(self, repo: int) -> Path:
        return self.folder / f"repo{repo}"

    def wal(self, repo: int) -> list[Path]:
        """The files of whole segments, oldest first."""
        return sorted((self.repository(repo) / "archive" / STANZA).rglob("0*-*"))

    def run(self, statement: str) -> str | None:
        with psycopg.connect(
            host="127.0.0.1", port=self.port, dbname=DATABASE, user=OWNER, password=PASSWORD, autocommit=True
        ) as connection:
            cursor = connection.execute(statement.encode())
            row = cursor.fetchone() if cursor.description else None
            return None if row is None else str(row[0])

    def configure(self, **globals_: str) -> None:
        self.config.write_text(_config(self.folder, self.port, {**self.more, **globals_}))
        self.config.chmod(0o644)

    def harm(self, repo: int) -> Path:
        """A copy of a repository, to be harmed, in its place. Returns where the whole one is."""
        whole = self.folder / f"whole{repo}"
        self.repository(repo).rename(whole)
        _copied(whole, self.repository(repo))
        return whole

    def heal(self, repo: int, whole: Path) -> None:
        shutil.rmtree(self.repository(repo))
        whole.rename(self.repository(repo))


def make_server(folder: Path, *, archiving: bool = True) -> Server:
    """A server that is up and archives to both repositories; its stanza is not made yet."""
    for name in _OURS:
        (folder / name).mkdir(mode=0o700)
        give(folder / name, USER)
    port = _free_port()
    command = f"pgbackrest --config={folder}/pgbackrest.conf --stanza={STANZA} archive-push %p"
    settings = ServerSettings(
        "primary",
        port,
        others={
            "unix_socket_directories": str(folder / "sockets"),
            "archive_mode": "on",
            "archive_command": command if archiving else "false",
        },
    )
    server = PostgresServer(settings, data=folder / "data", programs=find_programs(), user=USER)
    server.create_primary(admin_password=ADMIN_PASSWORD, wal_segment_mb=1)
    access = DataFolder(server.data, server.programs, server.user)
    access.write(
        server.data / "pg_hba.conf", "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
    )
    site = ProcessSite(
        "primary", folder / "site", {"postgres": server.process()}, until_pid=os.getpid(), namespace=False
    )
    made = Server(folder, site, server, port)
    made.configure()
    site.up()
    arm(
        ("127.0.0.1", port),
        admin_password=ADMIN_PASSWORD,
        database=DATABASE,
        user=OWNER,
        password=PASSWORD,
        replication_password="replicator",
    )
    return made


def _config(folder: Path, port: int, more: Mapping[str, str]) -> str:
    settings = {
        "repo1-path": f"{folder}/repo1",
        "repo2-path": f"{folder}/repo2",
        "repo1-retention-full": "2",
        "repo2-retention-full": "2",
        "log-path": f"{folder}/log",
        "lock-path": f"{folder}/lock",
        "spool-path": f"{folder}/spool",
        "log-level-file": "off",
        "start-fast": "y",
        "archive-timeout": "20",
        **more,
    }
    lines = [f"{key}={value}" for key, value in settings.items()]
    server = [f"pg1-path={folder}/data", f"pg1-port={port}", f"pg1-socket-path={folder}/sockets"]
    return "\n".join(["[global]", *lines, f"[{STANZA}]", *server, ""])


def _copied(source: Path, target: Path) -> None:
    subprocess.run(["/bin/cp", "-a", str(source), str(target)], check=True)


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
