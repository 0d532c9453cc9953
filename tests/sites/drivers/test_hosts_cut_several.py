"""A site of two machines that are cut off: each has its dead-man, and waits for nobody else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sites.drivers import command
from sites.drivers.hosts.host import Host
from sites.drivers.hosts.site import HostsSite
from tests.sites.drivers.test_hosts_cut import inside, later, lifted, silent
from tests.sites.sshd import Sshd, make_island, make_keys, no_island, sleeper

pytestmark = [
    pytest.mark.skipif(no_island() is not None, reason=str(no_island())),
    pytest.mark.campaign,
]
ALONE_SECONDS = 20.0


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[dict[str, Sshd]]:
    """Two machines, each in a network of its own."""
    make_keys(tmp_path / "keys")
    made: dict[str, Sshd] = {}
    try:
        for name in ("a", "b"):
            made[name] = make_island(tmp_path / "keys", tmp_path / name / "server")
        yield made
    finally:
        for server in made.values():
            server.remove()


def two_hosts(machines: dict[str, Sshd], folder: Path, cut_seconds: float) -> HostsSite:
    """alpha runs on the one, beta on the other."""
    folder.mkdir(exist_ok=True)
    hosts = {name: Host(name, server.address()) for name, server in machines.items()}
    processes = {"alpha": sleeper(folder, "alpha", "a"), "beta": sleeper(folder, "beta", "b")}
    return HostsSite("north", hosts, processes, ask_seconds=5.0, cut_seconds=cut_seconds)


def tables(server: Sshd) -> str:
    return inside(server, "nft", "list", "tables")


def until_lifted(server: Sshd) -> None:
    deadline = time.monotonic() + ALONE_SECONDS
    while tables(server):
        assert time.monotonic() < deadline, "it did not connect itself again"
        time.sleep(0.02)


def test_each_host_undoes_its_own_cut_when_we_are_gone(machines: dict[str, Sshd], tmp_path: Path) -> None:
    site = two_hosts(machines, tmp_path / "north", 600.0)
    site.up()
    assert site.partition("both").holds
    assert all(silent(server) for server in machines.values())

    site.close()

    assert later(site) == {}
    assert "by itself when blackstart was gone, after everything of the site here was killed" in lifted(site)
    assert [tables(server) for server in machines.values()] == ["", ""]


def test_one_host_comes_back_by_its_deadline_while_the_other_cannot(
    machines: dict[str, Sshd], tmp_path: Path
) -> None:
    """The wire to one is gone for good, and so is who cut it off: the other waits for neither."""
    site = two_hosts(machines, tmp_path / "north", 1.5)
    site.up()
    assert site.partition("both").holds
    command.run(["ip", "link", "set", f"bs{machines['b'].pid}", "down"], limit_seconds=10)

    for server in machines.values():
        until_lifted(server)

    assert not silent(machines["a"])
    command.run(["ip", "link", "set", f"bs{machines['b'].pid}", "up"], limit_seconds=10)
    assert later(site) == {}, "what was cut off was killed on both before it was let back"
    assert "lifted by its dead-man" in lifted(site)
    site.close()


def test_a_cut_that_one_host_did_not_take_is_no_partition_and_leaves_nothing(
    machines: dict[str, Sshd], tmp_path: Path
) -> None:
    """The control: in force on one of two is not in force, and what is in force is lifted all the same."""
    site = two_hosts(machines, tmp_path / "north", 600.0)
    site.up()
    machines["b"].stop()
    proof = site.partition("both")
    assert not proof.holds, proof
    site.close()
    until_lifted(machines["a"])
    machines["b"].start()
    assert tables(machines["b"]) == ""
    site.kill()
    site.close()
