"""Connections kept for a failover: used again, made anew where they broke, and none unless asked for."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from sites.drivers.postgres import lines as postgres_lines
from sites.drivers.postgres.dataset import PostgresDataset
from sites.errors import DatasetError
from tests.sites.drivers.pairs import LOOPBACK, Pair, free_port
from tests.sites.drivers.test_postgres import ask, dataset_at, mute_server
from tests.sites.drivers.waiting import wait_until

pytestmark = pytest.mark.postgres
OURS = (
    "SELECT pid FROM pg_stat_activity WHERE application_name = 'blackstart' "
    "AND usename = 'blackstart' AND pid <> pg_backend_pid() ORDER BY pid"
)


def lines(pair: Pair, site: str) -> list[int]:
    return [row[0] for row in ask(pair, site, OURS)]


@pytest.fixture
def dataset(pair: Pair) -> PostgresDataset:
    """One of its own, so that no other test's questions go over its connections."""
    return dataset_at((LOOPBACK, pair.servers["dr"].settings.port))


def test_one_line_is_kept_and_every_question_goes_over_it(pair: Pair, dataset: PostgresDataset) -> None:
    before = lines(pair, "dr")
    assert dataset.keep_line("there")
    [kept] = set(lines(pair, "dr")) - set(before)
    for _ in range(3):
        assert dataset.keep_line("there")
        assert dataset.writable("there") is False
        assert dataset.replayed("there") > 0
    assert set(lines(pair, "dr")) - set(before) == {kept}


def test_nothing_is_kept_unless_asked_for(pair: Pair, dataset: PostgresDataset) -> None:
    before = lines(pair, "dr")
    assert dataset.writable("there") is False
    assert lines(pair, "dr") == before


def test_one_that_broke_is_made_anew(pair: Pair, dataset: PostgresDataset) -> None:
    before = set(lines(pair, "dr"))
    assert dataset.keep_line("there")
    [kept] = set(lines(pair, "dr")) - before
    ask(pair, "dr", f"SELECT pg_terminate_backend({kept}, 5000)")
    assert dataset.writable("there") is False
    [new] = set(lines(pair, "dr")) - before
    assert new != kept


def test_a_server_that_has_gone_is_unknown_within_its_limit(pair: Pair) -> None:
    """A kept line must not vouch for a server that stands still."""
    dataset = dataset_at((LOOPBACK, pair.servers["dr"].settings.port))
    assert dataset.keep_line("there")
    assert pair.dr.pause().holds
    try:
        began = time.monotonic()
        assert dataset.writable("there") is None
        assert time.monotonic() - began < 2
        with pytest.raises(DatasetError, match="promote"):
            dataset.promote("there", limit_seconds=0.3)
    finally:
        assert pair.dr.resume().holds
    assert dataset.writable("there") is False


class Way:
    """To the server at a port of this machine, connection by connection."""

    def __init__(self, port: int) -> None:
        self._port, self._lost = port, threading.Event()
        self._door = socket.create_server((LOOPBACK, 0))
        self.address: tuple[str, int] = self._door.getsockname()[:2]
        self._ends: list[socket.socket] = []
        threading.Thread(target=self._let_through, daemon=True).start()

    def lose(self) -> None:
        """What came through until now is heard no more, and nobody is told; what comes later gets through."""
        self._lost.set()
        self._lost = threading.Event()

    def close(self) -> None:
        for each in (self._door, *self._ends):
            each.close()

    def _let_through(self) -> None:
        while True:
            try:
                near, _ = self._door.accept()
            except OSError:
                return
            far = socket.create_connection((LOOPBACK, self._port))
            self._ends += [near, far]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._pass_on, args=(one, other, self._lost), daemon=True).start()

    @staticmethod
    def _pass_on(one: socket.socket, other: socket.socket, lost: threading.Event) -> None:
        try:
            while said := one.recv(1 << 16):
                if not lost.is_set():
                    other.sendall(said)
            if not lost.is_set():
                other.shutdown(socket.SHUT_WR)
        except OSError:
            return


@pytest.fixture
def way(pair: Pair) -> Iterator[Way]:
    made = Way(pair.servers["dr"].settings.port)
    yield made
    made.close()


def test_one_that_fell_silent_is_made_anew_within_the_limit(way: Way) -> None:
    """As where a firewall or a path between the sites went down with the primary."""
    dataset = dataset_at(way.address)
    dataset._answer_seconds = 10
    assert dataset.keep_line("there")
    way.lose()
    assert dataset.writable("there") is False
    assert dataset.keep_line("there")
    way.lose()
    assert dataset.replayed("there") > 0


def test_one_is_renewed_in_time_and_let_go_once_nobody_has_it_kept(
    pair: Pair, dataset: PostgresDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = set(lines(pair, "dr"))
    monkeypatch.setattr(postgres_lines, "LIFE_SECONDS_MAX", 0)
    assert dataset.keep_line("there")
    [first] = set(lines(pair, "dr")) - before
    assert dataset.keep_line("there")
    assert first not in lines(pair, "dr")
    monkeypatch.setattr(postgres_lines, "IDLE_SECONDS_MAX", 0)
    assert dataset.keep_line("there")
    wait_until("it is closed", lambda: set(lines(pair, "dr")) <= before)
    assert dataset.writable("there") is False


def test_the_child_of_a_fork_dials_for_itself(dataset: PostgresDataset) -> None:
    assert dataset.keep_line("there")
    if (child := os.fork()) == 0:
        os._exit(0 if dataset.writable("there") is False else 1)
    reaped, status = os.waitpid(child, 0)
    assert (reaped, status) == (child, 0)
    assert dataset.writable("there") is False


def test_where_nobody_answers_there_is_none() -> None:
    assert dataset_at((LOOPBACK, free_port())).keep_line("there") is False
    with mute_server() as address:
        assert dataset_at(address).keep_line("there") is False
