"""The small HTTP server and client that the desk's programs talk through."""

from __future__ import annotations

import asyncio
import socket

import pytest
from calling import Caller, Unreachable

from tests.examples.conftest import Programs


def talk(port: int, sent: bytes) -> bytes:
    """All that comes back until the server closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
        line.sendall(sent)
        line.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: line.recv(65_536), b""))


def test_several_requests_on_one_connection_are_answered_in_order(programs: Programs) -> None:
    venue = programs.venue()
    body = b'{"client_order_id": "a-1"}'
    new = b"POST /orders HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    heard = talk(venue, new + b"GET /orders/a-1 HTTP/1.1\r\n\r\n" + b"GET /nowhere HTTP/1.1\r\n\r\n")
    assert [part[:3] for part in heard.split(b"HTTP/1.1 ")[1:]] == [b"201", b"200", b"404"]


def test_what_is_no_request_is_refused_and_the_connection_closed(programs: Programs) -> None:
    venue = programs.venue()
    refused = {
        b"nonsense\r\n\r\n": b"400",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n": b"400",
        b"POST /orders HTTP/1.1\r\nContent-Length: many\r\n\r\n": b"400",
        b"POST /orders HTTP/1.1\r\nContent-Length: -1\r\n\r\n": b"413",
        b"POST /orders HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n": b"413",
        b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n": b"413",
    }
    assert {sent: talk(venue, sent)[9:12] for sent in refused} == refused
    assert b" 200 " in talk(venue, b"GET /health HTTP/1.1\r\n\r\n"), "it serves others all the same"


def test_a_request_cut_short_is_not_acted_upon(programs: Programs) -> None:
    venue = programs.venue()
    assert (
        talk(venue, b'POST /orders HTTP/1.1\r\nContent-Length: 99\r\n\r\n{"client_order_id": "a-1"}') == b""
    )
    assert b" 404 " in talk(venue, b"GET /orders/a-1 HTTP/1.1\r\n\r\n")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\n{}",
        b"HTTP/1.1 201 Created\r\n\r\n{}",
        b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nnope!",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 40_000 + b"\r\n\r\n",
    ],
)
def test_half_an_answer_is_none_and_nothing_is_sent_again(answer: bytes) -> None:
    requests: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.readuntil(b"\r\n\r\n{}"))
        writer.write(answer)
        writer.close()

    async def ask() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            caller = Caller(f"127.0.0.1:{server.sockets[0].getsockname()[1]}", limit_seconds=5)
            with pytest.raises(Unreachable):
                await caller.post("/orders")

    asyncio.run(ask())
    assert len(requests) == 1


def test_silence_and_refusal_are_no_answer() -> None:
    async def ask(port: int) -> str:
        with pytest.raises(Unreachable) as caught:
            await Caller(f"127.0.0.1:{port}", limit_seconds=0.05).get("/health")
        return str(caught.value)

    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert "TimeoutError" in asyncio.run(ask(port))
    assert "Connect call failed" in asyncio.run(ask(port))
