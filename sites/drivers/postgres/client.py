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
from collections.abc import Sequence
from dataclasses import replace

import psycopg

from sites.capability import Outcome, ReadBack
from sites.drivers.postgres.session import (
    Login,
    ServerLost,
    ServerRefused,
    ServerSilent,
    Session,
    Statement,
    open_session,
    session,
)
from sites.drivers.postgres.writes import SCHEMA
from sites.errors import DatasetError

CONNECTIONS_MAX = 64

# No unique key: a row that was applied twice must show as two.
_TABLE = """
    CREATE TABLE IF NOT EXISTS blackstart.canary
        (stream text NOT NULL, number bigint NOT NULL, payload bytea NOT NULL)
"""
_INDEX = "CREATE INDEX IF NOT EXISTS canary_stream_number ON blackstart.canary (stream, number)"
_SERVER = "SELECT host(inet_server_addr()) || ':' || inet_server_port()"
_INSERT = """
    INSERT INTO blackstart.canary VALUES (%s, %s, %s)
    RETURNING host(inet_server_addr()) || ':' || inet_server_port()
"""
_DELETE = """
    DELETE FROM blackstart.canary WHERE stream = %s AND number = %s
    RETURNING host(inet_server_addr()) || ':' || inet_server_port()
"""
_COUNT = "SELECT count(*) FROM blackstart.canary WHERE stream = %s"
_ROWS = "SELECT number, payload FROM blackstart.canary WHERE stream = %s ORDER BY number"


class PostgresClient:
    """capability.Client over at most `connections_max` connections, each used by one operation at a time."""

    def __init__(
        self,
        login: Login,
        *,
        limit_seconds: float,
        read_limit_seconds: float = 60.0,
        connections_max: int = CONNECTIONS_MAX,
    ) -> None:
        self._login = replace(login, options="")  # a client commits as the server's own settings say
        self._limit_seconds = limit_seconds
        self._read_limit_seconds = read_limit_seconds
        self._free = asyncio.Semaphore(connections_max)
        self._idle: list[_Line] = []

    async def prepare(self) -> None:
        """Create the canary's table. Raises DatasetError."""
        try:
            async with session(self._login, self._read_limit_seconds) as opened:
                for statement in (SCHEMA, _TABLE, _INDEX):
                    await opened.rows(statement)
        except psycopg.Error as error:
            raise DatasetError(
                f"cannot create the canary's table at {self._login.address}: {error}"
            ) from error

    async def write(self, stream: str, number: int, payload: bytes) -> Outcome:
        return await self._operate(_INSERT, [stream, number, payload])

    async def delete(self, stream: str, number: int) -> Outcome:
        return await self._operate(_DELETE, [stream, number])

    async def read_back(self, stream: str) -> ReadBack:
        """All rows of a stream in one snapshot. Raises DatasetError if the server cannot be asked."""
        try:
            async with session(self._login, self._read_limit_seconds) as opened:
                await opened.rows("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                count = int(await opened.value(_COUNT, [stream]))
                address = await opened.value(_SERVER)
                rows = await opened.within(_listing(opened, stream))
                await opened.rows("COMMIT")
        except psycopg.Error as error:
            raise DatasetError(f"cannot read stream {stream!r} at {self._login.address}: {error}") from error
        return ReadBack(rows, count, end=True, address=address)

    async def aclose(self) -> None:
        while self._idle:
            await self._idle.pop().session.connection.close()

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
        return _Line(await open_session(self._login, max(0.0, deadline - time.monotonic())))

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
            self._idle.append(line)
            return Outcome("failed", error.sqlstate or type(error).__name__)
        self._idle.append(line)
        address = rows[0][0] if rows else None
        if line.warnings:
            return Outcome("indeterminate", "warned", address)
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

    def _note(self, notice: psycopg.errors.Diagnostic) -> None:
        if notice.severity_nonlocalized == "WARNING":
            self.warnings.append(notice.message_primary or "")


async def _listing(opened: Session, stream: str) -> list[tuple[int, str]]:
    rows = []
    async with opened.connection.cursor() as cursor:
        async for number, payload in cursor.stream(_ROWS, [stream]):
            rows.append((int(number), hashlib.sha256(payload).hexdigest()))
    return rows
