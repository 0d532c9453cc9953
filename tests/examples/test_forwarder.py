"""The public endpoint: it goes where the file says, and never answers with silence what was refused."""

from __future__ import annotations

import asyncio
import secrets
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from forwarder import ClientEnd, Forwarder, Target
from ports import free_ports

from tests.examples.conftest import Programs, call
from tests.sites.drivers.waiting import wait_until


class Endpoint:
    def __init__(self, port: int, target: Path) -> None:
        self.port, self.target = port, target

    def point_to(self, port: int) -> None:
        new = self.target.with_name("new")
        new.write_text(f"127.0.0.1:{port}\n")
        new.replace(self.target)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=5)

    def refuses(self) -> bool:
        """Whether a connection is reset: neither an answer nor an orderly end, and no time-out."""
        try:
            with self.connect() as line:
                line.sendall(b"x")
                return line.recv(1) == b"never"
        except (ConnectionResetError, BrokenPipeError):
            return True


@pytest.fixture
def endpoint(programs: Programs, tmp_path: Path) -> Endpoint:
    target = tmp_path / "endpoint"
    return Endpoint(programs.start("forwarder", "--target", target, port=free_ports(1)[0]), target)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        made.settimeout(5)
        yield made


def through(endpoint: Endpoint, listener: socket.socket) -> tuple[socket.socket, socket.socket]:
    """A connection of a client, and what the target got of it."""
    endpoint.point_to(listener.getsockname()[1])
    listener.settimeout(0.1)
    found: list[socket.socket] = []

    def one_goes_through() -> bool:
        token = secrets.token_bytes(9)
        try:
            line = endpoint.connect()
            line.sendall(token)
            while True:  # an attempt given up before may be first in the queue
                peer = listener.accept()[0]
                peer.settimeout(5)
                if peer.recv(9) == token:
                    found[:] = line, peer
                    return True
        except OSError:  # it has not followed the file yet
            return False

    wait_until("one goes through", one_goes_through)
    return found[0], found[1]


def served_here(endpoint: Endpoint, venue: int, name: str) -> bool:
    try:
        call(endpoint.port, "POST", "/orders", {"client_order_id": name})
    except OSError:
        return False
    return call(venue, "GET", f"/orders/{name}").status == 200


def test_it_forwards_to_the_address_in_the_file_and_follows_it(
    programs: Programs, endpoint: Endpoint
) -> None:
    first, second = programs.venue(), programs.venue()
    endpoint.point_to(first)
    wait_until("the first is reached", lambda: served_here(endpoint, first, "a-1"))
    endpoint.point_to(second)
    wait_until("the second is reached", lambda: served_here(endpoint, second, "a-2"))
    assert call(first, "GET", "/orders/a-2").status in (200, 404)
    assert served_here(endpoint, second, "a-3")
    assert call(first, "GET", "/orders/a-3").status == 404


def test_connections_to_the_old_target_are_reset(endpoint: Endpoint, listener: socket.socket) -> None:
    line, peer = through(endpoint, listener)
    with line, peer:
        line.sendall(b"a question")
        assert peer.recv(10) == b"a question"
        endpoint.point_to(free_ports(1)[0])
        with pytest.raises(ConnectionResetError):
            line.recv(1)
        with pytest.raises(ConnectionResetError):
            peer.recv(1)


def test_a_target_that_refuses_is_told_at_once(endpoint: Endpoint) -> None:
    assert endpoint.refuses(), "no file yet"
    endpoint.point_to(free_ports(1)[0])
    assert endpoint.refuses()


def test_nonsense_in_the_file_changes_nothing(programs: Programs, endpoint: Endpoint) -> None:
    venue = programs.venue()
    endpoint.point_to(venue)
    wait_until("it is reached", lambda: served_here(endpoint, venue, "a-1"))
    endpoint.target.write_text("nonsense")
    assert served_here(endpoint, venue, "a-2")
    endpoint.target.unlink()
    assert served_here(endpoint, venue, "a-3")


def test_both_ends_get_all_that_was_sent(endpoint: Endpoint, listener: socket.socket) -> None:
    line, peer = through(endpoint, listener)
    question, reply = b"q" * 3_000_000, b"r" * 5_000_000
    heard = bytearray()

    def answer() -> None:
        while piece := peer.recv(1 << 20):
            heard.extend(piece)
        peer.sendall(reply)
        peer.close()

    answering = threading.Thread(target=answer)
    answering.start()
    with line:
        line.sendall(question)
        line.shutdown(socket.SHUT_WR)  # the client has said all, and still gets the answer
        answered = b"".join(iter(lambda: line.recv(1 << 20), b""))
    answering.join()
    assert (bytes(heard), answered) == (question, reply)


class Told(asyncio.Transport):
    """A client's connection of which only what is asked of it counts."""

    def __init__(self) -> None:
        super().__init__()
        self.paused = False

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def close(self) -> None:
        """Whoever closes it has had all it wanted."""


def test_what_a_client_says_before_its_target_is_found_is_passed_on(
    tmp_path: Path, listener: socket.socket
) -> None:
    """Older Pythons read from a connection at once, whoever asked them not to."""
    (tmp_path / "target").write_text(f"127.0.0.1:{listener.getsockname()[1]}")

    async def speak_early() -> bool:
        end, transport = ClientEnd(Forwarder(Target(tmp_path / "target"))), Told()
        end.connection_made(transport)
        end.data_received(b"first ")
        assert transport.paused
        end.eof_received()
        assert end.connecting is not None
        await end.connecting
        return transport.paused

    async def both() -> tuple[bool, bytes]:
        def hear() -> bytes:
            line, _ = listener.accept()
            with line:
                line.settimeout(5)
                return line.makefile("rb").read()

        heard = asyncio.create_task(asyncio.to_thread(hear))
        return await speak_early(), await heard

    assert asyncio.run(both()) == (False, b"first ")
