"""A small HTTP/1.1 client on asyncio: connections are kept open, and nothing is ever sent twice."""

from __future__ import annotations

import asyncio
import json
from typing import NamedTuple

HEAD_BYTES_MAX = 16 * 1024
IDLE_CONNECTIONS_MAX = 64


class Unreachable(Exception):
    """No whole answer came: whether the request was acted upon is unknown."""


class Answer(NamedTuple):
    status: int
    content: dict[str, object]


class Caller:
    """Calls one server at 127.0.0.1-style `host:port`."""

    def __init__(self, address: str, *, limit_seconds: float) -> None:
        self.host, _, port = address.rpartition(":")
        self.port = int(port)
        self.limit_seconds = limit_seconds
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def post(self, path: str, content: dict[str, object] | None = None) -> Answer:
        return await self._call("POST", path, json.dumps(content or {}).encode())

    async def get(self, path: str) -> Answer:
        return await self._call("GET", path, b"")

    async def _call(self, method: str, path: str, body: bytes) -> Answer:
        try:
            async with asyncio.timeout(self.limit_seconds):
                reader, writer = await self._connection()
                try:
                    answer = await self._exchange(reader, writer, method, path, body)
                except BaseException:
                    writer.transport.abort()  # half an exchange: the connection is of no more use
                    raise
        except (OSError, EOFError, ValueError, LookupError, asyncio.LimitOverrunError) as error:
            reason = str(error) or type(error).__name__
            raise Unreachable(f"{method} {self.host}:{self.port}{path}: {reason}") from error
        self._keep(reader, writer)
        return answer

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof() and not writer.transport.is_closing():
                return reader, writer
            writer.close()
        return await asyncio.open_connection(self.host, self.port, limit=HEAD_BYTES_MAX)

    def _keep(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._idle) < IDLE_CONNECTIONS_MAX:
            self._idle.append((reader, writer))
        else:
            writer.close()

    async def _exchange(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        method: str,
        path: str,
        body: bytes,
    ) -> Answer:
        head = f"{method} {path} HTTP/1.1\r\nHost: {self.host}\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode("latin-1") + body)
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")[:-4].split("\r\n")
        headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
        content = await reader.readexactly(int(headers["content-length"]))
        return Answer(int(first.split(" ")[1]), json.loads(content))
