"""What a PostgreSQL dataset does with dumps: make one, read it, ask it, put it in place."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

from sites.drivers.postgres import dump as postgres_dump
from sites.drivers.postgres import load as postgres_load
from sites.drivers.postgres import scratch as postgres_scratch
from sites.drivers.postgres.programs import PostgresPrograms
from sites.drivers.postgres.session import Login, session
from sites.errors import CommandError, DatasetError

DUMP_SECONDS = 3600.0
_T = TypeVar("_T")


class DumpedPostgres(ABC):
    """The part of a PostgreSQL dataset that is about dumps."""

    name: str

    def dump(self, site: str, to: Path, *, limit_seconds: float = DUMP_SECONDS) -> None:
        """Write a whole dump of the copy there to the file `to`. Raises DatasetError, MissingProgram."""
        programs = self._found()
        try:
            postgres_dump.dump(programs, self._login(site), to, limit_seconds=limit_seconds)
        except CommandError as error:
            raise self._error("dump", site, error) from error

    def check_dump(self, path: Path, *, limit_seconds: float = DUMP_SECONDS) -> None:
        """Read a dump from beginning to end. Raises DatasetError if it is damaged or cut."""
        programs = self._found()
        try:
            postgres_dump.check_dump(programs, path, limit_seconds=limit_seconds)
        except CommandError as error:
            said = (error.stderr.strip() or str(error)).splitlines()[0]
            raise DatasetError(f'the dump {path} of dataset "{self.name}" cannot be read: {said}') from error

    def opened(
        self, dump: Path, scratch: Path, *, limit_seconds: float = DUMP_SECONDS
    ) -> AbstractContextManager[Callable[[str], str | None]]:
        """A dump loaded into a server of its own below `scratch`, which answers statements."""
        return postgres_scratch.loaded(
            self._found(), dump, scratch, user=self._user, limit_seconds=limit_seconds
        )

    def load(self, site: str, dump: Path, *, limit_seconds: float = DUMP_SECONDS) -> None:
        """A dump instead of all that the writable copy there holds. Raises DatasetError: then it is empty."""
        programs, login = self._found(), self._login(site)

        async def act() -> None:
            async with session(login, limit_seconds) as owner:
                await postgres_load.empty(owner)

        self._ask("empty", site, act())
        try:
            postgres_load.fill(programs, login, dump, limit_seconds=limit_seconds)
        except CommandError as error:
            raise self._error("load", site, error) from error

    @abstractmethod
    def _found(self) -> PostgresPrograms: ...

    @property
    @abstractmethod
    def _user(self) -> str: ...

    @abstractmethod
    def _login(self, site: str) -> Login: ...

    @abstractmethod
    def _ask(self, act: str, site: str, asking: Coroutine[Any, Any, _T]) -> _T: ...

    @abstractmethod
    def _error(self, act: str, site: str, error: Exception) -> DatasetError: ...
