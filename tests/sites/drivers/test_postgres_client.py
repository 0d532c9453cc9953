"""A canary's writes to a real synchronous pair: what may be called acknowledged, and what may not."""

from __future__ import annotations

import asyncio
import hashlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from sites.capability import Outcome, ReadBack
from sites.drivers.postgres import client as client_module
from sites.drivers.postgres.client import PostgresClient
from sites.drivers.postgres.receiver import freeze_receiver, thaw_receiver
from sites.drivers.postgres.session import Login, session
from sites.errors import DatasetError
from tests.sites.drivers.pairs import ADMIN_PASSWORD, LOOPBACK, PASSWORD, Pair, free_port

pytestmark = pytest.mark.postgres


@asynccontextmanager
async def client_of(pair: Pair, limit_seconds: float = 10) -> AsyncIterator[PostgresClient]:
    client = pair.dataset.client("primary", limit_seconds=limit_seconds)
    await client.prepare()
    yield client
    await client.aclose()


@asynccontextmanager
async def frozen_receiver(pair: Pair) -> AsyncIterator[None]:
    receiver = await asyncio.to_thread(pair.dataset.receiver_pid, "dr")
    assert receiver is not None
    freeze_receiver(pair.dr, receiver)
    try:
        yield
    finally:
        thaw_receiver(pair.dr, receiver)


async def cancel_whoever_waits(pair: Pair) -> None:
    """What an impatient administrator, or a driver with a time-out, does to a commit."""
    login = Login(LOOPBACK, pair.servers["primary"].settings.port, "desk", "postgres", ADMIN_PASSWORD)
    async with session(login, 10) as admin:
        waiting = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        while not await admin.rows(waiting):
            await asyncio.sleep(0.01)


def elsewhere(port: int, limit_seconds: float = 0.2) -> PostgresClient:
    return PostgresClient(Login(LOOPBACK, port, "desk", "blackstart", PASSWORD), limit_seconds=limit_seconds)


def sha(payload: bytes) -> str:
    return hashlib.sha256(payload).hexdigest()


def test_what_was_committed_is_acknowledged_and_read_back(pair: Pair) -> None:
    address = f"{LOOPBACK}:{pair.servers['primary'].settings.port}"

    async def act() -> tuple[list[Outcome], Outcome, ReadBack]:
        async with client_of(pair) as client:
            writes = [await client.write("plain", number, b"payload %d" % number) for number in (0, 1, 2)]
            return writes, await client.delete("plain", 1), await client.read_back("plain")

    writes, deleted, back = asyncio.run(act())

    assert {*writes, deleted} == {Outcome("acknowledged", "committed", address)}
    assert back == ReadBack([(0, sha(b"payload 0")), (2, sha(b"payload 2"))], 2, end=True, address=address)


def test_a_row_that_is_there_twice_is_read_twice(pair: Pair) -> None:
    async def act() -> ReadBack:
        async with client_of(pair) as client:
            await client.write("twice", 7, b"same")
            await client.write("twice", 7, b"same")
            return await client.read_back("twice")

    assert asyncio.run(act()).rows == [(7, sha(b"same"))] * 2


def test_many_writes_at_once_share_few_connections(pair: Pair) -> None:
    async def act() -> tuple[set[str], ReadBack]:
        async with client_of(pair) as client:
            outcomes = await asyncio.gather(*(client.write("many", n, b"x") for n in range(300)))
            return {outcome.result for outcome in outcomes}, await client.read_back("many")

    results, back = asyncio.run(act())

    assert results == {"acknowledged"}
    assert [number for number, _ in back.rows] == list(range(300))


def test_a_cancelled_wait_for_the_standby_is_not_acknowledged(pair: Pair) -> None:
    async def act() -> tuple[Outcome, Outcome]:
        async with client_of(pair) as client, frozen_receiver(pair):
            write = asyncio.create_task(client.write("cancelled", 0, b"x"))
            await cancel_whoever_waits(pair)
            cancelled = await write
        async with client_of(pair) as client:
            return cancelled, await client.write("cancelled", 1, b"x")

    cancelled, after = asyncio.run(act())

    assert (cancelled.result, cancelled.cause) == ("indeterminate", "warned")
    assert after.result == "acknowledged"


def test_a_write_that_runs_out_of_time_is_hung_up_on_and_not_cancelled(pair: Pair) -> None:
    before = pair.log("primary").count("canceling")

    async def act() -> tuple[Outcome, ReadBack]:
        async with client_of(pair, limit_seconds=0.2) as client, frozen_receiver(pair):
            outcome = await client.write("timeout", 0, b"x")
        async with client_of(pair) as client:
            while not (back := await client.read_back("timeout")).rows:
                await asyncio.sleep(0.01)
            return outcome, back

    outcome, back = asyncio.run(act())

    assert (outcome.result, outcome.cause) == ("indeterminate", "timeout")
    assert back.rows == [(0, sha(b"x"))]
    assert pair.log("primary").count("canceling") == before


def test_a_connection_that_died_at_rest_is_replaced_unnoticed(pair: Pair) -> None:
    login = Login(LOOPBACK, pair.servers["primary"].settings.port, "desk", "postgres", ADMIN_PASSWORD)

    async def act() -> list[str]:
        async with client_of(pair) as client:
            first = await client.write("rest", 0, b"x")
            async with session(login, 10) as admin:
                ours = "FROM pg_stat_activity WHERE usename = 'blackstart'"
                await admin.rows(f"SELECT pg_terminate_backend(pid, 5000) {ours}")
            return [first.result, (await client.write("rest", 1, b"x")).result]

    assert asyncio.run(act()) == ["acknowledged", "acknowledged"]


def test_a_server_that_ends_in_the_middle_leaves_the_write_indeterminate(pair: Pair) -> None:
    login = Login(LOOPBACK, pair.servers["primary"].settings.port, "desk", "postgres", ADMIN_PASSWORD)

    async def act() -> Outcome:
        async with client_of(pair) as client, frozen_receiver(pair):
            write = asyncio.create_task(client.write("ended", 0, b"x"))
            async with session(login, 10) as admin:
                end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
                while not await admin.rows(end):
                    await asyncio.sleep(0.01)
            return await write

    assert asyncio.run(act()).result == "indeterminate"


def test_what_was_refused_before_it_was_sent_has_failed() -> None:
    outcome = asyncio.run(elsewhere(free_port()).write("refused", 0, b"x"))

    assert outcome == Outcome("failed", "refused")


def test_without_a_connection_nothing_was_sent() -> None:
    with socket.create_server((LOOPBACK, 0)) as mute:
        outcome = asyncio.run(elsewhere(mute.getsockname()[1]).write("mute", 0, b"x"))

    assert outcome == Outcome("failed", "unconnected")


def test_an_error_in_answer_to_the_write_has_failed(pair: Pair) -> None:
    async def act() -> tuple[Outcome, Outcome]:
        async with client_of(pair):
            standby = pair.dataset.client("dr", limit_seconds=10)
            outcome = await standby.write("standby", 0, b"x")
            again = await standby.write("standby", 1, b"x")
            await standby.aclose()
            return outcome, again

    refused = Outcome("failed", "25006", f"{LOOPBACK}:{pair.servers['dr'].settings.port}")
    assert asyncio.run(act()) == (refused, refused), "who refused names itself, as for an acknowledgement"


def test_who_refused_and_then_fell_silent_has_refused_all_the_same(pair: Pair) -> None:
    """The name is asked for afterwards, and never waited for beyond the operation's own limit."""

    async def act() -> Outcome:
        async with client_of(pair):
            standby = pair.dataset.client("dr", limit_seconds=10)
            await standby.write("standby", 0, b"x")
            return await standby.write("standby", 1, b"x")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(client_module, "_SERVER", "SELECT pg_sleep(60)::text")
        patched.setattr(client_module, "NAMING_SECONDS_MAX", 0.05)
        assert asyncio.run(act()) == Outcome("failed", "25006", None)


def test_more_operations_than_connections_wait_and_then_have_failed() -> None:
    async def act() -> list[Outcome]:
        with socket.create_server((LOOPBACK, 0), backlog=16) as mute:
            login = Login(LOOPBACK, mute.getsockname()[1], "desk", "blackstart", PASSWORD)
            client = PostgresClient(login, limit_seconds=0.2, connections_max=2)
            return await asyncio.gather(*(client.write("full", n, b"x") for n in range(4)))

    assert asyncio.run(act()) == [Outcome("failed", "unconnected")] * 4


def test_a_reading_that_cannot_be_had_is_an_error() -> None:
    with pytest.raises(DatasetError, match="refused"):
        asyncio.run(elsewhere(free_port()).read_back("nowhere"))
    with pytest.raises(DatasetError, match="refused"):
        asyncio.run(elsewhere(free_port()).prepare())
