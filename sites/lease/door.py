"""The door: what clients send reaches the database only while the lease runs.

It looks at the clock after it has received something, and before it passes that on. That order is the fence:
a door that was stopped or slept, and wakes up after its term, finds the clock before it passes anything on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

_CHUNK_BYTES = 1 << 16
_LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Place:
    """A TCP address, or a unix socket."""

    host: str = ""
    port: int = 0
    socket: str = ""


class Door:
    """Listens until it is cancelled. Shut, it drops every connection, those that stand included."""

    def __init__(self, listen: Place, server: Place, is_open: Callable[[], bool]) -> None:
        self._listen, self._server, self._is_open = listen, server, is_open
        self._writers: set[asyncio.StreamWriter] = set()

    async def serve(self) -> None:
        """Raises OSError where the address cannot be listened at."""
        listening = await asyncio.start_server(self._attend, self._listen.host, self._listen.port)
        async with listening:
            while True:
                await asyncio.sleep(_LOOK_SECONDS)
                if not self._is_open():
                    self._drop_all()

    def _drop_all(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _attend(self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        self._writers.add(to_client)
        to_server: asyncio.StreamWriter | None = None
        try:
            if self._is_open():
                from_server, to_server = await self._reach()
                self._writers.add(to_server)
                await self._both_ways((from_client, to_server), (from_server, to_client))
        except OSError:
            return  # the database does not listen, or one of the two has gone: the other hears of it below
        finally:
            for writer in filter(None, (to_client, to_server)):
                self._writers.discard(writer)
                writer.transport.abort()

    async def _both_ways(self, *ways: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        tasks = [asyncio.ensure_future(self._pass_on(*way)) for way in ways]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_CHUNK_BYTES):
            if not self._is_open():  # after it was received: see above
                return
            writer.write(data)
            await writer.drain()

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._server.socket:
            return await asyncio.open_unix_connection(self._server.socket)
        return await asyncio.open_connection(self._server.host, self._server.port)
