"""The door passes nothing on while it is shut, and drops who is inside when it shuts."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from sites.errors import SiteError
from sites.lease.door import Door, Place
from sites.lease.keeping import keep
from sites.lease.term import Term
from tests.sites.drivers.pairs import LOOPBACK, free_port
from tests.sites.lease.witnesses import FakeWitness

Act = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Lock:
    """Whether the door is open, as the test says; and what came through it."""

    open = True

    def __init__(self) -> None:
        self.heard = b""

    async def echo(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            self.heard += data
            writer.write(data)
        writer.close()


async def try_late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send something, and hear nothing but that the door is shut."""
    writer.write(b"late")
    await is_dropped(reader)


async def is_dropped(reader: asyncio.StreamReader) -> None:
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)


async def through(lock: Lock, place: Place, act: Act) -> None:
    """Do it at a door of its own, in front of a server that echoes."""
    server = (
        await asyncio.start_unix_server(lock.echo, place.socket)
        if place.socket
        else await asyncio.start_server(lock.echo, place.host, place.port)
    )
    port = free_port()
    door = asyncio.ensure_future(Door(Place(LOOPBACK, port), place, lambda: lock.open).serve())
    while True:
        try:
            reader, writer = await asyncio.open_connection(LOOPBACK, port)
            break
        except OSError:
            await asyncio.sleep(0.01)
    await act(reader, writer)
    writer.close()
    door.cancel()
    server.close()


def places(folder: Path) -> list[Place]:
    return [Place(LOOPBACK, free_port()), Place(socket=str(folder / "socket"))]


@pytest.mark.parametrize("kind", [0, 1], ids=["tcp", "socket"])
def test_it_passes_both_ways_while_it_is_open_and_drops_who_is_inside(tmp_path: Path, kind: int) -> None:
    lock = Lock()

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"before")
        assert await reader.readexactly(6) == b"before"
        lock.open = False
        await is_dropped(reader)

    asyncio.run(asyncio.wait_for(through(lock, places(tmp_path)[kind], act), 20))
    assert lock.heard == b"before"


def test_shut_it_lets_nobody_in(tmp_path: Path) -> None:
    lock = Lock()
    lock.open = False

    asyncio.run(asyncio.wait_for(through(lock, places(tmp_path)[0], try_late), 20))
    assert lock.heard == b""


def test_the_clock_is_looked_at_after_something_was_received(tmp_path: Path) -> None:
    """The door was open when the client began to wait, and is shut when it hears of it."""
    asked: list[bool] = []

    class Shutting(Lock):
        @property
        def open(self) -> bool:  # type: ignore[override]
            asked.append(True)
            return len(asked) < 2  # open when the client came; shut by the time it sent something

    lock = Shutting()

    asyncio.run(asyncio.wait_for(through(lock, places(tmp_path)[0], try_late), 20))
    assert lock.heard == b""


def test_what_keeps_it_tells_once_of_each_change_and_ends_when_told() -> None:
    said: list[str] = []
    stop, witness = threading.Event(), FakeWitness()

    def tell(line: str) -> None:
        said.append(line)
        if "answer was lost" in line:
            stop.set()
        elif "door is open" in line:
            witness.lose = True

    term = Term(witness, "primary", "me", 0.05)
    keep(term, Place(LOOPBACK, free_port()), Place(LOOPBACK, free_port()), 0.05, tell, stop)
    assert said == ["the lease is held, and the door is open", "no lease: the answer was lost"]


def test_an_address_that_is_taken_is_told() -> None:
    async def act(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    taken = free_port()

    async def hold() -> None:
        async with await asyncio.start_server(act, LOOPBACK, taken):
            await asyncio.to_thread(clash)

    def clash() -> None:
        term = Term(FakeWitness(), "primary", "me", 1.0)
        with pytest.raises(SiteError, match="the door cannot listen"):
            keep(term, Place(LOOPBACK, taken), Place(LOOPBACK, 1), 1.0, lambda _: None, threading.Event())

    asyncio.run(hold())
