"""One conversation with one PostgreSQL server, with a time limit that holds whatever the server does.

libpq waits two seconds at least for a connection, and a stopped server accepts one and then says nothing. And
a statement must not be cancelled to save time: for a commit that waits for its standby, a cancel means "good
enough locally". So the limit is kept here, and what runs over it is hung up on, not cancelled.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, LiteralString, TypeVar

import psycopg
from psycopg import sql

from sites.drivers.postgres.turning_away import lets_nobody_in
from sites.errors import DatasetError

_T = TypeVar("_T")
_REFUSED = "Connection refused"
Row = tuple[Any, ...]
Statement = LiteralString | sql.Composed


class ServerSilent(DatasetError):
    """The server did not answer in time. What it did with a statement that was sent is not known."""


class ServerRefused(DatasetError):
    """Nobody listens there: the connection was refused."""


class ServerLost(DatasetError):
    """The connection could not be made, or broke."""


class ServerRejected(ServerLost):
    """A server answered and did not let us in: it is full, or does not know us. Others may be served."""


class ServerTurnedAway(ServerLost):
    """A server answered and lets nobody in: it starts, or it stops."""


@dataclass(frozen=True, slots=True)
class Login:
    """Where, and as whom."""

    host: str
    port: int
    database: str
    user: str
    password: str = field(repr=False)
    options: str = ""

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"


class Session:
    """An open connection with autocommit, and the instant by which all must be done.

    Every call raises ServerSilent or ServerLost, or the psycopg.Error that the server answered.
    """

    def __init__(self, connection: psycopg.AsyncConnection[Row], address: str, deadline: float) -> None:
        self.connection = connection
        self.address = address
        self.deadline = deadline

    async def rows(self, statement: Statement, arguments: Sequence[object] = ()) -> list[Row]:
        """The rows that a statement gives; none for one that gives no result."""
        return await self.within(self._rows(statement, arguments))

    async def value(self, statement: Statement, arguments: Sequence[object] = ()) -> Any:  # noqa: ANN401
        """The first column of the first row; None if there is no row."""
        rows = await self.rows(statement, arguments)
        return rows[0][0] if rows else None

    async def within(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Do something with the connection, at most until the deadline."""
        task = asyncio.ensure_future(work)
        try:
            await asyncio.wait({task}, timeout=max(0.0, self.deadline - time.monotonic()))
            if task.done():
                return task.result()
        except psycopg.OperationalError as error:
            if error.sqlstate is not None and not self.connection.closed:
                raise
            raise ServerLost(f"lost PostgreSQL at {self.address}: {_one_line(error)}") from error
        finally:
            if not task.done():
                await _give_up(self.connection, task)
        raise ServerSilent(f"PostgreSQL at {self.address} did not answer in time")

    async def _rows(self, statement: Statement, arguments: Sequence[object]) -> list[Row]:
        cursor = await self.connection.execute(statement, arguments)
        return await cursor.fetchall() if cursor.description else []


async def open_session(login: Login, limit_seconds: float, *, writable: bool = False) -> Session:
    """Connect; with `writable` a standby counts as lost. Raises ServerRefused, ServerSilent or ServerLost."""
    deadline = time.monotonic() + limit_seconds
    try:
        async with asyncio.timeout(limit_seconds):
            connection = await psycopg.AsyncConnection.connect(
                host=login.host,
                port=login.port,
                dbname=login.database,
                user=login.user,
                password=login.password,
                options=login.options,
                application_name="blackstart",
                gssencmode="disable",
                target_session_attrs="read-write" if writable else "any",
                autocommit=True,
                prepare_threshold=None,
            )
    except TimeoutError as error:
        raise ServerSilent(
            f"PostgreSQL at {login.address} did not answer within {limit_seconds:g} s"
        ) from error
    except psycopg.OperationalError as error:
        raise (await _unconnected(str(error), login, deadline - time.monotonic()))(
            f"cannot reach PostgreSQL at {login.address}: {_one_line(error)}"
        ) from error
    return Session(connection, login.address, deadline)


async def _unconnected(said: str, login: Login, left_seconds: float) -> type[DatasetError]:
    """libpq gives no code where there is no connection yet. FATAL is a server's own word.

    A name may stand for several addresses, each of which is told of: it is refused where all of them are.
    """
    if "FATAL:" not in said:
        refused = said.count(_REFUSED) == said.count("connection to server at") > 0
        return ServerRefused if refused else ServerLost
    shut = await lets_nobody_in(said, login.host, login.port, login.user, login.database, left_seconds)
    return ServerTurnedAway if shut else ServerRejected


async def open_writable(logins: Sequence[Login], limit_seconds: float) -> Session:
    """Connect to the first server that takes writes, as a client with several hosts in its address does.

    Each gets an equal share of the time that is left: one that was stopped accepts and then says nothing. A
    single server is taken as it is. Raises what the last one raised.
    """
    if len(logins) == 1:
        return await open_session(logins[0], limit_seconds)
    deadline = time.monotonic() + limit_seconds
    for place, login in enumerate(logins):
        share_seconds = (deadline - time.monotonic()) / (len(logins) - place)
        try:
            opened = await open_session(login, max(0.0, share_seconds), writable=True)
        except (ServerRefused, ServerSilent, ServerLost):
            if place == len(logins) - 1:
                raise
        else:
            opened.deadline = deadline
            return opened
    raise ServerLost("no server to connect to")


@asynccontextmanager
async def session(login: Login, limit_seconds: float) -> AsyncIterator[Session]:
    """A session that is closed again. The limit is for all of it together."""
    opened = await open_session(login, limit_seconds)
    try:
        yield opened
    finally:
        await opened.connection.close()


async def _give_up(connection: psycopg.AsyncConnection[Row], task: asyncio.Future[Any]) -> None:
    """Hang up: whoever waits on the socket sees its end at once, and the server is told nothing."""
    try:
        with socket.socket(fileno=os.dup(connection.pgconn.socket)) as line:
            line.shutdown(socket.SHUT_RDWR)
    except (OSError, psycopg.OperationalError):
        task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.exception()  # looked at, or asyncio complains that nobody did


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
