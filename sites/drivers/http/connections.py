"""Connections to one service: a fresh one for each operation, or pooled ones while they are alive."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections import deque

from sites.drivers.http.address import Address
from sites.drivers.http.connection import Connection
from sites.drivers.http.wire import PlainWire, TlsWire, Wire

LINGER_SECONDS = 1.0


class Connections:
    """Makes connections to one address: a fresh one each time, or pooled ones when they are alive."""

    def __init__(self, address: Address, *, pooled: bool) -> None:
        self.address = address
        self._pooled = pooled
        self._idle: list[Connection] = []
        self._leaving: deque[tuple[float, Connection]] = deque()
        self._tls = ssl.create_default_context()
        self._numeric = address.numeric()

    async def take(self) -> Connection:
        """An open connection on which nothing of this request was sent. Raises OSError."""
        self._sweep(time.monotonic())
        while self._idle:
            connection = self._idle.pop()
            if connection.reusable:
                connection.written = False
                return connection
            connection.close()
        return await self._connect()

    def settle(self, connection: Connection | None) -> None:
        """Take an exchange's connection back, however it ended.

        After a whole reply the server is left a moment to close first: who closes first keeps the
        port busy for a minute, and at a thousand operations a second we would run out of ports.
        """
        if connection is None:
            return
        if not connection.idle:
            connection.close()
        elif self._pooled:
            self._idle.append(connection)
        else:
            self._leaving.append((time.monotonic() + LINGER_SECONDS, connection))

    def close(self) -> None:
        self._sweep(float("inf"))
        while self._idle:
            self._idle.pop().close()

    def _sweep(self, now: float) -> None:
        while self._leaving and (self._leaving[0][0] <= now or self._leaving[0][1].left):
            self._leaving.popleft()[1].close()

    async def _connect(self) -> Connection:
        *others, last = self._numeric or await self._resolve()
        for family, where in others:
            try:
                return await self._connect_to(family, where)
            except OSError:
                continue
        return await self._connect_to(*last)

    async def _connect_to(self, family: int, where: tuple[str, int]) -> Connection:
        plain = PlainWire(family)
        try:
            await plain.connect(where)
            wire = await self._secured(plain) if self.address.secure else plain
        except BaseException:
            plain.socket.close()
            raise
        return Connection(wire, Address(*where, path="", secure=False).authority)

    async def _secured(self, plain: PlainWire) -> Wire:
        wire = TlsWire(plain, self._tls, self.address.host)
        await wire.handshake()
        return wire

    async def _resolve(self) -> list[tuple[int, tuple[str, int]]]:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(self.address.host, self.address.port, type=socket.SOCK_STREAM)
        return [(family, (str(where[0]), int(where[1]))) for family, _, _, _, where in found]
