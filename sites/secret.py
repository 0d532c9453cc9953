"""Secrets by reference: where to find one, never what it is."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sites.errors import CommandError, PlanError

SECRET_BYTES_MAX = 64 * 1024
COMMAND_LIMIT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Secret:
    """Exactly one of a file, an environment variable, or a command that prints the secret.

    Nothing of the secret itself is kept here: `resolve` looks it up each time it is used.
    """

    file: Path | None = None
    env: str | None = None
    command: tuple[str, ...] | None = None

    def __str__(self) -> str:
        if self.file is not None:
            return f'file "{self.file}"'
        return f'environment variable "{self.env}"' if self.env else f'command "{(self.command or ("",))[0]}"'

    def resolve(self, environ: Mapping[str, str] = os.environ) -> str:
        """The secret, without its last line end. Raises PlanError when it cannot be had or is empty,
        MissingProgram when the command is not installed."""
        if self.file is not None:
            found = _from_file(self.file)
        elif self.env is not None:
            found = _from_environment(self.env, environ)
        else:
            found = _from_command(self.command or ())
        secret = found.removesuffix("\n").removesuffix("\r")
        if not secret:
            raise PlanError(f"secret in {self} is empty")
        return secret


def _from_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            _refuse_readable_by_others(path, status.st_mode)
            content = file.read(SECRET_BYTES_MAX + 1)
    except OSError as error:
        raise PlanError(
            f'cannot read secret in file "{path}": {error.strerror}',
            hint="write it there, readable by its owner alone, or name another place (docs/plan.md: Secrets)",
        ) from None
    if len(content) > SECRET_BYTES_MAX:
        raise PlanError(f'secret in file "{path}" is longer than {SECRET_BYTES_MAX} bytes')
    try:
        return content.decode()
    except UnicodeDecodeError:
        # the error itself would quote bytes of the secret
        raise PlanError(f'secret in file "{path}" is not UTF-8 text') from None


def _refuse_readable_by_others(path: Path, mode: int) -> None:
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise PlanError(
            f'secret in file "{path}" can be read by others (mode {stat.S_IMODE(mode):04o})',
            hint=f"chmod 600 {path}",
        )


def _from_environment(name: str, environ: Mapping[str, str]) -> str:
    if name not in environ:
        raise PlanError(f'secret in environment variable "{name}": it is not set')
    return environ[name]


def _from_command(argv: tuple[str, ...]) -> str:
    from sites.drivers import command  # here, because a plan is read far more often than a secret

    try:
        return command.run(argv, limit_seconds=COMMAND_LIMIT_SECONDS).stdout
    except CommandError as error:
        # its output may hold half of the secret: say how it ended, and no more
        ended = f"exit {error.exit_code_of_command}" if error.exit_code_of_command else "it did not end"
        raise PlanError(
            f'secret from command "{argv[0]}" could not be had: {ended}',
            hint="run the command by hand to see why",
        ) from None
