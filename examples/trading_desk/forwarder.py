"""The public endpoint: forwards each TCP connection to the address that a file names.

Whoever fails the desk over replaces the file. New connections go to the new address from then on,
and those to the old one are reset, so that their clients come again. A target that refuses makes
the client's connection be reset at once: an answer, where silence would cost it its time limit.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import socket
import struct
from pathlib import Path
from typing import cast

from names import Names

CONNECT_SECONDS_MAX = 1.0
CONNECTIONS_MAX = 2_000
LOOK_EVERY_SECONDS = 0.005
LINGER_NOT = struct.pack("ii", 1, 0)


class Target:
    """The address in the file; the last good one while the file is missing or makes no sense."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.address: tuple[str, int] | None = None
        self._seen: tuple[int, int, int] | None = None
        self.changed()

    def changed(self) -> bool:
        """Look at the file; whether the address is another one than before."""
        try:
            told = self.path.stat()
            seen = (told.st_ino, told.st_mtime_ns, told.st_size)
            if seen == self._seen:
                return False
            host, _, port = self.path.read_text().strip().rpartition(":")
            address = (host, int(port))
        except (OSError, ValueError):
            return False
        before, self.address, self._seen = self.address, address, seen
        return before != address


class End(asyncio.Protocol):
    """One end of a forwarded connection. What comes in at one end goes out at its peer."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.peer: End | None = None
        self.closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self.peer is not None and self.peer.transport is not None:
            self.peer.transport.write(data)

    def pause_writing(self) -> None:
        if self.peer is not None and self.peer.transport is not None:
            self.peer.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.peer is not None and self.peer.transport is not None and not self.peer.closed:
            self.peer.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        if self.peer is None or self.peer.transport is None or self.peer.closed:
            return
        if exc is None:
            self.peer.transport.close()  # once all is sent
        else:
            self.peer.reset()

    def reset(self) -> None:
        """Close both ends with RST: whatever was under way is not going to be answered."""
        if self.transport is None or self.closed:
            return
        self.closed = True
        tcp: socket.socket = self.transport.get_extra_info("socket")
        if tcp.fileno() >= 0:
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
        self.transport.abort()
        if self.peer is not None:
            self.peer.reset()


class ClientEnd(End):
    """The client's end, which finds itself a peer at the target."""

    def __init__(self, forwarder: Forwarder) -> None:
        super().__init__()
        self.forwarder = forwarder
        self.connecting: asyncio.Task[None] | None = None
        self.early = bytearray()
        self.early_eof = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if len(self.forwarder.clients) >= CONNECTIONS_MAX:
            self.reset()
            return
        self.forwarder.clients.add(self)
        self.connecting = asyncio.create_task(self._connect())

    def data_received(self, data: bytes) -> None:
        if self.peer is not None or self.transport is None:
            super().data_received(data)
            return
        # only here: a pause at the making of the connection is forgotten by older Pythons (3.11.2 for one)
        self.early += data
        self.transport.pause_reading()

    def eof_received(self) -> bool:
        self.early_eof = self.peer is None
        if self.peer is not None and self.peer.transport is not None and not self.peer.closed:
            self.peer.transport.write_eof()
        return True  # a client that has said all still waits for the answer

    async def _connect(self) -> None:
        address = self.forwarder.target.address
        loop = asyncio.get_running_loop()
        try:
            if address is None:
                raise ConnectionRefusedError("no target yet")
            async with asyncio.timeout(CONNECT_SECONDS_MAX):
                number = await self.forwarder.names.number(address[0])
                target, peer = await loop.create_connection(End, number, address[1])
        except OSError:  # TimeoutError is one
            if address is not None:
                self.forwarder.names.doubt(address[0])
            self.reset()
            return
        self.peer, peer.peer = peer, self
        if self.closed or self.transport is None:
            peer.reset()
            return
        if self.early:
            target.write(bytes(self.early))
        if self.early_eof:
            target.write_eof()
        self.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self.forwarder.clients.discard(self)
        if self.connecting is not None:
            self.connecting.cancel()
        super().connection_lost(exc)


class Forwarder:
    def __init__(self, target: Target) -> None:
        self.target = target
        self.names = Names()
        self.clients: set[ClientEnd] = set()

    async def run(self, port: int, host: str = "127.0.0.1") -> None:
        """Forward until SIGTERM or SIGINT. OSError when the port is taken."""
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        server = await loop.create_server(lambda: ClientEnd(self), host, port, backlog=1024)
        watching = asyncio.create_task(self._watch())
        await stop.wait()
        watching.cancel()
        server.close()
        self._reset_all()

    async def _watch(self) -> None:
        while True:
            if self.target.changed():
                self._reset_all()
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    def _reset_all(self) -> None:
        for client in list(self.clients):
            client.reset()


def main() -> None:
    parser = argparse.ArgumentParser(description="the public endpoint of the trading desk example")
    parser.add_argument("--host", default="127.0.0.1", help="listen there")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--target", type=Path, required=True, help="file that holds host:port")
    options = parser.parse_args()
    asyncio.run(Forwarder(Target(options.target)).run(options.port, options.host))


if __name__ == "__main__":
    main()
