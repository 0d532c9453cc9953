"""One connection that says whether a request was written: the line between *failed* and *indeterminate*."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Callable

from sites.drivers.http.reply import MalformedReply, Reply
from sites.drivers.http.wire import Wire

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


class Connection:
    """One connection, one exchange at a time. `written` once a request byte may have left.

    It reads and writes the socket through the loop, with no transport between: a transport refers to
    itself, and a thousand of those a second make the collector stop everything now and then.
    """

    def __init__(self, wire: Wire, peer: str) -> None:
        self.written = False
        self.peer = peer
        self._wire = wire
        self._reply: Reply | None = None

    @property
    def idle(self) -> bool:
        """Whether the last exchange ended with a whole reply."""
        return self._reply is not None and self._reply.complete

    @property
    def reusable(self) -> bool:
        """Whether another request may be sent: the peer wants it, and has not closed meanwhile."""
        return self._reply is not None and self._reply.keeps_alive and not self.left

    @property
    def left(self) -> bool:
        """Whether the peer has closed, or says what nobody asked for."""
        try:
            self._wire.socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    async def exchange(self, request: bytes, sink: Callable[[bytes], None] | None = None) -> Reply:
        """Send and wait for the whole reply.

        Raises OSError, EOFError, MalformedReply, or what `sink` raises.
        """
        self._reply = reply = Reply(sink) if sink else Reply()
        self.written = True
        await self._wire.send(request)
        while not reply.complete:
            if data := await self._wire.receive():
                reply.feed(data)
                continue
            reply.end()
            if not reply.complete:
                raise EOFError("the peer closed the connection before its reply was whole")
        return reply

    def close(self) -> None:
        self._wire.socket.close()
