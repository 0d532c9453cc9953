"""Connections kept open for what a failover will ask, so that nothing is dialled once every moment counts.

To log in takes as long as the whole promotion. A kept connection is tried before it is used, and where it
broke a new one is made, within the same time limit. Nothing is kept unless somebody asks for it by `keep`.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import psycopg
from psycopg.pq import TransactionStatus

from sites.drivers.postgres.session import (
    Login,
    Row,
    ServerLost,
    ServerRefused,
    ServerSilent,
    Session,
    open_session,
)

_T = TypeVar("_T")
_Connection = psycopg.AsyncConnection[Row]


class Lines:
    """Those of one dataset. Its questions may come from any thread that runs no event loop."""

    def __init__(self) -> None:
        self._idle: dict[Login, _Connection] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def keep(self, login: Login, limit_seconds: float) -> bool:
        """From now on have a connection there; True if there is one. Tells nobody why there is none."""
        with self._lock:
            if not self._keeping:
                self._idle, self._loop = {}, asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="lines", daemon=True)
                self._thread.start()
        return self.ask(self._keep(login, limit_seconds))

    def ask(self, asking: Coroutine[Any, Any, _T]) -> _T:
        """The answer, wherever the connections live."""
        if self._loop is None or not self._keeping:
            return asyncio.run(asking)
        return asyncio.run_coroutine_threadsafe(asking, self._loop).result()

    @asynccontextmanager
    async def session(self, login: Login, limit_seconds: float) -> AsyncIterator[Session]:
        """As `session.session`, over the kept connection where it still works. Only within `ask`."""
        deadline = time.monotonic() + limit_seconds
        opened = await self._kept(login, deadline)
        opened = opened or await open_session(login, max(0.0, deadline - time.monotonic()))
        try:
            yield opened
        finally:
            await self._put_back(login, opened.connection)

    @property
    def _keeping(self) -> bool:
        """Not in the child of a fork: the connections are its parent's, and the thread has stayed there."""
        return self._thread is not None and self._thread.is_alive()

    async def _keep(self, login: Login, limit_seconds: float) -> bool:
        try:
            async with self.session(login, limit_seconds):
                return True
        except (ServerLost, ServerRefused, ServerSilent):
            return False

    async def _kept(self, login: Login, deadline: float) -> Session | None:
        connection = self._idle.pop(login, None) if self._keeping else None
        if connection is None:
            return None
        kept = Session(connection, login.address, deadline)
        try:
            await kept.value("SELECT 1")
        except (ServerLost, psycopg.Error):
            await connection.close()
            return None
        except ServerSilent:
            await connection.close()
            raise
        return kept

    async def _put_back(self, login: Login, connection: _Connection) -> None:
        sound = not connection.closed and connection.pgconn.transaction_status == TransactionStatus.IDLE
        if not self._keeping or login in self._idle or not sound:
            await connection.close()
        else:
            self._idle[login] = connection
