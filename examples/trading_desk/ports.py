"""Free TCP ports on the loopback."""

from __future__ import annotations

import random
import socket
from contextlib import ExitStack
from pathlib import Path

LOWEST = 20_000
RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on. OSError when there are not enough.

    They lie below those that the kernel hands to outgoing connections: one of these could take a port
    between our looking and our listening, or while a killed server is being restarted.
    """
    chance, above = random.SystemRandom(), _first_outgoing()
    found: list[int] = []
    with ExitStack() as held:
        for _ in range(above - LOWEST):
            holder = held.enter_context(socket.socket())
            port = chance.randrange(LOWEST, above)
            try:
                holder.bind(("127.0.0.1", port))
            except OSError:
                continue
            found.append(port)
            if len(found) == count:
                return found
    raise OSError(f"no {count} free ports between {LOWEST} and {above}")


def _first_outgoing() -> int:
    try:
        return max(LOWEST + 1_000, int(RANGE.read_text().split()[0]))
    except OSError:
        return 32_768
