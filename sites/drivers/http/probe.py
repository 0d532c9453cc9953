"""A probe of an HTTP endpoint that nothing is written to: does anybody there answer?"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Literal

from sites.capability import Outcome
from sites.drivers.http.address import Address
from sites.drivers.http.connection import Connection, cause_of
from sites.drivers.http.connections import Connections


@dataclass(frozen=True, slots=True)
class HttpControl:
    """An endpoint that is no part of what is drilled."""

    url: str
    kind: Literal["control"] = "control"


class HttpProbe:
    """Implements `sites.capability.Probe`. Any whole reply will do: the way there and back works."""

    def __init__(self, control: HttpControl, *, limit_seconds: float) -> None:
        self._limit_seconds = limit_seconds
        address = Address.of(control.url)
        self._connections = Connections(address, pooled=False)
        path = address.path or "/"
        head = f"GET {path} HTTP/1.1\r\nHost: {address.authority}\r\nConnection: close\r\n\r\n"
        self._request = head.encode()

    async def read(self, stream: str, number: int) -> Outcome:  # noqa: ARG002 - the protocol's own words
        """Ask once. Never raises for what the endpoint or the network does."""
        connection: Connection | None = None
        try:
            async with asyncio.timeout(self._limit_seconds):
                connection = await self._connections.take()
                reply = await connection.exchange(self._request)
        except (OSError, EOFError, ValueError) as error:
            sent = connection is not None and connection.written
            return Outcome("indeterminate" if sent else "failed", cause_of(error))
        finally:
            self._connections.settle(connection)
        return Outcome("acknowledged", str(reply.status), connection.peer)

    async def aclose(self) -> None:
        self._connections.close()
