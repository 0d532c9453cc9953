"""Faults of a replicated database, on a real PostgreSQL pair."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from sites.errors import DatasetError, GuardError
from sites.estate import Estate
from tests.drills.faults.injecting import check_healed, fault, inject
from tests.sites.drivers.pairs import Pair
from tests.sites.recovery.light import light_estate

pytestmark = pytest.mark.postgres
TABLE = "blackstart.canary"
ROWS = 20


@pytest.fixture
def pair(new_pair: Callable[..., Pair]) -> Pair:
    return new_pair(synchronous=False)


@pytest.fixture
def estate(pair: Pair) -> Estate:
    return light_estate(pair)


def written(pair: Pair) -> None:
    async def write() -> None:
        client = pair.dataset.client("primary", limit_seconds=10)
        await client.prepare()
        for number in range(ROWS):
            assert (await client.write("s", number, b"payload!")).result == "acknowledged"
        await client.aclose()

    asyncio.run(write())


def rows(pair: Pair, site: str) -> int | None:
    async def read() -> int | None:
        client = pair.dataset.client(site, limit_seconds=10)
        return (await client.read_back("s")).count

    try:
        return asyncio.run(read())
    except DatasetError:
        return None


@pytest.mark.cell("freeze_replica", "processes", "postgres")
def test_a_frozen_standby_gets_nothing_until_it_goes_on(pair: Pair, estate: Estate) -> None:
    written(pair)
    assert pair.dataset.wait_until_in_sync(limit_seconds=20).holds
    injected = inject(estate, kind="freeze_replica", dataset="orders")
    before = pair.dataset.replayed("dr")
    written(pair)
    assert pair.dataset.replayed("dr") == before
    check_healed(injected)
    assert pair.dataset.wait_until_in_sync(limit_seconds=20).holds
    assert pair.dataset.replayed("dr") > before


def test_a_standby_that_is_gone_cannot_be_frozen(pair: Pair, estate: Estate) -> None:
    pair.dr.kill()
    with pytest.raises(GuardError, match="cannot freeze the standby"):
        fault(estate, kind="freeze_replica", dataset="orders").ready()


@pytest.mark.cell("damage_that_replicates", "processes", "postgres")
@pytest.mark.parametrize("damage", ["rows_deleted", "table_dropped"])
def test_what_is_damaged_here_is_damaged_there_and_comes_back(
    pair: Pair, estate: Estate, damage: str
) -> None:
    """Also at the other site, after that took over: healing asks which copy takes writes now."""
    written(pair)
    assert pair.dataset.wait_until_in_sync(limit_seconds=20).holds
    injected = inject(estate, kind="damage_that_replicates", dataset="orders", damage=damage, table=TABLE)
    gone = 0 if damage == "rows_deleted" else None
    assert (rows(pair, "primary"), rows(pair, "dr")) == (gone, gone)
    pair.primary.kill()
    pair.dataset.promote("dr", limit_seconds=20)
    assert rows(pair, "dr") == gone
    check_healed(injected)
    assert rows(pair, "dr") == ROWS


def test_an_unknown_table_and_none_are_refused(estate: Estate) -> None:
    damaged = {"kind": "damage_that_replicates", "dataset": "orders", "damage": "rows_deleted"}
    with pytest.raises(DatasetError, match="does not exist"):
        fault(estate, **damaged, table="no.such").ready()
    with pytest.raises(GuardError, match="which table"):
        fault(estate, **damaged).ready()


@pytest.mark.cell("pause_site", "processes", "postgres")
def test_a_paused_primary_is_never_revived_beside_one_that_took_over(pair: Pair, estate: Estate) -> None:
    injected = inject(estate, kind="pause_site", site="primary")
    assert pair.dataset.writable("primary") is None
    pair.dataset.promote("dr", limit_seconds=20)
    healing = injected.heal()
    assert healing.undone == "reverted, fenced"
    assert pair.primary.proven_gone().holds
    assert pair.dataset.writable("dr") is True


@pytest.mark.cell("kill_service", "processes", "postgres")
def test_a_killed_database_comes_back_where_nobody_took_over(pair: Pair, estate: Estate) -> None:
    injected = inject(estate, kind="kill_service", site="primary", process="postgres")
    assert pair.dataset.writable("primary") is None
    check_healed(injected)
    pair.dataset.wait_until_answering("primary", limit_seconds=20)
    assert pair.dataset.writable("primary") is True
