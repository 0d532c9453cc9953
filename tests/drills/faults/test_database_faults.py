"""Faults of a replicated database, on a real PostgreSQL pair."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sites.drivers import command
from sites.drivers.postgres.session import session
from sites.errors import DatasetError, GuardError
from sites.estate import Estate
from tests.drills.faults.injecting import check_healed, fault, inject
from tests.drills.faults.volumes import mounted, no_mount
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


def told(pair: Pair, statement: str) -> list[tuple[object, ...]]:
    async def tell() -> list[tuple[object, ...]]:
        async with session(pair.dataset.login("primary"), 10) as opened:
            return await opened.rows(statement.encode())

    return asyncio.run(tell())


BESIDE = {
    "rows of book.legs go with its own": [
        "CREATE TABLE book.legs (parent int REFERENCES book.trades ON DELETE CASCADE)"
    ],
    "trigger audited fires": [
        "CREATE FUNCTION book.noted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'",
        "CREATE TRIGGER audited AFTER DELETE ON book.trades FOR EACH ROW EXECUTE FUNCTION book.noted()",
    ],
    "rule kept applies": ["CREATE RULE kept AS ON DELETE TO book.trades DO INSTEAD NOTHING"],
    "rows of book.old_trades are among its own": ["CREATE TABLE book.old_trades () INHERITS (book.trades)"],
}


def test_rows_whose_loss_no_undo_takes_back_are_not_deleted(pair: Pair, estate: Estate) -> None:
    """What goes with them, as by a cascade, is kept nowhere."""
    damage = {
        "kind": "damage_that_replicates",
        "dataset": "orders",
        "damage": "rows_deleted",
        "table": "book.trades",
    }
    told(pair, "CREATE SCHEMA book")
    told(pair, "CREATE TABLE book.trades (id int PRIMARY KEY)")
    told(pair, "INSERT INTO book.trades SELECT generate_series(1, 5)")
    assert fault(estate, **damage).ready()
    for said, made in BESIDE.items():
        for statement in made:
            told(pair, statement)
        with pytest.raises(GuardError, match="could not be put back as it was") as refused:
            fault(estate, **damage).ready()
        assert said in str(refused.value)
    assert told(pair, "SELECT count(*) FROM book.trades") == [(5,)]
    assert fault(estate, **damage | {"damage": "table_dropped"}).ready(), (
        "hidden whole, it takes nothing along"
    )


@pytest.mark.parametrize("damage", ["rows_deleted", "table_dropped"])
def test_rows_come_back_with_what_the_server_makes_of_them(pair: Pair, estate: Estate, damage: str) -> None:
    """Identities as they were, generated columns made anew, and no schema of ours stays."""
    told(pair, "CREATE SCHEMA book")
    told(
        pair,
        "CREATE TABLE book.trades (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, price int, gone int,"
        ' "Total" int GENERATED ALWAYS AS (price * 2) STORED)',
    )
    told(pair, "ALTER TABLE book.trades DROP COLUMN gone")
    told(pair, "INSERT INTO book.trades (price) SELECT generate_series(1, 5)")
    before = told(pair, "SELECT * FROM book.trades ORDER BY id")
    schemas = told(pair, "SELECT nspname FROM pg_namespace ORDER BY 1")
    check_healed(
        inject(estate, kind="damage_that_replicates", dataset="orders", damage=damage, table="book.trades")
    )
    assert told(pair, "SELECT * FROM book.trades ORDER BY id") == before
    assert told(pair, "SELECT nspname FROM pg_namespace ORDER BY 1") == schemas


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


@pytest.mark.cell("lose_volume", "processes", "postgres")
def test_a_database_whose_files_were_lost_has_them_again(pair: Pair, estate: Estate) -> None:
    written(pair)
    data = pair.servers["primary"].data
    injected = inject(estate, kind="lose_volume", site="primary", process="postgres", path=str(data))
    assert not (data / "PG_VERSION").exists()
    assert pair.dataset.writable("primary") is None
    check_healed(injected)
    pair.dataset.wait_until_answering("primary", limit_seconds=20)
    assert rows(pair, "primary") == ROWS


@pytest.mark.campaign
@pytest.mark.skipif(no_mount() is not None, reason=str(no_mount()))
@pytest.mark.cell("fill_disk", "processes", "postgres")
def test_a_database_on_a_full_volume_writes_nothing_until_there_is_room(pair: Pair) -> None:
    written(pair)
    with moved_to_a_volume(pair) as volume:
        estate = light_estate(pair)
        injected = inject(estate, kind="fill_disk", site="primary", process="postgres", path=str(volume))
        outcomes = [asyncio.run(tried(pair, number)) for number in range(200)]
        assert "acknowledged" not in outcomes[-20:]
        check_healed(injected)
        pair.dataset.wait_until_answering("primary", limit_seconds=20)
        assert asyncio.run(tried(pair, 1000)) == "acknowledged"


@contextmanager
def moved_to_a_volume(pair: Pair) -> Iterator[Path]:
    """The primary's files on a small volume of their own, in the site's folder."""
    data = pair.servers["primary"].data
    pair.primary.down()
    with mounted(pair.folder / "primary/volume", size_bytes=96 << 20) as volume:
        volume.chmod(0o755)
        command.run(["cp", "-a", data, volume / "data"], limit_seconds=30)
        shutil.rmtree(data)
        data.symlink_to(volume / "data")
        pair.primary.up()
        try:
            yield volume
        finally:
            pair.primary.kill()


async def tried(pair: Pair, number: int) -> str:
    """How one write of 32 KiB ends."""
    client = pair.dataset.client("primary", limit_seconds=5)
    outcome = await client.write("full", number, os.urandom(32 << 10))
    await client.aclose()
    return outcome.result
