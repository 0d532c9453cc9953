"""An order service in memory that goes wrong on purpose. It speaks real HTTP on a real port, in a thread."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

_RESET = struct.pack("ii", 1, 0)


class OrdersService:
    """`mode` says what becomes of the next writes; `rows` is what the service holds, `seen` what it was sent.

    serve    201                     hang       reads and never answers
    lose     201, not kept           reset      resets after reading        reset-kept  the same, but kept
    twice    201, kept twice         eof        closes after reading        half        201, but half a body
    corrupt  201, kept otherwise     503        answers 503                 503-kept    the same, but kept
    garbage  answers what is no HTTP
    """

    def __init__(self, certificate: Path | None = None) -> None:
        self._tls: ssl.SSLContext | None = None
        if certificate is not None:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(certificate)
        self.name = "fake"
        self.mode = "serve"
        self.rows: list[tuple[str, str]] = []
        self.seen: list[str] = []
        self.connections = 0
        self.keep_alive = False
        self.chunked = False
        self.count_off = 0
        self.end = True
        self._loop = asyncio.new_event_loop()
        self._open: set[asyncio.Transport] = set()
        self._server: asyncio.Server | None = None
        self._port = 0
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.listen()

    @property
    def url(self) -> str:
        return f"https://localhost:{self._port}" if self._tls else f"http://127.0.0.1:{self._port}"

    def listen(self) -> None:
        """Accept connections (again), always on the same port."""
        self._do(self._listen())

    def refuse(self) -> None:
        """Refuse new connections and break the open ones, as a killed process does."""
        self._do(self._refuse())

    def drop_idle(self) -> None:
        """Close the connections that clients keep, without a word."""
        self._do(self._drop())

    def close(self) -> None:
        self.refuse()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _do(self, what: Any) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(5)

    async def _listen(self) -> None:
        self._server = await self._loop.create_server(
            lambda: _Talk(self), "127.0.0.1", self._port, backlog=1024, ssl=self._tls
        )
        self._port = self._server.sockets[0].getsockname()[1]

    async def _refuse(self) -> None:
        if self._server is not None:
            self._server.close()
        await self._drop()

    async def _drop(self) -> None:
        for transport in list(self._open):
            transport.abort()
        await asyncio.sleep(0)

    def answer(self, method: str, target: str, body: bytes) -> tuple[int, bytes] | Callable[[_Talk], None]:
        """The reply, or what to do with the connection instead."""
        if method == "GET":
            return self._list(target)
        if method == "DELETE":
            name = target.rsplit("/", 1)[-1]
            self.rows = [row for row in self.rows if row[0] != name]
            return 200, b"{}"
        return self._write(json.loads(body))

    def _write(self, order: dict[str, str]) -> tuple[int, bytes] | Callable[[_Talk], None]:
        mode, row = self.mode, (order["client_order_id"], order["payload"])
        self.seen.append(row[0])
        kept = {"lose": 0, "twice": 2, "hang": 0, "reset": 0, "503": 0, "eof": 0, "garbage": 0}.get(mode, 1)
        self.rows += [(row[0], row[1].upper()) if mode == "corrupt" else row] * kept
        ends: dict[str, Callable[[_Talk], None]] = {
            "hang": lambda _: None,
            "reset": _Talk.reset,
            "reset-kept": _Talk.reset,
            "eof": lambda talk: talk.transport.close(),
            "half": lambda talk: talk.say(b"HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\n{"),
            "garbage": lambda talk: talk.say(b"220 mail.example ESMTP\r\n\r\n"),
        }
        return ends.get(mode) or ((503, b"{}") if mode.startswith("503") else (201, b"{}"))

    def _list(self, target: str) -> tuple[int, bytes]:
        prefix = parse_qs(urlsplit(target).query).get("prefix", [""])[0]
        rows = [
            {"client_order_id": name, "payload": payload, "status": "sent"}
            for name, payload in self.rows
            if name.startswith(prefix)
        ]
        listing = {"orders": rows, "count": len(rows) + self.count_off, "end": self.end}
        return (503, b"{}") if self.mode == "503" else (200, json.dumps(listing).encode())


class _Talk(asyncio.Protocol):
    def __init__(self, service: OrdersService) -> None:
        self.service = service
        self.transport: asyncio.Transport
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.service.connections += 1
        self.service._open.add(self.transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's own words
        self.service._open.discard(self.transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:])
        length = int(headers.get("content-length", "0"))
        if not found or len(rest) < length:
            return
        self._buffer = b""
        method, target, _ = lines[0].split(" ")
        reply = self.service.answer(method, target, rest[:length])
        if callable(reply):
            reply(self)
            return
        self._reply(*reply)

    def _reply(self, status: int, body: bytes) -> None:
        framing = f"Content-Length: {len(body)}"
        if self.service.chunked:
            framing = "Transfer-Encoding: chunked"
            parts = [body[at : at + 7000] for at in range(0, len(body), 7000)]
            body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
        connection = "keep-alive" if self.service.keep_alive else "close"
        served = f"X-Served-By: {self.service.name}\r\nConnection: {connection}"
        self.transport.write(f"HTTP/1.1 {status} So\r\n{framing}\r\n{served}\r\n\r\n".encode() + body)
        if not self.service.keep_alive:
            self.transport.close()

    def say(self, data: bytes) -> None:
        self.transport.write(data)
        self.transport.close()

    def reset(self) -> None:
        tcp: socket.socket = self.transport.get_extra_info("socket")
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.transport.abort()
