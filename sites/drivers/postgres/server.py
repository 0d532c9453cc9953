"""Make PostgreSQL servers: a primary, and a standby of it. Who runs them is the site.

server = PostgresServer(settings, data=folder, programs=find_programs(), user=unprivileged_user())
server.create_primary(admin_password=...)      then bring up its site with `server.process()`
arm(...)                                       the roles, the database
other.create_standby(...)                      then bring up the other site
"""

from __future__ import annotations

import os
import pwd
import signal
from pathlib import Path

from sites.drivers import command
from sites.drivers.masking import register_secret
from sites.drivers.postgres.configuration import (
    ServerSettings,
    Upstream,
    access_file,
    passfile_line,
    server_file,
    upstream_file,
)
from sites.drivers.postgres.programs import PostgresPrograms, programs_for
from sites.drivers.postgres.readiness import PostgresReady
from sites.drivers.processes.spec import ProcessSpec
from sites.drivers.secret_file import secret_file
from sites.errors import CommandError, DatasetError

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
        self.data = data.absolute()
        self.user = user
        self.programs = programs_for(programs, user)

    def create_primary(self, *, admin_password: str, wal_segment_mb: int = 16) -> None:
        """A new, empty server with checksums and a password for everybody. Raises DatasetError."""
        register_secret(admin_password)
        self._make_folder()
        with secret_file(f"{admin_password}\n", uid=self._uid, gid=self._gid) as pwfile:
            self._run(
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
        self._make_folder()
        host, port = primary
        with secret_file(passfile_line(replication_password), uid=self._uid, gid=self._gid) as secret:
            self._run(
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
        self._write(self._passfile, passfile_line(replication_password))
        self.configure(Upstream(host, port, REPLICATOR, slot, str(self._passfile)))

    def configure(self, upstream: Upstream | None = None) -> None:
        """Write every configuration file anew. What a base backup or a rewind brought along does not stay."""
        self._write(self.data / "postgresql.conf", server_file(self.settings))
        self._write(self.data / "pg_hba.conf", access_file(REPLICATOR))
        self._write(
            self.data / "postgresql.auto.conf", upstream_file(self.settings, upstream) if upstream else ""
        )

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
        return self.data.with_name(f"{self.data.name}.passfile")

    @property
    def _uid(self) -> int:
        return pwd.getpwnam(self.user).pw_uid if self.user is not None else -1

    @property
    def _gid(self) -> int:
        return pwd.getpwnam(self.user).pw_gid if self.user is not None else -1

    def _make_folder(self) -> None:
        if self.data.exists() and any(self.data.iterdir()):
            raise DatasetError(f"cannot create a server in {self.data}: it is not empty")
        self.data.mkdir(parents=True, exist_ok=True)
        self.data.chmod(0o700)
        os.chown(self.data, self._uid, self._gid)
        try:
            command.run(["test", "-w", str(self.data)], user=self.user, cwd=Path("/"), limit_seconds=10)
        except CommandError as error:
            raise DatasetError(
                f'cannot create a server in {self.data}: user "{self.user}" cannot get there',
                hint="put it where every folder above may be entered by all (mode 755)",
            ) from error

    def _run(
        self, program: str, *arguments: str, limit_seconds: float, env: dict[str, str] | None = None
    ) -> None:
        try:
            command.run(
                [self.programs.path(program), *arguments],
                user=self.user,
                cwd=self.data,
                env=env,
                limit_seconds=limit_seconds,
            )
        except CommandError as error:
            said = error.stderr.strip() or error.stdout.strip()
            raise DatasetError(f"cannot create a server in {self.data}: {said or error}") from error

    def _write(self, path: Path, text: str) -> None:
        """The folder is another user's: root must not follow a link that this user put there."""
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(fd, "w") as file:
            os.fchown(fd, self._uid, self._gid)
            file.write(text)
            file.flush()
            os.fsync(fd)
