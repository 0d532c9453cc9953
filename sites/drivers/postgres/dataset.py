"""A PostgreSQL database with a copy at each of two sites. Promotable.

Every question is put to a server itself, and has a time limit that holds. The calls block and must not come
from inside an event loop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import psycopg

from sites.capability import Proof
from sites.drivers.masking import register_secret
from sites.drivers.postgres import pairing as postgres_pairing
from sites.drivers.postgres import promotion as postgres_promotion
from sites.drivers.postgres import replication as postgres_replication
from sites.drivers.postgres import writes as postgres_writes
from sites.drivers.postgres.client import PostgresClient
from sites.drivers.postgres.lines import Lines
from sites.drivers.postgres.logged import STANDBY_TIMELINE, WRITER_TIMELINE, LoggedPostgres
from sites.drivers.postgres.paired import PairedPostgres
from sites.drivers.postgres.programs import PostgresPrograms, find_programs
from sites.drivers.postgres.rejoin import Replicator
from sites.drivers.postgres.session import Login, ServerLost, ServerRefused, ServerSilent, Session, session
from sites.drivers.postgres.writes import LOCAL_COMMIT, in_recovery
from sites.errors import CommandError, DatasetError, SiteError

__all__ = ["PostgresDataset"]

ANSWER_SECONDS = 2.0
_T = TypeVar("_T")


class PostgresDataset(LoggedPostgres, PairedPostgres):
    """`copies` says for each site where its server listens; the first is the primary of normal times.

    `gone` answers for a site whether the server there is proven gone.
    """

    def __init__(
        self,
        name: str,
        database: str,
        user: str,
        password: str,
        copies: Mapping[str, tuple[str, int]],
        *,
        synchronous: bool = False,
        answer_seconds: float = ANSWER_SECONDS,
        programs: PostgresPrograms | None = None,
        replicator: Callable[[], Replicator] | None = None,
        gone: Callable[[str], Proof] | None = None,
    ) -> None:
        register_secret(password)
        self._gone = gone
        self._replicator = replicator
        self.name = name
        self.synchronous = synchronous
        self._answer_seconds = answer_seconds
        self._programs = programs
        self._lines = Lines()
        self._logins = {
            site: Login(host, port, database, user, password, LOCAL_COMMIT)
            for site, (host, port) in copies.items()
        }

    def __repr__(self) -> str:
        return f"PostgresDataset({self.name!r}, {list(self._logins)})"

    def writable(self, site: str) -> bool | None:
        """Not in recovery and a write was committed there; None when that cannot be found out."""
        login, limit = self._login(site), self._answer_seconds
        return self._lines.ask(postgres_writes.writable(login, limit, self._lines.session))

    def keep_line(self, site: str) -> bool:
        """Have a connection there at hand for `writable` and `promote`; False where there is none now."""
        return self._lines.keep(self._login(site), self._answer_seconds)

    def version(self, site: str) -> str:
        """What the server there says of itself. Raises DatasetError."""

        async def act() -> str:
            async with session(self._login(site), self._answer_seconds) as server:
                return str(await server.value("SHOW server_version"))

        return self._ask("ask the version of", site, act())

    def refuses_write(self, site: str) -> Proof:
        """Proof that nothing can be written there: for a fence. Silence is none.

        A closed port is one only where the server is proven gone besides.
        """
        login = self._login(site)
        proof = asyncio.run(postgres_writes.refuses_write(login, self._answer_seconds))
        if not proof.detail.get("closed") or self._gone is None:
            return proof
        gone = self._gone(site)
        if not gone.holds:
            return Proof(False, f"{proof.how}, and {gone.how}", proof.detail)
        return Proof(True, f"{login.address} refused the connection, and {gone.how}", proof.detail)

    def promote(self, site: str, *, limit_seconds: float) -> None:
        """Make the copy there writable; return when it has committed a write. Raises DatasetError."""

        async def act() -> None:
            async with self._lines.session(self._login(site), limit_seconds) as standby:
                await postgres_promotion.promote(standby)

        self._ask("promote", site, act())

    def in_sync(self, *, standby: str | None = None, synchronous: bool | None = None) -> Proof:
        """Whether the standby has all that is acknowledged and, if `synchronous`, commits wait for it.

        With `standby`: whether the copy at that very site is it.
        """
        waited = self.synchronous if synchronous is None else synchronous
        try:
            return asyncio.run(self._in_sync(standby, synchronous=waited))
        except (ServerLost, ServerRefused, ServerSilent, psycopg.Error, DatasetError) as error:
            return Proof(False, f"cannot tell: {error}")

    def wait_until_in_sync(
        self, *, limit_seconds: float, standby: str | None = None, synchronous: bool | None = None
    ) -> Proof:
        """The first proof that holds, or the last one that does not: a new standby needs a moment."""
        deadline = time.monotonic() + limit_seconds
        while (
            not (proof := self.in_sync(standby=standby, synchronous=synchronous)).holds
            and time.monotonic() < deadline
        ):
            time.sleep(0.02)
        return proof

    def listens_at(self, site: str) -> list[str]:
        """The addresses that the server there listens at, as it is told them. Raises DatasetError."""

        async def act() -> list[str]:
            async with session(self._login(site), self._answer_seconds) as server:
                said = str(await server.value("SHOW listen_addresses"))
                return [each for each in (part.strip() for part in said.split(",")) if each]

        return self._ask("ask for the addresses of", site, act())

    def databases(self, site: str) -> list[str]:
        """Every database of the server there that takes connections. Raises DatasetError."""

        async def act() -> list[str]:
            async with session(self._login(site), self._answer_seconds) as server:
                rows = await server.rows(
                    "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate"
                )
                return sorted(str(row[0]) for row in rows)

        return self._ask("ask for the databases beside", site, act())

    def timeline(self, site: str) -> int:
        """The timeline that the copy there is on; each promotion starts a new one. Raises DatasetError."""

        async def act() -> int:
            async with session(self._login(site), self._answer_seconds) as asked:
                statement = STANDBY_TIMELINE if await in_recovery(asked) else WRITER_TIMELINE
                return int(await asked.value(statement))

        return self._ask("ask the timeline of", site, act())

    def receiver_pid(self, site: str) -> int | None:
        """The receiver of changes at a standby, by its number inside its site; None if there is none."""

        async def act() -> int | None:
            async with session(self._login(site), self._answer_seconds) as asked:
                pid = await asked.value("SELECT pid FROM pg_stat_wal_receiver")
                return int(pid) if pid is not None else None

        return self._ask("find the receiver of", site, act())

    def wait_until_answering(self, site: str, *, limit_seconds: float) -> None:
        """Return once the server there answers a query. Raises DatasetError."""

        async def act() -> None:
            while True:
                try:
                    async with session(self._login(site), self._answer_seconds) as asked:
                        await in_recovery(asked)
                        return
                except (ServerLost, ServerRefused):  # it is starting; the limit is kept around all of this
                    await asyncio.sleep(0.01)

        async def limited() -> None:
            await asyncio.wait_for(act(), limit_seconds)

        self._ask("reach", site, limited())

    def client(
        self, site: str, *, limit_seconds: float, address: tuple[str, int] | None = None
    ) -> PostgresClient:
        """What a canary writes through: at the site itself, or at the `address` that its clients use."""
        login = self._login(site)
        host, port = address or (login.host, login.port)
        at = Login(host, port, login.database, login.user, login.password)
        return PostgresClient(at, limit_seconds=limit_seconds)

    async def _in_sync(self, wanted: str | None, *, synchronous: bool) -> Proof:
        limit = self._answer_seconds
        first, *others = self._logins.values()
        if not others:
            return Proof(False, "there is no standby")
        async with session(first, 2 * limit) as one, session(others[0], 2 * limit) as two:
            primary, standby = (two, one) if await in_recovery(one) else (one, two)
            if await in_recovery(primary):
                return Proof(False, "both copies are standbys: nothing can be written")
            if wanted is not None and standby.address != self._login(wanted).address:
                return Proof(False, f'the standby is not the copy at site "{wanted}" but {standby.address}')
            proof = await postgres_replication.in_sync(
                primary, standby, synchronous=synchronous, limit_seconds=limit
            )
            if not synchronous or not proof.holds:
                return proof
            return await self._waited_for(first if primary is one else others[0], standby, proof)

    async def _waited_for(self, primary: Login, standby: Session, proof: Proof) -> Proof:
        """That a standby is synchronous says not that commits wait for it: asked anew, as clients log in."""
        async with session(replace(primary, options=""), self._answer_seconds) as as_client:
            waits = await postgres_pairing.waits_for(as_client, standby)
        if waits.holds:
            return proof
        return Proof(False, f"commits do not wait for the standby: {waits.how}", proof.detail)

    def _found(self) -> PostgresPrograms:
        self._programs = self._programs or find_programs()
        return self._programs

    @property
    def _user(self) -> str:
        return next(iter(self._logins.values())).user

    def _as_replicator(self, site: str) -> Login:
        if self._replicator is None:
            raise DatasetError(
                f'dataset "{self.name}" has no replication user', hint="declare `replication` in the plan"
            )
        as_owner = self._login(site)
        replicator = self._replicator()
        return replace(as_owner, user=replicator.user, password=replicator.password)

    def login(self, site: str) -> Login:
        """Where the copy there is, and as whom it is asked. Raises SiteError."""
        return self._login(site)

    def _login(self, site: str) -> Login:
        if site not in self._logins:
            raise SiteError(
                f'dataset "{self.name}" has no copy at site "{site}"; it has: {", ".join(self._logins)}'
            )
        return self._logins[site]

    def _ask(self, act: str, site: str, asking: Coroutine[Any, Any, _T]) -> _T:
        try:
            return self._lines.ask(asking)
        except (ServerLost, ServerRefused, ServerSilent, TimeoutError, psycopg.Error) as error:
            raise self._error(act, site, error) from error

    def _error(self, act: str, site: str, error: Exception) -> DatasetError:
        said = _said(error)
        hint = None
        if isinstance(error, psycopg.errors.InsufficientPrivilege):
            hint = f"grant it to {self._login(site).user!r}, see the plan reference"
        return DatasetError(f'cannot {act} dataset "{self.name}" at site "{site}": {said}', hint=hint)


def _said(error: Exception) -> str:
    """In one line. PostgreSQL's programs say what is wrong first, and then what to try."""
    if isinstance(error, CommandError) and error.stderr.strip():
        return error.stderr.strip().splitlines()[0]
    return " ".join(str(error).split()) or type(error).__name__
