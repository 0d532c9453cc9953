"""Bytes over a socket, plain or with TLS, through the running loop."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import Callable
from typing import Protocol

_PIECE_BYTES = 64 * 1024  # a few milliseconds of a listing: others need the loop too


class Wire(Protocol):
    socket: socket.socket

    async def send(self, data: bytes) -> None: ...

    async def receive(self) -> bytes:
        """The next bytes; none once the peer has closed."""
        ...


class PlainWire:
    """A non-blocking socket. Errors are raised where it is used: an exception that has passed through a
    future refers to itself, and an outage at a thousand operations a second makes a thousand of those.
    """

    def __init__(self, family: int) -> None:
        self.socket = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self._loop = asyncio.get_running_loop()

    async def connect(self, where: tuple[str, int]) -> None:
        """Connect to a numeric address. Raises OSError; nothing is sent, whatever happens."""
        problem = self.socket.connect_ex(where)
        if problem == errno.EINPROGRESS:
            await self._until(self._loop.add_writer, self._loop.remove_writer)
            problem = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if problem:
            raise OSError(problem, os.strerror(problem))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def send(self, data: bytes) -> None:
        while True:
            try:
                data = data[self.socket.send(data) :]
            except BlockingIOError:
                await self._until(self._loop.add_writer, self._loop.remove_writer)
            if not data:
                return

    async def receive(self) -> bytes:
        while True:
            await self._until(self._loop.add_reader, self._loop.remove_reader)
            try:
                return self.socket.recv(_PIECE_BYTES)
            except BlockingIOError:
                continue

    async def _until(self, watch: Callable[..., None], forget: Callable[[int], bool]) -> None:
        ready: asyncio.Future[None] = self._loop.create_future()
        descriptor = self.socket.fileno()
        watch(descriptor, _set, ready)
        try:
            await ready
        finally:
            forget(descriptor)


def _set(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


class TlsWire:
    """TLS in memory over a plain wire. No byte of a request leaves before `handshake` is done."""

    def __init__(self, plain: PlainWire, context: ssl.SSLContext, host: str) -> None:
        self.socket = plain.socket
        self._plain = plain
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)

    async def handshake(self) -> None:
        """Raises ssl.SSLError when the peer cannot prove to be the host."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                await self._fill()
                continue
            await self._flush()
            return

    async def send(self, data: bytes) -> None:
        self._tls.write(data)
        await self._flush()

    async def receive(self) -> bytes:
        while True:
            try:
                return self._tls.read(_PIECE_BYTES)
            except ssl.SSLWantReadError:
                await self._flush()
                await self._fill()
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""

    async def _flush(self) -> None:
        if data := self._outgoing.read():
            await self._plain.send(data)

    async def _fill(self) -> None:
        if data := await self._plain.receive():
            self._incoming.write(data)
        else:
            self._incoming.write_eof()
