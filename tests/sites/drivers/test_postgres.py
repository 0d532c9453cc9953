"""Questions put to a real synchronous pair, which every test leaves as it found it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sites.capability import Promotable
from sites.drivers.postgres.dataset import PostgresDataset
from sites.drivers.postgres.receiver import freeze_receiver, thaw_receiver
from sites.drivers.postgres.session import Login, Row, session
from sites.errors import DatasetError, SiteError
from tests.sites.drivers.pairs import ADMIN_PASSWORD, LOOPBACK, PASSWORD, SECRETS, Pair, free_port
from tests.sites.drivers.waiting import wait_until

pytestmark = pytest.mark.postgres


def ask(pair: Pair, site: str, statement: str, database: str = "desk") -> list[Row]:
    """As the server's administrator."""
    login = Login(LOOPBACK, pair.servers[site].settings.port, database, "postgres", ADMIN_PASSWORD)

    async def act() -> list[Row]:
        async with session(login, 10) as asked:
            return await asked.rows(statement)

    return asyncio.run(act())


def setting(pair: Pair, site: str, name: str) -> str:
    return str(ask(pair, site, f"SHOW {name}")[0][0])


@contextmanager
def mute_server() -> Iterator[tuple[str, int]]:
    """Accepts connections and never says a word, as a stopped host does."""
    with socket.create_server((LOOPBACK, 0)) as mute:
        yield mute.getsockname()[:2]


def dataset_at(address: tuple[str, int], password: str = PASSWORD) -> PostgresDataset:
    return PostgresDataset("orders", "desk", "blackstart", password, {"there": address}, answer_seconds=0.3)


def test_each_server_says_its_version(pair: Pair) -> None:
    assert (
        pair.dataset.version("primary") == pair.dataset.version("dr") == setting(pair, "dr", "server_version")
    )
    with mute_server() as address, pytest.raises(DatasetError, match="ask the version"):
        dataset_at(address).version("there")


def test_it_is_promotable(pair: Pair) -> None:
    assert isinstance(pair.dataset, Promotable)


def test_the_primary_takes_writes_and_the_standby_does_not(pair: Pair) -> None:
    assert pair.dataset.writable("primary") is True
    assert pair.dataset.writable("dr") is False


def test_who_cannot_be_asked_is_neither_writable_nor_not() -> None:
    assert dataset_at((LOOPBACK, free_port())).writable("there") is None
    with mute_server() as address:
        assert dataset_at(address).writable("there") is None


def test_the_databases_beside_it_are_told(pair: Pair) -> None:
    assert {"postgres", pair.dataset._login("primary").database} <= set(pair.dataset.databases("primary"))


def test_an_unknown_site_is_named(pair: Pair) -> None:
    with pytest.raises(SiteError, match='"orders" has no copy at site "mars"; it has: primary, dr'):
        pair.dataset.writable("mars")


def test_the_standby_does_not_inherit_who_commits_wait_for(pair: Pair) -> None:
    assert setting(pair, "primary", "synchronous_standby_names") == "FIRST 1 (dr)"
    assert setting(pair, "dr", "synchronous_standby_names") == ""
    assert setting(pair, "dr", "cluster_name") == "dr"


@pytest.mark.parametrize("site", ["primary", "dr"])
def test_nothing_is_traded_for_speed_and_nobody_else_is_let_in(pair: Pair, site: str) -> None:
    assert setting(pair, site, "fsync") == "on"
    assert setting(pair, site, "full_page_writes") == "on"
    assert setting(pair, site, "data_checksums") == "on"
    assert setting(pair, site, "synchronous_commit") == "on"
    assert setting(pair, site, "listen_addresses") == LOOPBACK
    assert setting(pair, site, "unix_socket_directories") == ""
    assert ask(pair, site, "SELECT DISTINCT auth_method FROM pg_hba_file_rules") == [("scram-sha-256",)]


def test_a_synchronous_pair_is_in_sync(pair: Pair) -> None:
    proof = pair.dataset.in_sync()

    assert proof.holds, proof
    assert proof.detail["sync_state"] == "sync"
    assert proof.detail["wal_status"] == "reserved"
    assert proof.detail["receiver"] == "streaming"


def test_a_frozen_receiver_is_not_in_sync_whatever_the_views_say(pair: Pair) -> None:
    receiver = pair.dataset.receiver_pid("dr")
    assert receiver is not None

    freeze_receiver(pair.dr, receiver)
    try:
        proof = pair.dataset.in_sync()
    finally:
        thaw_receiver(pair.dr, receiver)

    assert not proof.holds
    assert "did not reach the standby's disk" in proof.how
    assert proof.detail["receiver"] == "streaming"
    assert pair.dataset.wait_until_in_sync(limit_seconds=20).holds


def test_in_sync_is_never_claimed_of_who_cannot_be_asked(pair: Pair) -> None:
    port = pair.servers["primary"].settings.port
    copies = {"primary": (LOOPBACK, port), "dr": (LOOPBACK, free_port())}
    alone = PostgresDataset("orders", "desk", "blackstart", PASSWORD, {"primary": (LOOPBACK, port)})

    proof = PostgresDataset("orders", "desk", "blackstart", PASSWORD, copies).in_sync()

    assert not proof.holds
    assert proof.how.startswith("cannot tell: ")
    assert not alone.in_sync().holds


def test_a_refused_write_is_proven_by_an_answer(pair: Pair) -> None:
    standby, primary = pair.dataset.refuses_write("dr"), pair.dataset.refuses_write("primary")

    assert standby.holds
    assert "in recovery" in standby.how
    assert not primary.holds
    assert "takes writes" in primary.how


def test_silence_is_no_refused_write() -> None:
    with mute_server() as address:
        proof = dataset_at(address).refuses_write("there")

    assert not proof.holds
    assert "no refused write" in proof.how


def test_a_missing_route_is_no_refused_write() -> None:
    proof = dataset_at(("name.invalid", 5432)).refuses_write("there")

    assert not proof.holds
    assert "no refused write" in proof.how


def test_a_refused_login_is_no_refused_write(pair: Pair) -> None:
    address = (LOOPBACK, pair.servers["primary"].settings.port)

    proof = dataset_at(address, password="wrong-swordfish").refuses_write("there")

    assert not proof.holds
    assert "wrong-swordfish" not in proof.how


def test_a_server_that_is_read_only_by_default_has_refused_nothing(pair: Pair) -> None:
    """Who has a session open already, or says READ WRITE, writes on."""
    ask(pair, "primary", "ALTER DATABASE desk SET default_transaction_read_only = on", "postgres")
    try:
        proof = pair.dataset.refuses_write("primary")
    finally:
        ask(pair, "primary", "ALTER DATABASE desk SET default_transaction_read_only = off", "postgres")

    assert not proof.holds
    assert "takes writes" in proof.how


def test_both_copies_are_on_the_first_timeline(pair: Pair) -> None:
    assert (pair.dataset.timeline("primary"), pair.dataset.timeline("dr")) == (1, 1)


def test_a_question_that_fails_says_what_where_and_why() -> None:
    with pytest.raises(DatasetError, match=r'cannot promote dataset "orders" at site "there": .*refused'):
        dataset_at((LOOPBACK, free_port())).promote("there", limit_seconds=1)
    with mute_server() as address, pytest.raises(DatasetError, match="did not answer within"):
        dataset_at(address).promote("there", limit_seconds=0.3)


def test_what_the_user_may_not_do_proves_nothing_about_the_server(pair: Pair) -> None:
    ask(pair, "primary", "REVOKE ALL ON blackstart.write_probe FROM blackstart")
    try:
        assert pair.dataset.writable("primary") is None
        assert not pair.dataset.refuses_write("primary").holds
    finally:
        ask(pair, "primary", "GRANT ALL ON blackstart.write_probe TO blackstart")
    assert pair.dataset.writable("primary") is True


def test_secrets_show_in_no_command_line_log_or_state(pair: Pair) -> None:
    commands = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    files = [
        path
        for site in ("primary", "dr")
        for path in (pair.folder / site).rglob("*")
        if path.is_file() and path.name != "data.passfile"
    ]

    for secret in SECRETS:
        assert not any(secret.encode() in said for said in commands)
        assert not any(secret.encode() in path.read_bytes() for path in files if path.exists())
        assert secret not in repr(pair.dataset) + repr(pair.servers["dr"].process())
    assert (pair.folder / "dr/data.passfile").stat().st_mode & 0o777 == 0o600


def test_a_dump_is_whole_and_a_damaged_one_is_noticed(pair: Pair, tmp_path: Path) -> None:
    ask(pair, "primary", "CREATE TABLE many AS SELECT n, md5(n::text) FROM generate_series(1, 20000) n")
    pair.dataset.dump("primary", tmp_path / "orders.dump")
    ask(pair, "primary", "DROP TABLE many")
    whole = (tmp_path / "orders.dump").read_bytes()
    (tmp_path / "cut.dump").write_bytes(whole[: len(whole) // 2])
    middle = len(whole) // 2
    (tmp_path / "bad.dump").write_bytes(whole[:middle] + bytes(64) + whole[middle + 64 :])

    pair.dataset.check_dump(tmp_path / "orders.dump")

    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.dump", "cut.dump", "orders.dump"]
    assert (tmp_path / "orders.dump").stat().st_mode & 0o777 == 0o600
    for damaged in ("cut.dump", "bad.dump"):
        with pytest.raises(DatasetError, match="cannot be read"):
            pair.dataset.check_dump(tmp_path / damaged)


def test_a_dump_of_nobody_leaves_nothing_that_looks_like_one(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r'cannot dump dataset "orders" at site "there": .*refused'):
        dataset_at((LOOPBACK, free_port())).dump("there", tmp_path / "orders.dump")

    assert not (tmp_path / "orders.dump").exists()


def test_waiting_for_an_answer_ends_with_it_or_with_the_limit(pair: Pair) -> None:
    pair.dataset.wait_until_answering("primary", limit_seconds=10)

    with pytest.raises(DatasetError, match='cannot reach dataset "orders"'):
        dataset_at((LOOPBACK, free_port())).wait_until_answering("there", limit_seconds=0.1)
    wait_until("the pair is as before", lambda: pair.dataset.in_sync().holds)
