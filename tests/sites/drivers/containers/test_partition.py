"""Real packets, and real containers: silence where there was an answer."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from sites.capability import Proof
from sites.drivers.containers.daemon import Container, Daemon
from sites.drivers.containers.site import ContainerSite
from sites.strikable import Direction
from tests.engine import engine, real_site

pytestmark = pytest.mark.containers
NOBODY_LISTENS = 9
SILENT_SECONDS = 0.4


@pytest.fixture
def site(tmp_path: Path) -> Iterator[ContainerSite]:
    with real_site(tmp_path / "north") as made:
        made.up(only=["alpha"])
        yield made


def alpha(site: ContainerSite) -> tuple[Daemon, Container]:
    daemon = engine()
    target = next(one for one in site.targets() if one.name == "alpha")
    found = daemon.container(str(target.detail["container"]))
    assert found is not None
    return daemon, found


def from_here(site: ContainerSite) -> str:
    """What a client out here sees of the container: a refusal is an answer, silence is none."""
    _, found = alpha(site)
    try:
        socket.create_connection(
            (next(iter(found.addresses.values())), NOBODY_LISTENS), SILENT_SECONDS
        ).close()
    except TimeoutError:
        return "silence"
    except ConnectionRefusedError:
        return "refused"
    return "connected"


def arrives_out_here(site: ContainerSite) -> bool:
    """Whether a datagram that the container sends to the machine arrives."""
    daemon, found = alpha(site)
    network = daemon.api.inspect_container(found.id)["NetworkSettings"]["Networks"]
    gateway = next(iter(network.values()))["Gateway"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind((gateway, 0))
        ear.settimeout(SILENT_SECONDS)
        daemon.beside(found, ["bash", "-c", f"echo here > /dev/udp/{gateway}/{ear.getsockname()[1]}"])
        try:
            return ear.recv(16) == b"here\n"
        except TimeoutError:
            return False


@pytest.mark.parametrize(("direction", "arrives"), [("both", False), ("inbound", True), ("outbound", False)])
def test_a_cut_is_silence_in_its_direction_and_a_reconnection_ends_it(
    site: ContainerSite, direction: Direction, *, arrives: bool
) -> None:
    assert (from_here(site), arrives_out_here(site)) == ("refused", True)

    assert site.partition(direction).holds
    assert (from_here(site), arrives_out_here(site)) == ("silence", arrives)

    assert site.reconnect().holds
    assert (from_here(site), arrives_out_here(site)) == ("refused", True)


def test_another_cut_replaces_the_one_before(site: ContainerSite) -> None:
    site.partition("both")
    site.partition("inbound")
    assert arrives_out_here(site)


def test_the_rules_of_others_stay(site: ContainerSite) -> None:
    daemon, found = alpha(site)
    assert daemon.beside(found, ["nft", "add table inet theirs"])[0] == 0

    site.partition("both")
    site.reconnect()

    assert "theirs" in daemon.beside(found, ["nft", "list tables"])[1]
    assert "blackstart" not in daemon.beside(found, ["nft", "list tables"])[1]


def test_what_is_paused_is_cut_off_and_reconnected_too(site: ContainerSite) -> None:
    site.pause()

    assert site.partition("both").holds
    assert site.reconnect().holds

    site.resume()
    assert from_here(site) == "refused"


def test_nothing_of_ours_is_left_beside_a_container(site: ContainerSite) -> None:
    site.partition("both")
    daemon, found = alpha(site)
    everything = daemon.api.containers(all=True)
    beside = [one for one in everything if one["HostConfig"]["NetworkMode"] == f"container:{found.id}"]
    assert beside == []


def test_what_was_cut_off_and_killed_before_it_was_looked_at_was_cut_off(
    site: ContainerSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failover that is quicker than the cut of many containers fences them; nothing of that is void."""
    look = site.partitioned

    def late() -> Proof:
        assert site.kill().holds
        return look()

    monkeypatch.setattr(site, "partitioned", late)
    assert site.partition("both").how == "all 1 containers were cut off, and none of them runs any more"
    monkeypatch.undo()
    assert not site.partition("both").holds  # the control: nothing ran, so nothing was cut off
