"""A server's data folder on this machine: who owns it, and running PostgreSQL's programs on it."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

from sites.drivers import command
from sites.drivers.postgres.programs import PostgresPrograms, programs_for
from sites.errors import CommandError, DatasetError


class DataFolder:
    """`user` runs the programs when we are root, and owns what is in the folder."""

    def __init__(self, path: Path, programs: PostgresPrograms, user: str | None) -> None:
        self.path = path.absolute()
        self.user = user
        self.programs = programs_for(programs, user)

    def beside(self, suffix: str) -> Path:
        """What belongs to the folder and must not be in it."""
        return self.path.with_name(f"{self.path.name}.{suffix}")

    def at(self, path: Path) -> DataFolder:
        """Another folder of the same owner."""
        return DataFolder(path, self.programs, self.user)

    @property
    def uid(self) -> int:
        return pwd.getpwnam(self.user).pw_uid if self.user is not None else -1

    @property
    def gid(self) -> int:
        return pwd.getpwnam(self.user).pw_gid if self.user is not None else -1

    def make(self) -> None:
        """A new, empty folder. Raises DatasetError for one that holds anything."""
        if self.path.exists() and any(self.path.iterdir()):
            raise DatasetError(f"cannot create a server in {self.path}: it is not empty")
        self.path.mkdir(parents=True, exist_ok=True)
        self.path.chmod(0o700)
        os.chown(self.path, self.uid, self.gid)
        try:
            command.run(["test", "-w", str(self.path)], user=self.user, cwd=Path("/"), limit_seconds=10)
        except CommandError as error:
            raise DatasetError(
                f'cannot create a server in {self.path}: user "{self.user}" cannot get there',
                hint="put it where every folder above may be entered by all (mode 755)",
            ) from error

    def run(
        self,
        act: str,
        program: str,
        *arguments: str,
        limit_seconds: float,
        env: dict[str, str] | None = None,
        cwd: Path | None = None,
    ) -> str:
        """What one of PostgreSQL's programs said. Raises DatasetError with what it complained of."""
        try:
            done = command.run(
                [self.programs.path(program), *arguments],
                user=self.user,
                cwd=cwd or self.path,
                env=env,
                limit_seconds=limit_seconds,
            )
        except CommandError as error:
            said = error.stderr.strip() or error.stdout.strip()
            raise DatasetError(f"cannot {act} in {self.path}: {said or error}") from error
        return done.stdout + done.stderr

    def write(self, path: Path, text: str) -> None:
        """The folder is another user's: root must not follow a link that this user put there."""
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(fd, "w") as file:
            os.fchown(fd, self.uid, self.gid)
            file.write(text)
            file.flush()
            os.fsync(fd)
