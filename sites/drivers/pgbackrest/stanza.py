"""pgBackRest, 2.45 and later: one repository of one stanza, typed results, named errors.

Its own configuration says where the repositories are; nothing here changes that, or PostgreSQL's. Each call
names its repository, so that another one is never read in its place.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from sites.drivers import command
from sites.drivers.command import Completed
from sites.drivers.pgbackrest.failure import named
from sites.drivers.pgbackrest.results import (
    Info,
    read_info,
    read_label,
    read_segments,
    read_verified,
)
from sites.drivers.pgbackrest.stored import unpacked
from sites.drivers.pgbackrest.version import version_of
from sites.errors import CommandError, RepositoryError

_READING = {"info", "restore", "archive-get", "repo-ls", "repo-get", "verify"}
_OF_ALL_REPOSITORIES = {"check", "stanza-create"}
_LIST_BYTES_MAX = 1 << 28
Aim = Literal["lsn", "time", "name", "immediate"]


@dataclass(frozen=True, slots=True)
class Target:
    """Where recovery stops. `value` is a position (lsn), an ISO time, or the name of a restore point."""

    aim: Aim
    value: str = ""

    def arguments(self) -> list[str]:
        value = [f"--target={self.value}"] if self.value else []
        return [f"--type={self.aim}", *value, "--target-action=promote"]


@dataclass(frozen=True)
class Stanza:
    """`name` is what the plan calls this repository, `repo` its number in pgBackRest's configuration.

    `user` runs pgBackRest when we are root; `env` is added to its environment, and so are `secrets`, such as
    PGBACKREST_REPO2_CIPHER_PASS: their values are looked up at each call, for that process alone. A
    `read_only` one is somebody else's: whatever would change it is refused before pgBackRest runs.
    """

    name: str
    stanza: str
    repo: int = 1
    config: Path | None = None
    user: str | None = None
    binary: str = "pgbackrest"
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, Callable[[], str]] = field(default_factory=dict, repr=False)
    read_only: bool = False
    call_limit_seconds: float = 300.0
    transfer_limit_seconds: float = 24 * 3600.0

    def info(self) -> Info:
        """What is there now. Raises NoRepository where there is no such stanza, WrongPassword, others."""
        done = self._call("look at it", "info", "--output=json")
        return read_info(done.stdout, self.name, self.stanza)

    def create(self) -> None:
        """Make the stanza in all its repositories; no effect where it is. Its server must run."""
        self._call("make its stanza", "stanza-create")

    def check(self) -> None:
        """Have the server's current segment archived, and wait until it is in every repository."""
        self._call("archive the newest WAL", "check")

    def backup(self, kind: Literal["full", "diff", "incr"]) -> str:
        """Make a base backup; without an earlier full one it is full. Returns its label."""
        done = self._call("back up", "backup", f"--type={kind}", transfer=True)
        return read_label(done.stdout)

    def expire(self) -> None:
        """Drop what pgBackRest's own retention does not keep."""
        self._call("drop what is not kept", "expire", transfer=True)

    def verify(self) -> str:
        """Read everything and compare its checksums. Returns what was found. Raises RepositoryDamaged.

        A segment that is not there at all is none of its business: see `wal.unbroken`.
        """
        done = self._call("verify it", "verify", "--output=text", "--verbose", transfer=True)
        return read_verified(done.stdout, self.name)

    def segments(self, archive: str) -> dict[str, str]:
        """All segments in one archive, such as "15-1": for each name the file that it is in."""
        path = f"archive/{self.stanza}/{archive}"
        listed = self._call("list its log", "repo-ls", "--recurse", "--output=json", path).stdout
        return {name: f"{path}/{file}" for name, file in read_segments(listed).items()}

    def fetch(self, file: str, folder: Path) -> Path:
        """Put the segment in `file`, one of `segments`, into a folder that pgBackRest's user may write to.

        Not by `archive-get`, which wants the data of the server beside it. Raises RepositoryDamaged where the
        content is not what the file's name says.
        """
        stored = folder / Path(file).name
        # pgBackRest writes it to its standard output and nowhere else
        argv = ["sh", "-c", 'exec "$@" > "$0"', str(stored), *self._words("repo-get", ()), "repo-get", file]
        self._run(f"fetch {file}", argv, transfer=False)
        try:
            return unpacked(stored, self.name)
        finally:
            stored.unlink(missing_ok=True)

    def restore(self, label: str, to: Path, *, tablespaces: Path, target: Target | None = None) -> float:
        """Put the backup of that label into the empty folder `to`; the rest is up to the server's recovery.

        Its archiving is off, its tablespaces go below `tablespaces`, nothing goes where the original has it.
        Returns the seconds that it took.
        """
        aim = target.arguments() if target else []
        place = [f"--pg1-path={to}", "--reset-pg1-host", f"--tablespace-map-all={tablespaces}"]
        options = [f"--set={label}", "--archive-mode=off", *place, *aim]
        return self._call(f"restore {label}", "restore", *options, transfer=True).seconds

    def restore_command(self, data: Path) -> str:
        """What a restored server fetches its WAL with: from this repository and no other."""
        # it looks beside its locks whether it was told to stop: the original's may be closed to us
        places = [f"--pg1-path={data}", f"--lock-path={data}"]
        words = [*self._words("archive-get", ()), *places, *self._nowhere]
        quoted = " ".join(_quoted(word) for word in [*words, "archive-get"])
        return f'{quoted} %f "%p"'

    def secret_environment(self) -> dict[str, str]:
        """What a restored server's process needs to fetch its WAL."""
        return {name: value() for name, value in self.secrets.items()}

    @property
    def _nowhere(self) -> list[str]:
        """Without its queue, which belongs to the server whose stanza it is."""
        return ["--no-archive-async"]

    def _call(self, act: str, word: str, *arguments: str, transfer: bool = False) -> Completed:
        if self.read_only and word not in _READING:
            raise RepositoryError(
                f'repository "{self.name}" is somebody else\'s: blackstart does no `pgbackrest {word}` on it',
                hint="`by: external` in the plan says so",
            )
        version_of(self.binary)
        with tempfile.TemporaryDirectory(prefix="blackstart-pgbackrest-") as room:
            Path(room).chmod(0o777)
            options = [f"--lock-path={room}", f"--spool-path={room}"] if word == "restore" else []
            argv = [*self._words(word, arguments), *options, word, *_operands(arguments)]
            return self._run(act, argv, transfer=transfer)

    def _run(self, act: str, argv: Sequence[str], *, transfer: bool) -> Completed:
        try:
            return command.run(
                argv,
                limit_seconds=self.transfer_limit_seconds if transfer else self.call_limit_seconds,
                env=self.env,
                secret_env=self.secret_environment(),
                user=self.user,
                cwd=Path("/"),
                output_bytes_max=_LIST_BYTES_MAX,
            )
        except CommandError as error:
            raise named(error, act, self.name, self.stanza) from error

    def _words(self, word: str, arguments: Sequence[str]) -> list[str]:
        argv = [self.binary, f"--stanza={self.stanza}"]
        argv += [f"--config={self.config}"] if self.config is not None else []
        argv += [f"--repo={self.repo}"] if word not in _OF_ALL_REPOSITORIES else []
        # what only reads must not need a place that it may write to
        argv += ["--log-level-file=off"] if word in _READING else []
        argv += [f"--log-level-console={'info' if word == 'backup' else 'off'}", "--log-level-stderr=error"]
        return argv + [argument for argument in arguments if argument.startswith("--")]


def _operands(arguments: Sequence[str]) -> list[str]:
    return [argument for argument in arguments if not argument.startswith("--")]


def _quoted(word: str) -> str:
    """For the shell, and for PostgreSQL, which takes a % for something of its own."""
    safe = word.replace("'", "'\\''").replace("%", "%%")
    return f"'{safe}'"
