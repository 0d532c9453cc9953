"""One connection that says whether a request was written: the line between *failed* and *indeterminate*."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable
from typing import cast

from sites.drivers.http_reply import MalformedReply, Reply

_OURS = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL}


def cause_of(error: Exception) -> str:
    """One short, stable word for why a connection was not made or did not last."""
    match error:
        case ConnectionRefusedError():
            return "refused"
        case ssl.SSLError():
            return "tls"
        case socket.gaierror():
            return "unresolved"
        case ConnectionResetError() | BrokenPipeError():
            return "reset"
        case EOFError():
            return "eof"
        case MalformedReply():
            return "malformed"
        case TimeoutError():
            return "timeout"
        case OSError() if error.errno in _OURS:
            return "local"  # this machine ran out of ports, files or memory
        case _:
            return "unreachable"


class Connection(asyncio.Protocol):
    """One connection, one exchange at a time. `written` once a request byte may have left."""

    def __init__(self) -> None:
        self.written = False
        self.open = False
        self.peer: str | None = None
        self._transport: asyncio.Transport | None = None
        self._reply: Reply | None = None
        self._done: asyncio.Future[Reply] | None = None

    @property
    def idle(self) -> bool:
        """Whether the last exchange ended with a whole reply."""
        return self._reply is not None and self._reply.complete

    @property
    def reusable(self) -> bool:
        return self._reply is not None and self._reply.keeps_alive

    async def exchange(self, request: bytes, sink: Callable[[bytes], None] | None = None) -> Reply:
        """Send and wait for the whole reply.

        Raises OSError, EOFError, MalformedReply, or what `sink` raises.
        """
        if not self.open or self._transport is None:
            raise EOFError("the peer closed the connection")
        self._reply = Reply(sink) if sink else Reply()
        self._done = asyncio.get_running_loop().create_future()
        self.written = True
        self._transport.write(request)
        return await self._done

    def close(self) -> None:
        self.open = False
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close without waiting for what the kernel still holds."""
        self.open = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.open = True
        name = transport.get_extra_info("peername")
        self.peer = f"{name[0]}:{name[1]}" if name else None

    def data_received(self, data: bytes) -> None:
        if self._reply is None or self._done is None or self._done.done():
            self.close()  # nobody asked: this connection cannot be trusted with another request
            return
        try:
            self._reply.feed(data)
        except Exception as error:  # noqa: BLE001 - the exchange raises it where it is awaited
            self._fail(error)
            self.close()
            return
        if self._reply.complete:
            self._done.set_result(self._reply)

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False
        if self._reply is not None and self._done is not None and not self._done.done():
            self._reply.end()
            if exc is None and self._reply.complete:
                self._done.set_result(self._reply)
            else:
                self._fail(exc or EOFError("the peer closed the connection before its reply was whole"))

    def _fail(self, error: Exception) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_exception(error)
