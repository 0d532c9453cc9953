"""The gateway's orders in PostgreSQL: a few connections kept open, opened again when they break."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import LiteralString, TypeVar

import psycopg
from psycopg.pq import TransactionStatus

TABLE = """
CREATE TABLE IF NOT EXISTS orders (
    client_order_id text COLLATE "C" PRIMARY KEY,
    payload text NOT NULL,
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'sent', 'cancelled')),
    session text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
)
"""
NEW = """
INSERT INTO orders (client_order_id, payload, session) VALUES (%s, %s, %s)
ON CONFLICT (client_order_id) DO NOTHING
"""
MARK_SENT = "UPDATE orders SET status = 'sent' WHERE client_order_id = %s AND status = 'pending'"
MARK_CANCELLED = "UPDATE orders SET status = 'cancelled' WHERE client_order_id = %s"
ROW = "SELECT status, session FROM orders WHERE client_order_id = %s"
WRITABLE = "SELECT NOT pg_is_in_recovery() AND current_setting('default_transaction_read_only') = 'off'"
LINES = """
SELECT json_build_object('client_order_id', client_order_id, 'payload', payload,
                         'status', status, 'session', session)::text AS line
FROM orders WHERE starts_with(client_order_id, %s) AND (status <> 'cancelled' OR %s)
"""
SIZE = "SELECT count(*), coalesce(sum(octet_length(line)), 0) FROM (" + LINES + ") AS l"  # noqa: S608  both parts are ours
LINES_PER_FETCH = 500
CONNECTIONS_MAX = 16
WARM_CONNECTIONS = 4
WARM_RETRY_SECONDS = 0.02

T = TypeVar("T")


class Line:
    """One connection, and whether the server has warned on it since it was last asked to do something."""

    def __init__(self, connection: psycopg.AsyncConnection[tuple[object, ...]]) -> None:
        self.connection = connection
        self.warned = False
        connection.add_notice_handler(self._on_notice)

    def _on_notice(self, notice: psycopg.errors.Diagnostic) -> None:
        # "canceling the wait for synchronous replication" comes as a mere warning after a commit that
        # may be on this server alone. Its text is translated; so any warning makes the commit unsafe.
        if notice.severity_nonlocalized == "WARNING":
            self.warned = True

    async def change(self, statement: LiteralString, *values: str) -> Change:
        self.warned = False
        cursor = await self.connection.execute(statement, values, prepare=True)
        return Change(rows=cursor.rowcount, safe=not self.warned)


@dataclass(frozen=True, slots=True)
class Change:
    """`safe`: the commit was confirmed by every server that had to confirm it."""

    rows: int
    safe: bool


@dataclass(frozen=True, slots=True)
class Listing:
    length_bytes: int
    pieces: AsyncGenerator[bytes]


class OrderBook:
    """All methods raise psycopg.Error when the database is gone, in recovery or read-only."""

    def __init__(
        self, conninfo: str, password: str, session: str, *, connections_max: int = CONNECTIONS_MAX
    ) -> None:
        self.conninfo = conninfo
        self.password = password
        self.session = session
        self._free = asyncio.Semaphore(connections_max)
        self._idle: list[Line] = []

    async def new(self, order: str, payload: str) -> Change:
        return await self._with_line(lambda line: line.change(NEW, order, payload, self.session))

    async def mark_sent(self, order: str) -> Change:
        return await self._with_line(lambda line: line.change(MARK_SENT, order))

    async def mark_cancelled(self, order: str) -> Change:
        return await self._with_line(lambda line: line.change(MARK_CANCELLED, order))

    async def row(self, order: str) -> tuple[str, str] | None:
        """(status, session), or None when there is no such order."""

        async def ask(line: Line) -> tuple[str, str] | None:
            found = await (await line.connection.execute(ROW, (order,))).fetchone()
            return (str(found[0]), str(found[1])) if found else None

        return await self._with_line(ask)

    async def writable(self) -> bool:
        async def ask(line: Line) -> bool:
            found = await (await line.connection.execute(WRITABLE)).fetchone()
            return bool(found and found[0])

        return await self._with_line(ask)

    async def listing(self, prefix: str, *, cancelled: bool) -> Listing:
        """Orders whose id starts with `prefix` as one JSON object, all out of one snapshot of the table.

        PostgreSQL writes the JSON, so a long list costs the gateway little and holds no order up.
        """
        wanted = (prefix, cancelled)
        async with AsyncExitStack() as stack:
            line = await stack.enter_async_context(self._line())
            await line.connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            found = await (await line.connection.execute(SIZE, wanted)).fetchone()
            count, length = (int(str(value)) for value in found or (0, 0))
            head, tail = b'{"orders":[', b'],"count":%d,"end":true}' % count
            length_bytes = len(head) + length + max(0, count - 1) + len(tail)
            pieces = _pieces(stack.pop_all(), line, wanted, head, tail)
        return Listing(length_bytes, pieces)

    async def keep_warm(self) -> None:
        """Have connections open before the first order, also on a standby that is yet to be promoted."""
        for _ in range(WARM_CONNECTIONS):
            while True:
                try:
                    self._idle.insert(0, await self._connect())
                    break
                except psycopg.Error:
                    await asyncio.sleep(WARM_RETRY_SECONDS)

    async def _with_line(self, act: Callable[[Line], Awaitable[T]]) -> T:
        async with self._line() as line:
            return await act(line)

    @asynccontextmanager
    async def _line(self) -> AsyncIterator[Line]:
        async with self._free:
            line = await self._take()
            try:
                yield line
            finally:
                if line.connection.info.transaction_status == TransactionStatus.IDLE:
                    self._idle.append(line)
                else:
                    await line.connection.close()

    async def _take(self) -> Line:
        while self._idle:
            line = self._idle.pop()
            if not line.connection.closed:
                return line
        return await self._connect()

    async def _connect(self) -> Line:
        connection = await psycopg.AsyncConnection.connect(
            self.conninfo, password=self.password, autocommit=True, connect_timeout=2
        )
        return Line(connection)


async def _pieces(
    stack: AsyncExitStack, line: Line, wanted: tuple[str, bool], head: bytes, tail: bytes
) -> AsyncGenerator[bytes]:
    async with stack:
        yield head
        comma = b""
        async with line.connection.cursor(name="listing") as cursor:
            await cursor.execute(LINES, wanted)
            while rows := await cursor.fetchmany(LINES_PER_FETCH):
                yield comma + ",".join(str(row[0]) for row in rows).encode()
                comma = b","
        await line.connection.execute("COMMIT")
        yield tail
