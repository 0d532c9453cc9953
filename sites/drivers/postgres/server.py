"""Make PostgreSQL servers: a primary, and a standby of it. Who runs them is the site.

server = PostgresServer(settings, data=folder, programs=find_programs(), user=unprivileged_user())
server.create_primary(admin_password=...)      then bring up its site with `server.process()`
arm(...)                                       the roles, the database
other.create_standby(...)                      then bring up the other site
"""

from __future__ import annotations

import signal
from pathlib import Path

from sites.drivers.masking import register_secret
from sites.drivers.postgres.configuration import (
    ServerSettings,
    Upstream,
    access_file,
    passfile_line,
    server_file,
    upstream_file,
)
from sites.drivers.postgres.folder import DataFolder
from sites.drivers.postgres.programs import PostgresPrograms
from sites.drivers.postgres.readiness import PostgresReady
from sites.drivers.processes.spec import ProcessSpec
from sites.drivers.secret_file import secret_file

REPLICATOR = "replicator"
ADMIN = "postgres"
_CREATE_SECONDS = 120.0
_COPY_SECONDS = 24 * 3600.0


class PostgresServer:
    """One server that we made: its data folder and its settings. `user` runs it when we are root."""

    def __init__(
        self, settings: ServerSettings, *, data: Path, programs: PostgresPrograms, user: str | None
    ) -> None:
        self.settings = settings
        self._folder = DataFolder(data, programs, user)
        self.data, self.user, self.programs = self._folder.path, user, self._folder.programs

    def create_primary(self, *, admin_password: str, wal_segment_mb: int = 16) -> None:
        """A new, empty server with checksums and a password for everybody. Raises DatasetError."""
        register_secret(admin_password)
        self._folder.make()
        with secret_file(f"{admin_password}\n", uid=self._folder.uid, gid=self._folder.gid) as pwfile:
            self._folder.run(
                "create a server",
                "initdb",
                f"--pgdata={self.data}",
                f"--username={ADMIN}",
                f"--pwfile={pwfile}",
                "--auth=scram-sha-256",
                "--data-checksums",
                f"--wal-segsize={wal_segment_mb}",
                "--encoding=UTF8",
                "--locale=C",
                "--no-instructions",
                limit_seconds=_CREATE_SECONDS,
            )
        self.configure()

    def create_standby(
        self,
        *,
        primary: tuple[str, int],
        slot: str,
        replication_password: str,
        limit_seconds: float = _COPY_SECONDS,
    ) -> None:
        """A copy of a running primary, which keeps its changes in a new `slot`. Raises DatasetError."""
        register_secret(replication_password)
        self._folder.make()
        host, port = primary
        with secret_file(
            passfile_line(replication_password), uid=self._folder.uid, gid=self._folder.gid
        ) as secret:
            self._folder.run(
                "create a server",
                "pg_basebackup",
                f"--pgdata={self.data}",
                f"--host={host}",
                f"--port={port}",
                f"--username={REPLICATOR}",
                "--no-password",
                "--write-recovery-conf",
                "--wal-method=stream",
                "--create-slot",
                f"--slot={slot}",
                "--checkpoint=fast",
                limit_seconds=limit_seconds,
                env={"PGPASSFILE": str(secret)},
            )
        self._folder.write(self._passfile, passfile_line(replication_password))
        self.configure(Upstream(host, port, REPLICATOR, slot, str(self._passfile)))

    def configure(self, upstream: Upstream | None = None) -> None:
        """Write every configuration file anew. What a base backup or a rewind brought along does not stay."""
        self._folder.write(self.data / "postgresql.conf", server_file(self.settings))
        self._folder.write(self.data / "pg_hba.conf", access_file(REPLICATOR))
        follows = upstream_file(self.settings.name, upstream) if upstream else ""
        self._folder.write(self.data / "postgresql.auto.conf", follows)

    def process(self, *, autostart: bool = True) -> ProcessSpec:
        """What the site is told. Stopping it is PostgreSQL's "fast" shutdown."""
        return ProcessSpec(
            command=(self.programs.path("postgres"), "-D", str(self.data)),
            user=self.user,
            cwd=self.data,
            ready=PostgresReady(self.settings.host, self.settings.port),
            stop_signal=signal.SIGINT,
            stop_seconds=15.0,
            autostart=autostart,
            pid_file=self.data / "postmaster.pid",
        )

    @property
    def _passfile(self) -> Path:
        return self._folder.beside("passfile")
