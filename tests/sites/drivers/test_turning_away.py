"""A server that lets us not in may let others in: which errors say that it lets in nobody."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from sites.capability import Outcome
from sites.drivers.postgres.client import PostgresClient
from sites.drivers.postgres.session import Login, session
from tests.sites.drivers.pairs import ADMIN_PASSWORD, LOOPBACK, PASSWORD, Pair

_SSL, _GSS = 80877103, 80877104


@asynccontextmanager
async def fake_answering(*answers: bytes) -> AsyncIterator[int]:
    """A server that gives each client the next of these answers, and the last one to all later ones."""
    left = list(answers)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            length, code = struct.unpack("!II", await reader.readexactly(8))
            await reader.readexactly(length - 8)
            if code not in {_SSL, _GSS}:
                break
            writer.write(b"N")
        writer.write(left.pop(0) if len(left) > 1 else left[0])
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(talk, LOOPBACK, 0) as server:
        yield server.sockets[0].getsockname()[1]


def fatal(code: str, said: str) -> bytes:
    fields = b"".join(each.encode() + b"\0" for each in ("SFATAL", "VFATAL", f"C{code}", f"M{said}", ""))
    return b"E" + struct.pack("!I", 4 + len(fields)) + fields


FULL = fatal("53300", "sorry, too many clients already")
STARTS, STARTET = (
    fatal("57P03", "the database system is starting up"),
    fatal("57P03", "das Datenbanksystem startet"),
)


@pytest.mark.parametrize(
    ("answers", "cause"),
    [
        ([STARTS, FULL], "turned away"),  # asked once: what it said is known
        ([fatal("57P03", "the database system is shutting down"), FULL], "turned away"),
        ([fatal("57P03", "the database system is in recovery mode"), FULL], "turned away"),
        ([fatal("57P03", "the database system is not yet accepting connections"), FULL], "turned away"),
        ([STARTET], "turned away"),
        ([STARTET, FULL], "rejected"),
        ([STARTET, b"R" + struct.pack("!II", 8, 0)], "rejected"),  # by now it lets us in
        ([STARTET, b""], "rejected"),
        ([STARTET, b"E" + struct.pack("!I", 2**31)], "rejected"),
        ([FULL], "rejected"),
        ([fatal("28P01", 'password authentication failed for user "x"')], "rejected"),
        ([fatal("3D000", "die Datenbank fehlt")], "rejected"),
    ],
)
def test_only_one_that_starts_or_stops_turns_everybody_away(answers: list[bytes], cause: str) -> None:
    async def act() -> Outcome:
        async with fake_answering(*answers) as port:
            client = PostgresClient(Login(LOOPBACK, port, "desk", "blackstart", PASSWORD), limit_seconds=5)
            return await client.write("orders", 0, b"x")

    assert asyncio.run(act()) == Outcome("failed", cause)


@pytest.mark.parametrize(
    ("addresses", "answers", "cause"),
    [
        (["127.0.0.2", LOOPBACK], [FULL], "rejected"),
        ([LOOPBACK, "127.0.0.2"], [FULL], "rejected"),
        (["127.0.0.2", LOOPBACK], [STARTS], "turned away"),
        (["127.0.0.2", "127.0.0.3"], [FULL], "refused"),
        (["127.0.0.2", "255.255.255.255"], [FULL], "unconnected"),  # there is no way to the other one
    ],
)
def test_a_name_is_refused_where_all_its_addresses_are(
    addresses: list[str], answers: list[bytes], cause: str
) -> None:
    async def act() -> Outcome:
        async def resolved(_host: str, port: int, **_: object) -> list[tuple[object, ...]]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in addresses]

        async with fake_answering(*answers) as port:
            asyncio.get_running_loop().getaddrinfo = resolved  # type: ignore[method-assign, assignment]
            client = PostgresClient(Login("db", port, "desk", "blackstart", PASSWORD), limit_seconds=5)
            return await client.write("orders", 0, b"x")

    assert asyncio.run(act()) == Outcome("failed", cause)


@pytest.mark.postgres
def test_a_real_one_that_is_full_takes_the_writes_of_others(pair: Pair) -> None:
    login = Login(LOOPBACK, pair.servers["primary"].settings.port, "desk", "blackstart", PASSWORD)
    admin = Login(LOOPBACK, login.port, "desk", "postgres", ADMIN_PASSWORD)

    async def act() -> tuple[Outcome, Outcome]:
        others = PostgresClient(login, limit_seconds=10)
        await others.prepare()
        await others.write("others", 0, b"x")  # and keeps its connection
        async with session(admin, 10) as asked:
            await asked.rows("ALTER ROLE blackstart CONNECTION LIMIT 0")
            try:
                ours = await PostgresClient(login, limit_seconds=10, pooled=False).write("ours", 0, b"x")
                return ours, await others.write("others", 1, b"x")
            finally:
                await asked.rows("ALTER ROLE blackstart CONNECTION LIMIT -1")
                await others.aclose()

    ours, others = asyncio.run(act())
    assert ours == Outcome("failed", "rejected")
    assert others.result == "acknowledged"
