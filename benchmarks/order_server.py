"""The lightest order service that a recorder can write to: `python -m benchmarks.order_server`.

It prints its port, keeps in memory what it is sent, one connection an order, and lists it when asked.
"""

from __future__ import annotations

import asyncio
import json
import sys


class _Order(asyncio.Protocol):
    """One connection: one request, one reply, closed."""

    rows: list[bytes] = []  # noqa: RUF012 - the service's one memory

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._peer = transport
        self._heard = b""

    def data_received(self, data: bytes) -> None:
        self._heard += data
        head, found, body = self._heard.partition(b"\r\n\r\n")
        if not found:
            return
        if head.startswith(b"GET"):
            self._list()
        elif len(body) >= int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0]):
            self.rows.append(body)
            self._peer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            self._peer.close()

    def _list(self) -> None:
        end = json.dumps({"count": len(self.rows), "end": True})[1:].encode()
        body = b'{"orders":[' + b",".join(self.rows) + b"]," + end
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body)
        self._peer.write(head + body)
        self._peer.close()


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Order, "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
