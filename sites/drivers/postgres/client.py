"""A canary's client for PostgreSQL: numbered rows, and an honest word on how each write ended.

*Failed* is said only where the write provably did not happen: nothing of it was sent, or the server answered
with an error and the connection held. A warning with an acknowledgement means that PostgreSQL gave up waiting
for its standby: the row is on one disk only, so the write is *indeterminate*, never acknowledged.
"""

from __future__ import annotations

import asyncio
import hashlib
import select
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import psycopg

from sites.capability import Outcome, ReadBack
from sites.drivers.postgres.session import (
    Login,
    ServerLost,
    ServerRefused,
    ServerRejected,
    ServerSilent,
    ServerTurnedAway,
    Session,
    Statement,
    open_writable,
)
from sites.drivers.postgres.writes import SCHEMA
from sites.errors import DatasetError

CONNECTIONS_MAX = 64
NAMING_SECONDS_MAX = 0.5  # who refused is asked for its name, and the refusal does not wait for long

# No unique key: a row that was applied twice must show as two.
_TABLE = """
    CREATE TABLE IF NOT EXISTS blackstart.canary
        (stream text NOT NULL, number bigint NOT NULL, payload bytea NOT NULL,
         written timestamptz NOT NULL DEFAULT clock_timestamp())
"""
_INDEX = "CREATE INDEX IF NOT EXISTS canary_stream_number ON blackstart.canary (stream, number)"
_SERVER = "SELECT host(inet_server_addr()) || ':' || inet_server_port()"
_INSERT = """
    INSERT INTO blackstart.canary (stream, number, payload) VALUES (%s, %s, %s)
    RETURNING host(inet_server_addr()) || ':' || inet_server_port()
"""
_DELETE = """
    DELETE FROM blackstart.canary WHERE stream = %s AND number = %s
    RETURNING host(inet_server_addr()) || ':' || inet_server_port()
"""
_COUNT = "SELECT count(*) FROM blackstart.canary WHERE stream = %s"
_ROWS = "SELECT number, payload FROM blackstart.canary WHERE stream = %s ORDER BY number"


class PostgresClient:
    """capability.Client over at most `connections_max` connections, each used by one operation at a time.

    With `others` the server that takes writes is looked for, in turn. `run` keeps the rows of one drill apart
    from all others. Without `pooled` each operation has a connection of its own.
    """

    def __init__(
        self,
        login: Login,
        *others: Login,
        limit_seconds: float,
        run: str = "",
        pooled: bool = True,
        read_limit_seconds: float = 60.0,
        connections_max: int = CONNECTIONS_MAX,
    ) -> None:
        # a client commits as the server's own settings say
        self._logins = tuple(replace(each, options="") for each in (login, *others))
        self._run = run
        self._pooled = pooled
        self._limit_seconds = limit_seconds
        self._read_limit_seconds = read_limit_seconds
        self._free = asyncio.Semaphore(connections_max)
        self._idle: list[_Line] = []

    async def prepare(self) -> None:
        """Create the canary's table. Raises DatasetError."""
        try:
            async with self._opened() as opened:
                for statement in (SCHEMA, _TABLE, _INDEX):
                    await opened.rows(statement)
        except (psycopg.Error, DatasetError) as error:
            raise DatasetError(
                f"cannot create the canary's table at {self._where}: {error}",
                hint="its user needs CREATE on the database, once",
            ) from error

    async def write(self, stream: str, number: int, payload: bytes) -> Outcome:
        return await self._operate(_INSERT, [self._key(stream), number, payload])

    async def delete(self, stream: str, number: int) -> Outcome:
        return await self._operate(_DELETE, [self._key(stream), number])

    async def read_back(self, stream: str) -> ReadBack:
        """All rows of a stream in one snapshot. Raises DatasetError if the server cannot be asked."""
        try:
            async with self._opened() as opened:
                await opened.rows("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                count = int(await opened.value(_COUNT, [self._key(stream)]))
                address = await opened.value(_SERVER)
                rows = await opened.within(_listing(opened, self._key(stream)))
                await opened.rows("COMMIT")
        except psycopg.Error as error:
            raise DatasetError(f"cannot read stream {stream!r} at {self._where}: {error}") from error
        return ReadBack(rows, count, end=True, address=address)

    async def aclose(self) -> None:
        while self._idle:
            await self._idle.pop().session.connection.close()

    @property
    def _where(self) -> str:
        return ", ".join(login.address for login in self._logins)

    def _key(self, stream: str) -> str:
        return f"{self._run}/{stream}" if self._run else stream

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[Session]:
        opened = await open_writable(self._logins, self._read_limit_seconds)
        try:
            yield opened
        finally:
            await opened.connection.close()

    async def _operate(self, statement: Statement, arguments: Sequence[object]) -> Outcome:
        deadline = time.monotonic() + self._limit_seconds
        try:
            async with asyncio.timeout(self._limit_seconds):
                await self._free.acquire()
        except TimeoutError:
            return Outcome("failed", "unconnected")
        try:
            line = self._take() or await self._connect(deadline)
            return await self._send(line, statement, arguments, deadline)
        except ServerRefused:
            return Outcome("failed", "refused")
        except ServerTurnedAway:
            return Outcome("failed", "turned away")
        except ServerRejected:
            return Outcome("failed", "rejected")
        except (ServerSilent, ServerLost):  # from the connecting alone: nothing was sent
            return Outcome("failed", "unconnected")
        finally:
            self._free.release()

    def _take(self) -> _Line | None:
        """A connection at rest; one that was closed by its other end meanwhile is thrown away."""
        while self._idle:
            line = self._idle.pop()
            if not line.has_something_to_say():
                return line
            line.session.connection.pgconn.finish()
        return None

    async def _connect(self, deadline: float) -> _Line:
        return _Line(await open_writable(self._logins, max(0.0, deadline - time.monotonic())))

    async def _put_back(self, line: _Line) -> None:
        if self._pooled:
            self._idle.append(line)
        else:
            await line.session.connection.close()

    async def _send(
        self, line: _Line, statement: Statement, arguments: Sequence[object], deadline: float
    ) -> Outcome:
        line.session.deadline = deadline
        line.warnings.clear()
        try:
            rows = await line.session.rows(statement, arguments)
        except ServerSilent:
            return Outcome("indeterminate", "timeout")
        except ServerLost:
            return Outcome("indeterminate", "warned" if line.warnings else "lost")
        except psycopg.Error as error:
            name = await line.name()
            if name is None or isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
                await line.session.connection.close()  # whoever takes writes now has to be looked for anew
            else:
                await self._put_back(line)
            return Outcome("failed", error.sqlstate or type(error).__name__, name)
        await self._put_back(line)
        address = rows[0][0] if rows else None
        if line.warnings:
            return Outcome("indeterminate", "warned", address)
        if not rows:  # a delete that found nothing was not executed: the write may have been lost before
            return Outcome("failed", "absent")
        return Outcome("acknowledged", "committed", address)


class _Line:
    """A connection and what its server warned of during the operation."""

    def __init__(self, opened: Session) -> None:
        self.session = opened
        self.warnings: list[str] = []
        opened.connection.add_notice_handler(self._note)

    def has_something_to_say(self) -> bool:
        """Nothing is due on a connection at rest: what can be read is its end, or a farewell."""
        poll = select.poll()
        poll.register(self.session.connection.pgconn.socket, select.POLLIN)
        return bool(poll.poll(0))

    async def name(self) -> str | None:
        """What the server that refused calls itself, as with an acknowledgement; None: it does not say."""
        session = self.session
        session.deadline = min(session.deadline, time.monotonic() + NAMING_SECONDS_MAX)
        try:
            return str(await session.value(_SERVER))
        except (psycopg.Error, ServerLost, ServerSilent):
            return None  # it refused all the same; another operation may learn who it is

    def _note(self, notice: psycopg.errors.Diagnostic) -> None:
        if notice.severity_nonlocalized == "WARNING":
            self.warnings.append(notice.message_primary or "")


async def _listing(opened: Session, stream: str) -> list[tuple[int, str]]:
    rows = []
    async with opened.connection.cursor() as cursor:
        async for number, payload in cursor.stream(_ROWS, [stream]):
            rows.append((int(number), hashlib.sha256(payload).hexdigest()))
    return rows
