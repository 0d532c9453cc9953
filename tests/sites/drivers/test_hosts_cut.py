"""A host cut off by rules of its own, in a network of its own: silence for all, and its own way back."""

from __future__ import annotations

import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sites.drivers import command
from sites.drivers.hosts.site import HostsSite
from sites.errors import HostError
from sites.strikable import Direction, Partitionable, ReconnectingFenced
from tests.sites.sshd import Sshd, hosts_site, make_island, make_keys, no_island, one_sshd

pytestmark = pytest.mark.skipif(no_island() is not None, reason=str(no_island()))
WAIT_SECONDS = 20.0
NOBODY_LISTENS = 9
SIXTH = "fd00:198:18::"
ROOT = Path(__file__).parents[3]
KILLED = """
import os, signal, sys
from pathlib import Path
from tests.sites.sshd import Sshd, hosts_site
site = hosts_site(Sshd(Path(sys.argv[1]), 22, at=sys.argv[2], island=True), Path(sys.argv[3]))
print("cut", site.partition("both").holds, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def island(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    folder = tmp_path_factory.mktemp("island")
    make_keys(folder / "keys")
    made = make_island(folder / "keys", folder / "server")
    yield made
    made.remove()


@pytest.fixture
def site(island: Sshd, tmp_path: Path) -> Iterator[HostsSite]:
    made = hosts_site(island, tmp_path / "north", ask_seconds=5.0, cut_seconds=600.0)
    made.up()
    yield made
    made.reconnect()
    made.kill()
    made.close()


def inside(island: Sshd, *argv: str) -> str:
    """What a command says on the machine itself."""
    return command.run(["nsenter", "--net", "--target", str(island.pid), *argv], limit_seconds=10).stdout


def silent(island: Sshd) -> bool:
    """Whether a new connection meets silence, and neither an answer nor a refusal."""
    try:
        socket.create_connection((island.at, island.port), timeout=0.15).close()
    except TimeoutError:
        return True
    return False


def later(site: HostsSite) -> dict[str, int]:
    """What runs there, as soon as it can be asked again."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            return site.running()
        except HostError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def lifted(site: HostsSite) -> str:
    """How it was, in the words of the host: they are written a moment after it can be reached again."""
    deadline = time.monotonic() + WAIT_SECONDS
    while "lifted" not in (proof := site.partitioned()).how:
        assert time.monotonic() < deadline, proof
        time.sleep(0.01)
    assert not proof.holds
    return proof.how


@pytest.mark.parametrize("direction", ["both", "inbound", "outbound"])
def test_it_is_silent_for_all_until_it_is_reconnected(
    island: Sshd, site: HostsSite, direction: Direction
) -> None:
    assert isinstance(site, Partitionable)
    assert isinstance(site, ReconnectingFenced)
    assert not site.partitioned().holds
    before = site.running()
    assert not silent(island)

    proof = site.partition(direction)

    assert proof.holds, proof
    assert silent(island)
    assert site.partition(direction).holds
    assert site.partitioned().holds
    assert site.reconnect().how == 'host "a" lifted by blackstart'
    assert not silent(island)
    assert not site.partitioned().holds
    assert site.running() == before


@pytest.mark.parametrize(
    "direction", ["inbound", *(pytest.param(way, marks=pytest.mark.campaign) for way in ("both", "outbound"))]
)
def test_what_speaks_ipv6_finds_the_same_silence(island: Sshd, site: HostsSite, direction: Direction) -> None:
    """Also whoever has to find the way first: nobody tells him that there is none."""
    outside = f"bs{island.pid}"
    add = ["ip", "-6", "address", "replace"]
    command.run([*add, f"{SIXTH}1/64", "dev", outside, "nodad"], limit_seconds=10)
    inside(island, *add, f"{SIXTH}2/64", "dev", "eth0", "nodad")
    Path(f"/proc/sys/net/ipv6/neigh/{outside}/retrans_time_ms").write_text("50")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((f"{SIXTH}2", NOBODY_LISTENS), timeout=WAIT_SECONDS)

    assert site.partition(direction).holds
    command.run(["ip", "-6", "neigh", "flush", "dev", outside], limit_seconds=10)
    with pytest.raises(TimeoutError):
        socket.create_connection((f"{SIXTH}2", NOBODY_LISTENS), timeout=1)


def test_a_fence_does_not_reach_what_is_cut_off(site: HostsSite) -> None:
    """The spared connection is for the undo alone: not even the one that was open before goes through."""
    fence = HostsSite("north", site.hosts, site._processes, ask_seconds=0.3, kill_seconds=0.1)
    assert fence.running()
    site.partition("both")

    assert not fence.proven_gone().holds
    assert not fence.kill().holds
    assert site.reconnect().holds
    assert list(later(site)) == ["alpha", "beta"]


def test_when_we_are_gone_it_kills_what_runs_there_and_comes_back(site: HostsSite) -> None:
    site.partition("both")

    site.close()

    assert later(site) == {}
    assert "by itself when blackstart was gone, after everything of the site here was killed" in lifted(site)


def test_when_blackstart_is_killed_the_host_comes_back_without_a_writer(
    island: Sshd, site: HostsSite, tmp_path: Path
) -> None:
    (tmp_path / "partition.py").write_text(KILLED)
    argv = [sys.executable, tmp_path / "partition.py", island.folder, island.at, tmp_path / "north"]

    done = command.run(argv, limit_seconds=30, ok_codes=[-signal.SIGKILL], env={"PYTHONPATH": str(ROOT)})

    assert done.stdout.strip() == "cut True"
    assert later(site) == {}
    assert "lifted by itself when blackstart was gone" in lifted(site)


def test_its_dead_man_needs_nobody(island: Sshd, tmp_path: Path) -> None:
    """Nobody tells it anything; the deadline passes. What is left of one cut does not hinder the next."""
    site = hosts_site(island, tmp_path / "north", ask_seconds=5.0, cut_seconds=0.7)
    for _ in range(2):
        site.up()
        assert site.partition("both").holds
        assert later(site) == {}
        assert "lifted by its dead-man, after everything" in lifted(site)
    site.close()


def test_a_dead_man_that_comes_before_the_rules_does_not_leave_them(island: Sshd, tmp_path: Path) -> None:
    site = hosts_site(island, tmp_path / "north", ask_seconds=5.0, cut_seconds=0.0)
    site.up()

    site.partition("both")

    deadline = (
        time.monotonic() + WAIT_SECONDS
    )  # it was never cut off, so it can be asked before all is killed
    while later(site) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert later(site) == {}
    assert not site.partitioned().holds
    assert inside(island, "nft", "list", "tables") == ""
    site.close()


def test_a_promoted_other_side_has_it_killed_before_it_comes_back(site: HostsSite) -> None:
    site.partition("inbound")

    proof = site.reconnect_fenced()

    assert "after everything of the site here was killed" in proof.how
    assert later(site) == {}
    assert site.proven_gone().holds


def test_nothing_but_its_own_table_is_touched_and_nothing_is_left(island: Sshd, site: HostsSite) -> None:
    inside(island, "nft", "add", "table", "inet", "mine")
    site.partition("both")
    assert "table inet blackstart_cut_north" in inside(island, "nft", "list", "tables")

    site.reconnect()

    assert inside(island, "nft", "list", "tables").split("\n")[:-1] == ["table inet mine"]
    inside(island, "nft", "delete", "table", "inet", "mine")


def test_the_machine_that_blackstart_runs_on_is_never_cut_off(tmp_path: Path) -> None:
    site = hosts_site(one_sshd(), tmp_path)

    assert site.cannot_partition() == 'host "a": it is the machine that blackstart itself runs on'
    assert not site.partition("both").holds
