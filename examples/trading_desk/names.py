"""Host names, looked up once and kept until nobody answers there: a lookup may last longer than an outage."""

from __future__ import annotations

import asyncio
import ipaddress
import socket


class Names:
    """One lookup of a name at a time, whoever waits for it."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._asking: dict[str, asyncio.Task[str]] = {}

    async def number(self, host: str) -> str:
        """The address of a host in numbers. OSError when it has none."""
        if host in self._known or _is_number(host):
            return self._known.get(host, host)
        if host not in self._asking:
            asking = self._asking[host] = asyncio.create_task(_look_up(host))
            asking.add_done_callback(lambda done: self._heard(host, done))
        return await asyncio.shield(self._asking[host])

    def doubt(self, host: str) -> None:
        """Nobody answered there: whoever is next looks the name up again."""
        self._known.pop(host, None)

    def _heard(self, host: str, asked: asyncio.Task[str]) -> None:
        del self._asking[host]
        if not asked.cancelled() and asked.exception() is None:
            self._known[host] = asked.result()


async def _look_up(host: str) -> str:
    found = await asyncio.get_running_loop().getaddrinfo(
        host, None, family=socket.AF_INET, type=socket.SOCK_STREAM
    )
    return str(found[0][4][0])


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
