"""Connections kept open for what a failover will ask, so that nothing is dialled once every moment counts.

To log in takes as long as the whole promotion. A kept connection is tried before it is used, and where it
broke or fell silent a new one is made, within the same time limit: whatever cut the primary off may have
taken its path too. Nothing is kept unless somebody asks for it by `keep`, and not long after the last time.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
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
TRY_SECONDS_MAX = 0.5
IDLE_SECONDS_MAX = 10.0
# By then the name may stand for another machine, and a server that shuts down may wait for whoever is left.
LIFE_SECONDS_MAX = 30.0


@dataclass(frozen=True, slots=True)
class _Kept:
    connection: _Connection
    made: float
    lapse: asyncio.TimerHandle


class Lines:
    """Those of one dataset. Its questions may come from any thread that runs no event loop."""

    def __init__(self) -> None:
        self._idle: dict[Login, _Kept] = {}
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
        made = time.monotonic()
        deadline = made + limit_seconds
        kept = self._idle.get(login) if self._here else None
        opened = await self._tried(login, kept, deadline) if kept else None
        if kept and opened:
            made = kept.made
        opened = opened or await open_session(login, max(0.0, deadline - time.monotonic()))
        try:
            yield opened
        finally:
            await self._put_back(login, opened.connection, made)

    @property
    def _keeping(self) -> bool:
        """Not in the child of a fork: the connections are its parent's, and the thread has stayed there."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def _here(self) -> bool:
        """Not in a question that began elsewhere before there was anything to keep."""
        return self._keeping and asyncio.get_running_loop() is self._loop

    async def _keep(self, login: Login, limit_seconds: float) -> bool:
        kept = self._idle.get(login)
        if kept is not None and time.monotonic() - kept.made > LIFE_SECONDS_MAX:
            await self._drop(login, kept.connection)
        try:
            async with self.session(login, limit_seconds):
                return True
        except (ServerLost, ServerRefused, ServerSilent):
            return False

    async def _tried(self, login: Login, kept: _Kept, deadline: float) -> Session | None:
        """Over the kept connection, which nobody else has meanwhile; None where it gives no answer soon."""
        del self._idle[login]
        kept.lapse.cancel()
        now = time.monotonic()
        opened = Session(kept.connection, login.address, now + min(TRY_SECONDS_MAX, (deadline - now) / 2))
        try:
            await opened.value("SELECT 1")
        except (ServerLost, ServerSilent, psycopg.Error):
            await kept.connection.close()
            return None
        opened.deadline = deadline
        return opened

    async def _put_back(self, login: Login, connection: _Connection, made: float) -> None:
        sound = not connection.closed and connection.pgconn.transaction_status == TransactionStatus.IDLE
        if not self._here or login in self._idle or not sound:
            await connection.close()
            return
        lapse = asyncio.get_running_loop().call_later(IDLE_SECONDS_MAX, self._lapse, login, connection)
        self._idle[login] = _Kept(connection, made, lapse)

    def _lapse(self, login: Login, connection: _Connection) -> None:
        """Whoever had it kept has gone."""
        self._ending = asyncio.ensure_future(self._drop(login, connection))

    async def _drop(self, login: Login, connection: _Connection) -> None:
        kept = self._idle.get(login)
        if kept is not None and kept.connection is connection:
            del self._idle[login]
            kept.lapse.cancel()
            await connection.close()
