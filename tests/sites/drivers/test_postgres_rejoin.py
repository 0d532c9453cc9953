"""A lost primary comes back as the standby of the one that took over, and both get what they had."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import nullcontext

import pytest

from sites.drivers.postgres.rejoin import Rejoined
from sites.drivers.postgres.session import Login, Row, session
from sites.errors import DatasetError
from tests.sites.drivers.pairs import ADMIN_PASSWORD, LOOPBACK, PASSWORD, Pair

pytestmark = pytest.mark.postgres

NewPair = Callable[..., Pair]


def ask(pair: Pair, site: str, statement: str) -> list[Row]:
    """As the server's administrator. A commit waits for nobody."""
    port, options = pair.servers[site].settings.port, "-c synchronous_commit=local"
    login = Login(LOOPBACK, port, "desk", "postgres", ADMIN_PASSWORD, options)

    async def act() -> list[Row]:
        async with session(login, 20) as asked:
            return await asked.rows(statement)

    return asyncio.run(act())


def slots(pair: Pair, site: str) -> list[str]:
    return [str(row[0]) for row in ask(pair, site, "SELECT slot_name FROM pg_replication_slots ORDER BY 1")]


def waits_for(pair: Pair, site: str) -> str:
    return str(ask(pair, site, "SHOW synchronous_standby_names")[0][0])


def fail_over(pair: Pair, *, diverge: bool) -> None:
    """The primary is lost; `diverge`: with changes that the standby never got."""
    if diverge:
        pair.dr.down()
        ask(pair, "primary", "CREATE TABLE only_here AS SELECT generate_series(1, 5000) n")
        ask(pair, "primary", "CHECKPOINT")
    pair.primary.kill()
    if diverge:
        pair.dr.up()
    pair.dataset.promote("dr", limit_seconds=20)
    ask(pair, "dr", "CREATE TABLE since AS SELECT generate_series(1, 5000) n")


def rejoin(pair: Pair, site: str, upstream: str) -> Rejoined:
    source = pair.dataset.host_standby(upstream, site, limit_seconds=20)
    done = pair.rejoining(site).prepare(source, limit_seconds=60)
    pair.site(site).up()
    proof = pair.dataset.wait_until_in_sync(limit_seconds=20, standby=site, synchronous=False)
    assert proof.holds, proof
    return done


def protect(pair: Pair, primary: str, standby: str) -> None:
    pair.dataset.drop_slot(standby, primary)
    pair.dataset.wait_for_standby(primary, standby)
    proof = pair.dataset.wait_until_in_sync(limit_seconds=20, standby=standby)
    assert proof.holds, proof


def switch(pair: Pair, old: str, new: str) -> None:
    pair.site(old).stop("postgres")
    control = pair.rejoining(old).control()
    assert control.was_a_primary_and_stopped_cleanly
    assert pair.dataset.replayed(new) > control.checkpoint
    pair.dataset.promote(new, limit_seconds=20)


@pytest.mark.parametrize("diverge", [True, False], ids=["diverged", "in line"])
def test_a_killed_primary_is_rewound_and_follows(new_pair: NewPair, diverge: bool) -> None:
    pair = new_pair(synchronous=False)
    fail_over(pair, diverge=diverge)

    done = rejoin(pair, "primary", "dr")

    assert done == Rejoined("rewound")
    assert ask(pair, "primary", "SELECT count(*) FROM since") == [(5000,)]
    assert ask(pair, "primary", "SELECT to_regclass('only_here')") == [(None,)]
    assert pair.dataset.timeline("primary") == 2
    assert not pair.dataset.writable("primary")


def test_the_new_timeline_is_known_before_any_checkpoint(new_pair: NewPair) -> None:
    """The control file tells of the old one until then."""
    pair = new_pair(synchronous=False)
    ((checkpointer,),) = ask(
        pair, "dr", "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'"
    )
    pair.dr.signal(checkpointer, signal.SIGSTOP)
    pair.primary.kill()
    pair.dataset.promote("dr", limit_seconds=20)

    ((stale,),) = ask(pair, "dr", "SELECT timeline_id FROM pg_control_checkpoint()")
    assert (stale, pair.dataset.timeline("dr")) == (1, 2)
    pair.dr.signal(checkpointer, signal.SIGCONT)


def test_without_a_checkpoint_a_diverged_server_is_not_taken_for_one_in_line(new_pair: NewPair) -> None:
    """After a promotion PostgreSQL makes that checkpoint in its own time; until then pg_rewind takes two
    timelines for one. From 16 on it looks elsewhere for the number, and is right at once.
    """
    pair = new_pair(synchronous=False)
    ((checkpointer,),) = ask(
        pair, "dr", "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'"
    )
    pair.dr.signal(checkpointer, signal.SIGSTOP)
    pair.primary.kill()
    pair.dataset.promote("dr", limit_seconds=20)
    ask(pair, "dr", "CREATE TABLE since AS SELECT generate_series(1, 5000) n")
    server, port = pair.rejoining("primary"), pair.servers["dr"].settings.port
    fooled = pair.servers["dr"].programs.version == 15

    expected = pytest.raises(DatasetError, match="two histories") if fooled else nullcontext()
    with expected:
        careless = server._rewind(Login(LOOPBACK, port, "desk", "blackstart", PASSWORD), 60)
        assert careless.how == "rewound"
    pair.dr.signal(checkpointer, signal.SIGCONT)
    source = pair.dataset.host_standby("dr", "primary", limit_seconds=20)
    # what was rewound already recovers by itself for a second time, without being a standby, and writes
    again = nullcontext() if fooled else pytest.raises(DatasetError, match="two histories")
    with again:
        assert server._rewind(source.login, 60).how == "rewound"


def test_what_cannot_be_rewound_is_copied_anew_and_says_why(new_pair: NewPair) -> None:
    pair = new_pair(synchronous=False)
    fail_over(pair, diverge=True)
    ask(pair, "dr", "REVOKE EXECUTE ON FUNCTION pg_read_binary_file(text) FROM blackstart")

    done = rejoin(pair, "primary", "dr")

    assert done.how == "copied anew"
    assert "permission denied for function pg_read_binary_file" in done.why
    assert ask(pair, "primary", "SELECT count(*) FROM since") == [(5000,)]
    assert {path.name for path in (pair.folder / "primary").iterdir()} >= {"data", "data.passfile"}
    assert not (pair.folder / "primary/data.old").exists()


def test_a_rejoining_that_was_cut_off_starts_from_a_new_copy_with_the_servers_own_settings(
    new_pair: NewPair,
) -> None:
    pair = new_pair(synchronous=True)
    fail_over(pair, diverge=False)
    rejoining = pair.rejoining("primary")
    own = (pair.servers["primary"].data / "postgresql.conf").read_text()
    rejoining._kept.keep()
    rejoining._mark.touch()
    for left in ("postgresql.conf", "PG_VERSION"):
        (pair.servers["primary"].data / left).unlink()

    done = rejoin(pair, "primary", "dr")

    assert done == Rejoined("copied anew", "an earlier rejoining was cut off")
    assert (pair.servers["primary"].data / "postgresql.conf").read_text() == own
    assert not rejoining._mark.exists()


def test_a_round_there_and_back_leaves_both_servers_as_they_were(new_pair: NewPair) -> None:
    """Lost, taken over, rejoined, switched back: settings, slots and who waits for whom as declared."""
    pair = new_pair(synchronous=True)
    before = {site: (slots(pair, site), waits_for(pair, site)) for site in ("primary", "dr")}
    fail_over(pair, diverge=False)
    assert (slots(pair, "dr"), waits_for(pair, "dr")) == ([], ""), "a promotion brings neither along"

    rejoin(pair, "primary", "dr")
    assert waits_for(pair, "primary") == ""
    protect(pair, "dr", "primary")
    assert (slots(pair, "dr"), slots(pair, "primary")) == (["primary"], [])
    assert waits_for(pair, "dr") == 'FIRST 1 ("primary")'
    asyncio.run(written(pair, "dr"))
    switch(pair, "dr", "primary")
    assert rejoin(pair, "dr", "primary") == Rejoined("nothing to rewind")
    protect(pair, "primary", "dr")

    assert {site: (slots(pair, site), waits_for(pair, site)) for site in ("primary", "dr")} == before
    assert ask(pair, "dr", "SHOW cluster_name") == [("dr",)]
    assert (pair.dataset.timeline("primary"), pair.dataset.timeline("dr")) == (3, 3)
    assert pair.dataset.in_sync(standby="dr").holds
    wrong = pair.dataset.in_sync(standby="primary")
    assert not wrong.holds
    assert 'not the copy at site "primary"' in wrong.how


async def written(pair: Pair, site: str) -> None:
    """A commit that waits for the standby comes back."""
    client = pair.dataset.client(site, limit_seconds=20)
    await client.prepare()
    outcome = await client.write("round", 1, b"there")
    await client.aclose()
    assert outcome.result == "acknowledged", outcome


def test_a_slot_that_has_lost_its_changes_is_made_anew(new_pair: NewPair) -> None:
    pair = new_pair(synchronous=False)
    pair.dr.down()
    ask(pair, "primary", "ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'")
    ask(pair, "primary", "ALTER SYSTEM SET wal_keep_size = '0'")
    ask(pair, "primary", "SELECT pg_reload_conf()")
    for _ in range(8):
        ask(
            pair,
            "primary",
            "CREATE TABLE IF NOT EXISTS filler AS SELECT md5(n::text) FROM generate_series(1, 9000) n",
        )
        ask(pair, "primary", "DROP TABLE filler")
        ask(pair, "primary", "SELECT pg_switch_wal()")
        ask(pair, "primary", "CHECKPOINT")
    state = "SELECT wal_status FROM pg_replication_slots WHERE slot_name = 'dr'"
    assert ask(pair, "primary", state) == [("lost",)]

    done = rejoin(pair, "dr", "primary")

    assert done == Rejoined("copied anew", "the primary does not have the changes any more that it lacks")
    assert ask(pair, "primary", state) == [("reserved",)]


def test_a_dataset_without_a_replicator_says_what_is_missing(pair: Pair) -> None:
    from sites.drivers.postgres.dataset import PostgresDataset

    port = pair.servers["primary"].settings.port
    alone = PostgresDataset("orders", "desk", "blackstart", PASSWORD, {"primary": (LOOPBACK, port)})
    with pytest.raises(DatasetError, match="has no replication user"):
        alone.drop_slot("primary", "dr")
