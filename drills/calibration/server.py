"""`python -m drills.calibration.server SOCKET`: an order service that goes wrong exactly as it is told.

It speaks just enough HTTP for the recorder's client. Commands come as JSON, one a line, over the unix
socket; an outage is answered when it has begun and again when it is over. Its stamps are of the monotonic
clock, which all processes of a machine share.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import sys
import time
from collections.abc import Callable
from typing import Any, Final, cast
from urllib.parse import parse_qs, urlsplit

_RESET: Final = struct.pack("ii", 1, 0)
_SPIN_NS: Final = 2_000_000
_LONELY_SECONDS: Final = 20.0
_FEEL_NS: Final = 5_000_000
_STILL_NS: Final = 10_000_000  # shorter ones are the machine's everyday


class Orders:
    """What the service holds, and which of the writes it took went wrong on purpose."""

    def __init__(self) -> None:
        self.rows: dict[str, list[str]] = {}
        self.planted: dict[str, list[str]] = {}
        self._next: dict[str, int] = {}
        self._stream = ""

    def plant(self, way: str, count: int, stream: str) -> None:
        """Let the next `count` operations of that stream that can go wrong in this way do so."""
        self._next[way] = self._next.get(way, 0) + count
        self._stream = stream

    @property
    def waiting(self) -> int:
        """How many are still to go wrong."""
        return sum(self._next.values())

    def write(self, name: str, payload: str) -> None:
        way = self._due(name, ("lost", "lost_after", "duplicated", "corrupt"))
        held = {
            "lost": [],
            "lost_after": [],
            "duplicated": [payload, payload],
            "corrupt": [payload[::-1] + "x"],
        }
        self.rows[name] = held.get(way, [payload])

    def delete(self, name: str) -> None:
        spoiled = [names for names in self.planted.values() if name in names]
        if not spoiled and self._due(name, ("resurrected",)) != "":
            return
        self.rows.pop(name, None)
        for names in spoiled:  # what is deleted can be lost, doubled or corrupt no more
            names.remove(name)

    def _due(self, name: str, ways: tuple[str, ...]) -> str:
        if not self._stream or f"-{self._stream}-" not in name:
            return ""
        way = next((way for way in ways if self._next.get(way)), "")
        if way:
            self._next[way] -= 1
            self.planted.setdefault(way, []).append(name)
        return way

    def listing(self, prefix: str) -> bytes:
        found = [
            {"client_order_id": name, "payload": payload}
            for name, held in self.rows.items()
            if name.startswith(prefix)
            for payload in held
        ]
        return json.dumps({"orders": found, "count": len(found), "end": True}).encode()


class Service:
    """The listening side. `mode` is serve, or the kind of outage that is on."""

    def __init__(self) -> None:
        self.orders = Orders()
        self.mode = "serve"
        self.port = 0
        self.attended = False
        self.held_up: list[tuple[int, int]] = []
        self.talks: set[Talk] = set()
        self._listener: asyncio.Server | None = None

    async def listen(self) -> None:
        self._listener = await asyncio.get_running_loop().create_server(
            lambda: Talk(self), "127.0.0.1", self.port, backlog=4096, reuse_address=True
        )
        self.port = self._listener.sockets[0].getsockname()[1]

    async def outage(self, kind: str, length_ns: int, begun: Callable[[], None]) -> dict[str, list[int]]:
        """Go out of service for so long. `begun` is called as soon as nothing is served any more."""
        before = time.monotonic_ns()
        self.mode, self.held_up = kind, []
        if kind == "refuse":
            await self._refuse()
        after = time.monotonic_ns()
        begun()
        await _sleep_until(after + length_ns)
        ending = time.monotonic_ns()
        self.mode = "serve"
        if kind == "refuse":
            await self.listen()
        for talk in list(self.talks):
            talk.resume()
        return {"begun_ns": [before, after], "ended_ns": [ending, time.monotonic_ns()]}

    async def _refuse(self) -> None:
        if self._listener is not None:
            self._listener.close()
        for talk in list(self.talks):
            talk.reset()
        await asyncio.sleep(0)


class Talk(asyncio.Protocol):
    """One connection, one request."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._transport: asyncio.Transport
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._service.talks.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's own words
        self._service.talks.discard(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self.resume()

    def resume(self) -> None:
        """Answer what has arrived, as the service's mode has it."""
        if self._service.mode == "hang" or not self._whole():
            return
        if self._service.mode != "serve":
            self.reset()
            return
        head, _, body = self._buffer.partition(b"\r\n\r\n")
        self._buffer = b""
        method, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        self._reply(*self._answer(method, target, body))

    def reset(self) -> None:
        held: socket.socket | None = self._transport.get_extra_info("socket")
        if held is not None:
            with contextlib.suppress(OSError):  # it may be closed already
                held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._transport.abort()

    def _whole(self) -> bool:
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").lower().split("\r\n")[1:]
        lengths = [line.partition(":")[2] for line in lines if line.startswith("content-length:")]
        return bool(found) and len(body) >= int(lengths[0] if lengths else 0)

    def _answer(self, method: str, target: str, body: bytes) -> tuple[str, bytes]:
        orders = self._service.orders
        if method == "POST":
            order: dict[str, str] = json.loads(body)
            orders.write(order["client_order_id"], order["payload"])
            return "201 Created", b"{}"
        if method == "DELETE":
            orders.delete(target.rsplit("/", 1)[-1])
            return "200 OK", b"{}"
        return "200 OK", orders.listing(parse_qs(urlsplit(target).query).get("prefix", [""])[0])

    def _reply(self, status: str, body: bytes) -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        self._transport.write(head.encode() + body)
        self._transport.close()


async def _sleep_until(due_ns: int) -> None:
    """Asleep for most of it, awake for the end: a sleep alone is a millisecond late."""
    while (left := due_ns - time.monotonic_ns()) > _SPIN_NS:
        await asyncio.sleep((left - _SPIN_NS) / 1e9)
    while time.monotonic_ns() < due_ns:
        await asyncio.sleep(0)


async def serve(control: str) -> None:
    """Serve for as long as whoever started us is there to tell us what to do."""
    service, over = Service(), asyncio.Event()
    await service.listen()

    async def attend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def say(answer: dict[str, Any]) -> None:
            writer.write(json.dumps(answer).encode() + b"\n")

        try:
            say({"port": service.port})
            while line := await reader.readline():
                await _obey(service, json.loads(line), say)
        finally:
            writer.close()
            over.set()

    feeling = asyncio.create_task(_feel(service))
    async with await asyncio.start_unix_server(attend, control):
        asyncio.get_running_loop().call_later(_LONELY_SECONDS, _leave_if_alone, service, over)
        await over.wait()
    feeling.cancel()


async def _feel(service: Service) -> None:
    """Keep the stretches in which this loop stood still: then answers were late, and nobody planted that."""
    while True:
        due_ns = time.monotonic_ns() + _FEEL_NS
        await asyncio.sleep(_FEEL_NS / 1e9)
        if (now_ns := time.monotonic_ns()) - due_ns > _STILL_NS:
            service.held_up.append((due_ns, now_ns))


def _leave_if_alone(service: Service, over: asyncio.Event) -> None:
    if not service.attended:
        over.set()


async def _obey(service: Service, command: dict[str, Any], say: Callable[[dict[str, Any]], None]) -> None:
    service.attended = True
    match command:
        case {"do": "outage", "kind": str(kind), "length_ns": int(length_ns)}:
            say(await service.outage(kind, length_ns, lambda: say({"begun": True})))
        case {"do": "plant", "way": str(way), "count": int(count), "stream": str(stream)}:
            service.orders.plant(way, count, stream)
            say({"ok": True})
        case {"ask": "planted"}:
            orders = service.orders
            say(
                {
                    "waiting": orders.waiting,
                    "planted": orders.planted,
                    "held_up": service.held_up,
                }
            )
        case _:
            say({"error": f"not a command: {command}"})


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
