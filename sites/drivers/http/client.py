"""A canary's client for any HTTP service that takes a numbered write and lists what it holds.

A number goes out at most once. *Failed* is said only where no byte of the request was written:
connection refused, no route, no name, a connection that was not made in time. After the first
byte anything but a whole 2xx reply is *indeterminate*: a 503, a 409 or a reset may hide a commit.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal
from urllib.parse import quote

from sites.capability import Outcome, ReadBack
from sites.drivers.http.address import Address
from sites.drivers.http.check import Check, Sign, check
from sites.drivers.http.connection import Connection, cause_of
from sites.drivers.http.connections import Connections
from sites.drivers.http.listing import Listing, MalformedListing
from sites.drivers.http.reply import Reply
from sites.errors import DatasetError

__all__ = ["Check", "HttpCanary", "HttpClient", "Sign", "check"]


_ABSENT = {404, 410}


@dataclass(frozen=True, slots=True)
class HttpCanary:
    """How to write to the service and how to list what was written.

    `extra` holds constant fields that the service wants in every write.
    """

    endpoint: str
    write_path: str = "/orders"
    list_path: str = "/orders"
    id_field: str = "client_order_id"
    payload_field: str = "payload"
    list_field: str = "orders"
    extra: dict[str, object] = field(default_factory=dict)
    pooled: bool = False
    kind: Literal["http"] = "http"


class HttpClient:
    """Implements `sites.capability.Client`. `run` keeps the rows of one drill apart from all others."""

    def __init__(
        self, canary: HttpCanary, *, run: str, limit_seconds: float, read_limit_seconds: float = 30.0
    ) -> None:
        self._canary = canary
        self._run = run
        self._limit_seconds = limit_seconds
        self._read_limit_seconds = read_limit_seconds
        self._address = Address.of(canary.endpoint)
        self._connections = Connections(self._address, pooled=canary.pooled)

    async def write(self, stream: str, number: int, payload: bytes) -> Outcome:
        """Send the numbered write, once. Never raises for what the service or the network does."""
        fields = {
            self._canary.id_field: self._id(stream, number),
            self._canary.payload_field: payload.decode(),
        }
        body = json.dumps({**self._canary.extra, **fields}, separators=(",", ":")).encode()
        return await self._operate(self._request("POST", self._canary.write_path, body))

    async def delete(self, stream: str, number: int) -> Outcome:
        """Send `DELETE {write_path}/{id}`, once."""
        return await self._operate(
            self._request("DELETE", f"{self._canary.write_path}/{self._id(stream, number)}")
        )

    async def read_back(self, stream: str) -> ReadBack:
        """List the stream's rows. Raises DatasetError when the service does not answer with a listing."""
        rows: list[tuple[int, str]] = []
        prefix = self._id(stream, "")
        row = _Rows(self._canary, prefix, rows)
        path = f"{self._canary.list_path}?prefix={quote(prefix)}"
        listing = Listing(self._canary.list_field, row.take)
        try:
            async with asyncio.timeout(self._read_limit_seconds):
                reply, address = await self._list(self._request("GET", path), listing)
            if not 200 <= reply.status < 300:
                raise MalformedListing(f"it answered {reply.status}")
            fields = listing.finish()
        except (OSError, EOFError, ValueError) as error:
            raise DatasetError(
                f"cannot list stream {stream!r} at {self._canary.endpoint}{path}: {error or cause_of(error)}"
            ) from error
        count = fields.get("count")
        own = count - row.others if isinstance(count, int) and not isinstance(count, bool) else None
        return ReadBack(rows, own, fields.get("end") is True, address)

    async def aclose(self) -> None:
        self._connections.close()

    def _id(self, stream: str, number: int | str) -> str:
        return f"{self._run[:8]}-{stream}-{number}"

    def _request(self, method: str, path: str, body: bytes = b"") -> bytes:
        lines = [f"{method} {self._address.path}{path} HTTP/1.1", f"Host: {self._address.authority}"]
        if method == "POST":
            lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        lines += [f"Connection: {'keep-alive' if self._canary.pooled else 'close'}", "", ""]
        return "\r\n".join(lines).encode() + body

    async def _operate(self, request: bytes) -> Outcome:
        connection: Connection | None = None
        try:
            async with asyncio.timeout(self._limit_seconds):
                connection = await self._connections.take()
                reply = await connection.exchange(request)
        except (OSError, EOFError, ValueError) as error:
            return _broken(connection, cause_of(error))
        finally:
            self._connections.settle(connection)
        address = reply.headers.get("x-served-by") or connection.peer
        if reply.status in _ABSENT and request.startswith(b"DELETE "):
            return Outcome("failed", "absent", address)  # what is not there was not deleted by us
        done = 200 <= reply.status < 300
        return Outcome("acknowledged" if done else "indeterminate", str(reply.status), address)

    async def _list(self, request: bytes, listing: Listing) -> tuple[Reply, str | None]:
        connection: Connection | None = None
        try:
            connection = await self._connections.take()
            reply = await connection.exchange(request, listing.feed)
        finally:
            self._connections.settle(connection)
        return reply, reply.headers.get("x-served-by") or connection.peer


class _Rows:
    """Keeps the rows that are ours; counts those of a stream whose name goes on where ours ends."""

    def __init__(self, canary: HttpCanary, prefix: str, rows: list[tuple[int, str]]) -> None:
        self.others = 0
        self._canary = canary
        self._prefix = prefix
        self._rows = rows

    def take(self, row: object) -> None:
        name = row.get(self._canary.id_field) if isinstance(row, dict) else None
        if not isinstance(row, dict) or not isinstance(name, str) or not name.startswith(self._prefix):
            raise MalformedListing(f"a row without an id that begins with {self._prefix!r}: {str(row)[:80]}")
        number = name.removeprefix(self._prefix)
        if not (number.isascii() and number.isdigit()):
            self.others += 1
            return
        held = row.get(self._canary.payload_field)
        text = held if isinstance(held, str) else json.dumps(held)
        self._rows.append((int(number), sha256(text.encode("utf-8", "surrogatepass")).hexdigest()))


def _broken(connection: Connection | None, cause: str) -> Outcome:
    if connection is None or not connection.written:
        return Outcome("failed", "unconnected" if cause == "timeout" else cause)
    return Outcome("indeterminate", cause, connection.peer)
