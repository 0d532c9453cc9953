"""What a PostgreSQL dataset does for the standby of its primary: slots, and commits that wait for it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any, TypeVar

from sites.capability import Proof
from sites.drivers.postgres import pairing as postgres_pairing
from sites.drivers.postgres.lines import Lines
from sites.drivers.postgres.rejoin import Source
from sites.drivers.postgres.session import Login, session

_T = TypeVar("_T")


# What runs a server and fails it over by itself, by the names under which it stays connected.
_MANAGERS = ("Patroni",)
_MANAGED = "SELECT application_name FROM pg_stat_activity WHERE application_name ILIKE %s LIMIT 1"


class PairedPostgres(ABC):
    """The part of a PostgreSQL dataset that is about the pair of its servers."""

    _answer_seconds: float
    _lines: Lines

    def manager(self, site: str) -> str | None:
        """What runs the server there and fails it over by itself; None if nobody. Raises DatasetError."""

        async def act() -> str | None:
            async with session(self._login(site), self._answer_seconds) as server:
                for name in _MANAGERS:
                    if await server.rows(_MANAGED, [f"{name}%"]):
                        return name
            return None

        return self._ask("ask who runs", site, act())

    def host_standby(self, site: str, slot: str, *, limit_seconds: float) -> Source:
        """Get the copy there ready to be followed through `slot`. Raises DatasetError."""

        async def act() -> Source:
            as_owner, as_replicator = self._login(site), self._as_replicator(site)
            async with (
                session(as_owner, limit_seconds) as primary,
                session(as_replicator, limit_seconds) as replicator,
            ):
                oldest = await postgres_pairing.host_standby(primary, replicator, slot)
                return Source(as_owner, slot, oldest)

        return self._ask("host a standby of", site, act())

    def drop_slot(self, site: str, slot: str) -> None:
        """Forget a follower that the copy there has no more. Raises DatasetError."""

        async def act() -> None:
            as_owner, as_replicator = self._login(site), self._as_replicator(site)
            async with (
                session(as_owner, self._answer_seconds) as server,
                session(as_replicator, self._answer_seconds) as replicator,
            ):
                await postgres_pairing.drop_slot(server, replicator, slot)

        self._ask("drop a slot of", site, act())

    def wait_for_standby(self, site: str, standby: str) -> None:
        """Commits at that site wait for the standby of that name from now on. Raises DatasetError."""

        async def act() -> None:
            async with session(self._login(site), self._answer_seconds) as primary:
                await postgres_pairing.wait_for_standby(primary, standby)

        self._ask("make commits wait at", site, act())

    def wait_for_nobody(self, site: str) -> None:
        """Commits at that site wait for no standby from now on. Raises DatasetError."""

        async def act() -> None:
            async with session(self._login(site), self._answer_seconds) as primary:
                await postgres_pairing.wait_for_nobody(primary)

        self._ask("let commits go on at", site, act())

    def waits_in_vain(self, site: str) -> bool:
        """Whether commits there wait for a standby that is not connected. Raises DatasetError."""

        async def act() -> bool:
            async with session(self._login(site), self._answer_seconds) as primary:
                return await postgres_pairing.waits_in_vain(primary)

        return self._ask("ask whom commits wait for at", site, act())

    def waits_for(self, site: str, standby: str) -> Proof:
        """Whether commits there wait for the copy at `standby`. Raises DatasetError where nobody can tell."""

        async def act() -> Proof:
            as_client = replace(self._login(site), options="")
            async with (
                session(as_client, self._answer_seconds) as primary,
                session(self._login(standby), self._answer_seconds) as other,
            ):
                return await postgres_pairing.waits_for(primary, other)

        return self._ask("ask whom commits wait for at", site, act())

    def replayed(self, site: str) -> int:
        """How far the standby there has come, as a number of the log. Raises DatasetError."""

        async def act() -> int:
            async with self._lines.session(self._login(site), self._answer_seconds) as standby:
                return await postgres_pairing.replayed(standby)

        return self._ask("ask the position of", site, act())

    @abstractmethod
    def _as_replicator(self, site: str) -> Login: ...

    @abstractmethod
    def _login(self, site: str) -> Login: ...

    @abstractmethod
    def _ask(self, act: str, site: str, asking: Coroutine[Any, Any, _T]) -> _T: ...
