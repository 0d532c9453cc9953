"""A dataset by the user's own commands: dump, check and load; who takes writes, promotion, how far a copy is.

What a command says counts by its exit code alone. `writable`: 0 it takes writes, 1 it takes none, 69
(EX_UNAVAILABLE) certainly nothing is there; anything else, and no answer in time, nobody knows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sites.capability import Proof
from sites.drivers import command
from sites.drivers.shell import CERTAINLY_NOT
from sites.errors import BlackstartError, CommandError, DatasetError, SiteError

_ASK_SECONDS = 30.0
_POLL_SECONDS = 0.02
_LETTERS_MAX = 300


@dataclass(frozen=True, slots=True)
class DatasetCommands:
    """What the plan declares; None for what it does not."""

    dump: tuple[str, ...] | None = None
    check_dump: tuple[str, ...] | None = None
    load: tuple[str, ...] | None = None
    query: tuple[str, ...] | None = None
    writable: tuple[str, ...] | None = None
    promote: tuple[str, ...] | None = None
    in_sync: tuple[str, ...] | None = None
    point: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class ShellDataset:
    """`sites` are those with a copy, the one of normal times first. Every act may raise DatasetError."""

    name: str
    commands: DatasetCommands
    sites: tuple[str, ...]
    environment: Callable[[], tuple[Mapping[str, str], Mapping[str, str]]] = lambda: ({}, {})
    folder: Path | None = None
    limit_seconds: float = 600.0
    standby: str | None = None

    def dump(self, site: str, to: Path) -> None:
        self._has(site)
        to.mkdir(mode=0o700)
        self._run("dump", self.commands.dump, site, BLACKSTART_DUMP=str(to))

    def check_dump(self, path: Path) -> None:
        """By the user's command, where there is one; else the manifest is all that there is to go by."""
        if not path.is_dir() or not any(p.is_file() and p.stat().st_size for p in path.rglob("*")):
            raise DatasetError(f'the dump {path} of dataset "{self.name}" holds nothing')
        if self.commands.check_dump is not None:
            self._run("check the dump of", self.commands.check_dump, BLACKSTART_DUMP=str(path))

    def load(self, site: str, dump: Path) -> None:
        self._has(site)
        self.check_dump(dump)
        self._run("load", self.commands.load, site, BLACKSTART_DUMP=str(dump))

    @contextmanager
    def opened(self, dump: Path, scratch: Path) -> Iterator[Callable[[str], str | None]]:
        """Answers queries from a dump, each by one run of the user's command."""
        del scratch

        def ask(statement: str) -> str | None:
            done = self._run(
                "query", self.commands.query, BLACKSTART_DUMP=str(dump), BLACKSTART_QUERY=statement
            )
            return done.stdout.removesuffix("\n")

        yield ask

    def promote(self, site: str, *, limit_seconds: float) -> None:
        """Run the command unless it takes writes already; return once it says that it does."""
        if self.writable(site) is True:
            return
        deadline = time.monotonic() + limit_seconds
        try:
            self._run("promote", self.commands.promote, site, limit_seconds=limit_seconds)
        except DatasetError as error:
            raise DatasetError(f'cannot promote dataset "{self.name}" at site "{site}": {error}') from error
        while self.writable(site) is not True:
            if time.monotonic() > deadline:
                raise DatasetError(
                    f'cannot promote dataset "{self.name}" at site "{site}": the command ended well, '
                    f"and the copy takes no writes within {limit_seconds:g} s",
                    hint="`writable` of the dataset says so; run it by hand",
                )
            time.sleep(_POLL_SECONDS)

    def writable(self, site: str) -> bool | None:
        code, _ = self._asked(site)
        return code == 0 if code in (0, 1) else None

    def refuses_write(self, site: str) -> Proof:
        """That it takes no writes, or that certainly nothing is there. No answer is no proof."""
        code, said = self._asked(site)
        how = f"`writable` exits {code}" + (f": {said}" if said else "")
        return Proof(code in (1, CERTAINLY_NOT), how, {"takes_writes": True} if code == 0 else {})

    def in_sync(self) -> Proof:
        if self.standby is None:
            return Proof(False, "it has no standby")
        if self.commands.in_sync is None:
            return Proof(False, "no command `in_sync` says so")
        code, said = self._ask(self.commands.in_sync, self.standby)
        return Proof(code == 0, said or f"`in_sync` exits {code}")

    def point(self) -> datetime | None:
        """When the newest that the standby has was written, by the user's command; None without one."""
        if self.commands.point is None or self.standby is None:
            return None
        said = self._run("ask for the newest point of", self.commands.point, self.standby).stdout.strip()
        try:
            found = datetime.fromisoformat(said)
        except ValueError:
            found = None
        if found is None or found.tzinfo is None:
            raise DatasetError(
                f'`point` of dataset "{self.name}" prints {said[:80]!r}, which is no time with a zone',
                hint="such as 2026-11-26T06:00:00Z",
            )
        return found

    def _has(self, site: str) -> None:
        if site not in self.sites:
            raise SiteError(
                f'dataset "{self.name}" has no copy at site "{site}"; it has: {", ".join(self.sites)}'
            )

    def _asked(self, site: str) -> tuple[int | None, str]:
        self._has(site)
        argv = self.commands.writable
        return self._ask(argv, site) if argv is not None else (None, "not declared")

    def _ask(self, argv: tuple[str, ...], site: str) -> tuple[int | None, str]:
        """The exit code, None when it did not end in time or could not be run; and what it said."""
        try:
            plain, secret = self.environment()
            done = command.run(
                argv,
                env={**plain, "BLACKSTART_DATASET": self.name, "BLACKSTART_SITE": site},
                secret_env=secret,
                cwd=self.folder,
                limit_seconds=min(_ASK_SECONDS, self.limit_seconds),
                ok_codes=range(256),
            )
        except BlackstartError as error:
            return None, str(error)
        lines = (done.stdout.strip() or done.stderr.strip()).splitlines()
        return done.exit_code, lines[-1][:_LETTERS_MAX] if lines else ""

    def _run(
        self,
        act: str,
        argv: tuple[str, ...] | None,
        site: str = "",
        *,
        limit_seconds: float | None = None,
        **told: str,
    ) -> command.Completed:
        if argv is None:
            raise DatasetError(f'cannot {act} dataset "{self.name}": the plan declares no such command')
        plain, secret = self.environment()
        try:
            return command.run(
                argv,
                env={**plain, "BLACKSTART_DATASET": self.name, "BLACKSTART_SITE": site, **told},
                secret_env=secret,
                cwd=self.folder,
                limit_seconds=limit_seconds or self.limit_seconds,
            )
        except BlackstartError as error:
            where = f' at site "{site}"' if site else ""
            said = error.stderr.strip()[-_LETTERS_MAX:] if isinstance(error, CommandError) else ""
            more = f"; it said: {said}" if said and said not in str(error) else ""
            raise DatasetError(f'cannot {act} dataset "{self.name}"{where}: {error}{more}') from error
