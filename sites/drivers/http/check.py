"""One look at a service from outside, synchronous and bounded: what detection is made of."""

from __future__ import annotations

import socket
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from sites.drivers.http.address import Address
from sites.drivers.http.connection import cause_of
from sites.drivers.http.reply import Reply

Sign = Literal["good", "bad", "refused", "silent"]
_SIGNS: dict[str, Sign] = {"refused": "refused", "reset": "refused", "eof": "refused"}
_RESOLVERS = ThreadPoolExecutor(4, thread_name_prefix="resolve")


@dataclass(frozen=True, slots=True)
class Check:
    """What one look saw.

    good: a 2xx. bad: any other reply, or none that is HTTP. refused: something at that address said
    no, by refusing or by breaking the connection. silent: nothing was heard, for want of time, route
    or name: it may live on and be out of reach.
    """

    sign: Sign
    cause: str
    seconds: float


def check(url: str, limit_seconds: float) -> Check:
    """GET `url` within `limit_seconds`, all included. Raises ValueError for what is no URL, nothing else."""
    address = Address.of(url)
    begun = time.monotonic()
    try:
        status = _status(address, begun + limit_seconds)
    except (OSError, EOFError, ValueError) as error:
        cause = cause_of(error)
        sign = "bad" if cause in {"malformed", "tls"} else _SIGNS.get(cause, "silent")
    else:
        sign, cause = "good" if 200 <= status < 300 else "bad", str(status)
    return Check(sign, cause, time.monotonic() - begun)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("the time limit is over")
    return left


def _status(address: Address, deadline: float) -> int:
    request = f"GET {address.path or '/'} HTTP/1.1\r\nHost: {address.authority}\r\nConnection: close\r\n\r\n"
    reply = Reply()
    with _connect(address, deadline) as peer:
        peer.settimeout(_left(deadline))
        peer.sendall(request.encode())
        while not reply.complete:
            peer.settimeout(_left(deadline))
            data = peer.recv(65536)
            if data:
                reply.feed(data)
                continue
            reply.end()
            if not reply.complete:
                raise EOFError("the peer closed the connection before its reply was whole")
    return reply.status


def _connect(address: Address, deadline: float) -> socket.socket:
    problem: OSError = socket.gaierror(socket.EAI_NONAME, "no address")
    for host in _hosts(address, deadline):
        try:
            peer = socket.create_connection((host, address.port), timeout=_left(deadline))
        except OSError as error:
            problem = error
            continue
        return _secured(peer, address, deadline) if address.secure else peer
    raise problem


def _secured(peer: socket.socket, address: Address, deadline: float) -> socket.socket:
    try:
        peer.settimeout(_left(deadline))
        return ssl.create_default_context().wrap_socket(peer, server_hostname=address.host)
    except BaseException:
        peer.close()
        raise


def _hosts(address: Address, deadline: float) -> list[str]:
    """Numeric addresses. A resolver takes as long as it likes, so it is asked on the side."""
    if address.numeric():
        return [address.host]
    asked = _RESOLVERS.submit(socket.getaddrinfo, address.host, address.port, type=socket.SOCK_STREAM)
    return [str(where[0]) for *_, where in asked.result(_left(deadline))]
