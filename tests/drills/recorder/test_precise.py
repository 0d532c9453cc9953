from __future__ import annotations

import asyncio
import socket

from drills.recorder.precise import precise_loop


def test_timers_fire_in_order_and_sockets_wake_it() -> None:
    async def both() -> list[str]:
        seen: list[str] = []
        loop = asyncio.get_running_loop()
        near, far = socket.socketpair()
        with near, far:
            near.setblocking(False)
            loop.call_later(30, seen.append, "too late")
            loop.call_later(0.0004, seen.append, "second")
            loop.call_later(0.0002, seen.append, "first")
            loop.call_later(0.001, far.send, b"x")
            seen.append((await loop.sock_recv(near, 1)).decode())
        return seen

    with asyncio.Runner(loop_factory=precise_loop) as runner:
        assert runner.run(both()) == ["first", "second", "x"]
