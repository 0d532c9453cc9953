"""A small HTTP/1.1 server on asyncio for the desk's programs: keep-alive, JSON, bounded."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

HEAD_BYTES_MAX = 16 * 1024
BODY_BYTES_MAX = 64 * 1024
CONNECTIONS_MAX = 2_000
IDLE_SECONDS_MAX = 120.0
REASONS = {200: "OK", 201: "Created", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed"} | {
    409: "Conflict",
    413: "Content Too Large",
    503: "Service Unavailable",
}


class BadRequest(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: tuple[str, ...]
    query: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    keep_alive: bool = True

    def json_object(self) -> dict[str, object]:
        """The body as a JSON object, or BadRequest."""
        try:
            content = json.loads(self.body)
        except ValueError as error:
            raise BadRequest(400, f"the body is not JSON: {error}") from error
        if not isinstance(content, dict):
            raise BadRequest(400, "the body is not a JSON object")
        return content


@dataclass(frozen=True, slots=True)
class Response:
    """`stream`, where given, is sent after `body`; without its `length_bytes` it goes out chunked."""

    status: int
    body: bytes = b""
    stream: AsyncGenerator[bytes] | None = None
    length_bytes: int | None = None


Handler = Callable[[Request], Awaitable[Response]]


def answer(code: int, /, **content: object) -> Response:
    return Response(code, json.dumps(content, separators=(",", ":")).encode())


async def serve(handler: Handler, port: int, *, host: str = "127.0.0.1", served_by: str) -> None:
    """Serve until SIGTERM or SIGINT. OSError when the port is taken."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    connections = _Connections(handler, served_by)
    server = await asyncio.start_server(connections.run, host, port, limit=HEAD_BYTES_MAX, backlog=1024)
    await stop.wait()
    server.close()


class _Connections:
    def __init__(self, handler: Handler, served_by: str) -> None:
        self.handler = handler
        self.served_by = served_by
        self.open: set[asyncio.StreamWriter] = set()

    async def run(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open.add(writer)
        try:
            if len(self.open) > CONNECTIONS_MAX:
                await self._send(writer, answer(503, error="too many connections"), keep_alive=False)
                return
            while await self._one(reader, writer):
                pass
        except (OSError, EOFError, TimeoutError, asyncio.CancelledError):
            writer.transport.abort()  # the client has gone or fell silent, or this server ends
        finally:
            self.open.discard(writer)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        try:
            async with asyncio.timeout(IDLE_SECONDS_MAX):
                request = await read_request(reader)
            response = await self.handler(request)
        except BadRequest as error:
            await self._send(writer, answer(error.status, error=str(error)), keep_alive=False)
            return False
        await self._send(writer, response, keep_alive=request.keep_alive)
        return request.keep_alive

    async def _send(self, writer: asyncio.StreamWriter, response: Response, *, keep_alive: bool) -> None:
        chunked = response.stream is not None and response.length_bytes is None
        length = len(response.body) if response.stream is None else response.length_bytes
        framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {length}"
        head = (
            f"HTTP/1.1 {response.status} {REASONS.get(response.status, 'Status')}\r\n"
            f"Content-Type: application/json\r\n{framing}\r\nX-Served-By: {self.served_by}\r\n"
            f"Connection: {'keep-alive' if keep_alive else 'close'}\r\n\r\n"
        )
        writer.write(head.encode("latin-1") + response.body)
        if response.stream is not None:
            async with aclosing(response.stream) as pieces:
                async for piece in pieces:
                    writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
                    await writer.drain()
            writer.write(b"0\r\n\r\n" if chunked else b"")
        await writer.drain()


async def read_request(reader: asyncio.StreamReader) -> Request:
    """One request with its body. EOFError when the client has closed, BadRequest when it makes no sense."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.LimitOverrunError as error:
        raise BadRequest(413, f"the head is longer than {HEAD_BYTES_MAX} bytes") from error
    first, *lines = head[:-4].split("\r\n")
    try:
        method, target, version = first.split(" ")
        headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
        length = int(headers.get("content-length", "0"))
    except ValueError as error:
        raise BadRequest(400, "the head is not HTTP/1.1") from error
    if "transfer-encoding" in headers or not 0 <= length <= BODY_BYTES_MAX:
        raise BadRequest(413, f"a body needs a Content-Length of at most {BODY_BYTES_MAX}")
    body = await reader.readexactly(length)
    url = urlsplit(target)
    return Request(
        method=method,
        path=tuple(unquote(part) for part in url.path.strip("/").split("/")),
        query=dict(parse_qsl(url.query)),
        body=body,
        keep_alive=version == "HTTP/1.1" and headers.get("connection", "").lower() != "close",
    )
