"""A canary with several servers in its address finds the one that takes writes, whatever the others do."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

import pytest

from sites.capability import Outcome
from sites.drivers.postgres.canary import PostgresCanary
from sites.drivers.postgres.client import PostgresClient
from sites.drivers.postgres.session import Login, session
from sites.secret import Secret
from tests.sites.drivers.pairs import ADMIN_PASSWORD, LOOPBACK, PASSWORD, Pair, free_port

pytestmark = pytest.mark.postgres


Opened = Callable[..., PostgresClient]


def address(pair: Pair, site: str) -> str:
    return f"{LOOPBACK}:{pair.servers[site].settings.port}"


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Opened:
    monkeypatch.setenv("PG_OF_TEST", PASSWORD)

    def client(*addresses: str, limit_seconds: float = 5.0, pooled: bool = False) -> PostgresClient:
        told = PostgresCanary(addresses, "desk", "blackstart", Secret(env="PG_OF_TEST"), pooled)
        return told.open(run="a run", limit_seconds=limit_seconds)

    return client


def written(client: PostgresClient, numbers: range = range(1)) -> list[Outcome]:
    async def act() -> list[Outcome]:
        try:
            return [await client.write("orders", number, b"payload") for number in numbers]
        finally:
            await client.aclose()

    return asyncio.run(act())


def test_a_server_that_is_gone_or_a_standby_is_passed_over(pair: Pair, opened: Opened) -> None:
    asyncio.run(opened(address(pair, "dr"), address(pair, "primary")).prepare())
    nobody = f"{LOOPBACK}:{free_port()}"
    (found,) = written(opened(nobody, address(pair, "dr"), address(pair, "primary")))
    assert found == Outcome("acknowledged", "committed", address(pair, "primary"))


def test_where_none_takes_writes_it_provably_failed(pair: Pair, opened: Opened) -> None:
    nobody = f"{LOOPBACK}:{free_port()}"
    (found,) = written(opened(address(pair, "dr"), nobody))
    assert found == Outcome("failed", "refused")


def test_a_stopped_server_costs_its_share_of_the_time_and_no_more(
    new_pair: Callable[..., Pair], opened: Opened
) -> None:
    pair = new_pair(synchronous=False)
    asyncio.run(opened(address(pair, "primary")).prepare())
    pair.dr.signal(_inner(pair), signal.SIGSTOP)
    (found,) = written(opened(address(pair, "dr"), address(pair, "primary"), limit_seconds=1.0))
    assert found.result == "acknowledged"


def _inner(pair: Pair) -> int:
    """The postmaster's number inside its site, as its own file says."""
    return int((pair.servers["dr"].data / "postmaster.pid").read_text().splitlines()[0])


def test_fresh_connections_are_each_their_own(pair: Pair, opened: Opened) -> None:
    asyncio.run(opened(address(pair, "primary")).prepare())

    async def backends(pooled: bool) -> int:
        client = opened(address(pair, "primary"), pooled=pooled)
        try:
            seen = set()
            for number in range(4):
                await client.write("backends", number, b"x")
                seen |= {line.session.connection.info.backend_pid for line in client._idle}
            return len(seen)
        finally:
            await client.aclose()

    assert asyncio.run(backends(pooled=True)) == 1
    assert asyncio.run(backends(pooled=False)) == 0


def test_a_delete_that_finds_nothing_was_not_executed(pair: Pair, opened: Opened) -> None:
    client = opened(address(pair, "primary"))

    async def act() -> Outcome:
        await client.prepare()
        return await client.delete("orders", 77)

    assert asyncio.run(act()) == Outcome("failed", "absent")


def test_a_pooled_connection_to_a_server_that_turned_read_only_is_given_up(
    new_pair: Callable[..., Pair], opened: Opened
) -> None:
    pair = new_pair(synchronous=False)
    port = pair.servers["primary"].settings.port
    client = opened(address(pair, "primary"), pooled=True)

    async def act() -> tuple[Outcome, Outcome, int]:
        await client.prepare()
        before = await client.write("orders", 0, b"x")
        login = Login(LOOPBACK, port, "desk", "postgres", ADMIN_PASSWORD)
        async with session(login, 10) as admin:
            await admin.rows("ALTER SYSTEM SET default_transaction_read_only = on")
            await admin.rows("SELECT pg_reload_conf()")
            while await admin.value("SHOW default_transaction_read_only") != "on":
                await asyncio.sleep(0.01)
        after = before
        for number in range(1, 200):  # its own session hears of it a moment later
            after = await client.write("orders", number, b"x")
            if after.result != "acknowledged":
                break
        return before, after, len(client._idle)

    before, after, kept = asyncio.run(act())
    refused = Outcome("failed", "25006", before.address)
    assert (before.result, after, kept) == ("acknowledged", refused, 0)
