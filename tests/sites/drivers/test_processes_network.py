"""A site of processes with a network of its own: real packets, dropped; silence where there was an answer."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from sites.drivers import command
from sites.drivers.processes.network import OwnNetwork
from sites.drivers.processes.site import ProcessSite, ProcessSpec
from sites.errors import SiteError
from sites.strikable import Direction
from tests.sites.repositories import wait_until
from tests.sites.wire import no_wire, wired_address

pytestmark = pytest.mark.skipif(no_wire() is not None, reason=str(no_wire()))
NOBODY_LISTENS = 9
SILENT_SECONDS = 0.3  # where silence is expected
WAIT_SECONDS = 10.0  # where an answer is, however busy the machine
SIXTH = "fd00:198:19::"


@pytest.fixture
def address() -> str:
    return wired_address()


@pytest.fixture
def site(tmp_path: Path, address: str) -> Iterator[ProcessSite]:
    specs = {"sleeper": ProcessSpec(("sleep", "600"))}
    made = ProcessSite("north", tmp_path, specs, until_pid=os.getpid(), network=IPv4Address(address))
    made.up()
    yield made
    made.kill()


def inside(site: ProcessSite, *argv: str) -> str:
    namespace = f"--net=/proc/{site.running()['sleeper']}/ns/net"
    return command.run(["nsenter", namespace, "--", *argv], limit_seconds=10).stdout


def unsent_bytes(site: ProcessSite) -> int:
    """What the site's connections have sent and nobody has taken."""
    namespace = f"--net=/proc/{site.running()['talker']}/ns/net"
    listed = command.run(["nsenter", namespace, "--", "cat", "/proc/net/tcp"], limit_seconds=10).stdout
    return sum(int(line.split()[4].partition(":")[0], 16) for line in listed.splitlines()[1:])


def asked(address: str, limit_seconds: float = WAIT_SECONDS) -> str:
    """What a client out here finds: a refusal is an answer, silence is none."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM) as line:
        line.settimeout(limit_seconds)
        try:
            line.connect((address, NOBODY_LISTENS))
        except TimeoutError:
            return "silence"
        except ConnectionRefusedError:
            return "refused"
    return "connected"


def arrives_out_here(site: ProcessSite, address: str, limit_seconds: float = WAIT_SECONDS) -> bool:
    """Whether a datagram that the site sends to the machine arrives."""
    machine = str(IPv4Address(address) - 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind((machine, 0))
        ear.settimeout(limit_seconds)
        # where it is dropped, bash complains that it may not send
        inside(site, "bash", "-c", f"echo here 2>/dev/null > /dev/udp/{machine}/{ear.getsockname()[1]} || :")
        try:
            return ear.recv(16) == b"here\n"
        except TimeoutError:
            return False


@pytest.mark.parametrize(("direction", "arrives"), [("both", False), ("inbound", True), ("outbound", False)])
def test_a_cut_is_silence_in_its_direction_and_a_reconnection_ends_it(
    site: ProcessSite, address: str, direction: Direction, *, arrives: bool
) -> None:
    assert (asked(address), arrives_out_here(site, address)) == ("refused", True)

    assert site.partition(direction).holds
    assert asked(address, SILENT_SECONDS) == "silence"
    assert arrives_out_here(site, address, WAIT_SECONDS if arrives else SILENT_SECONDS) is arrives

    assert site.reconnect().holds
    assert (asked(address), arrives_out_here(site, address)) == ("refused", True)


@pytest.mark.parametrize(
    "direction", ["outbound", *(pytest.param(way, marks=pytest.mark.campaign) for way in ("both", "inbound"))]
)
def test_what_speaks_ipv6_is_cut_off_too(site: ProcessSite, direction: Direction) -> None:
    outside = f"bs{site.targets()[0].detail['pid']}"
    add = ["ip", "-6", "address", "add", "dev"]
    command.run([*add, outside, f"{SIXTH}1/64", "nodad"], limit_seconds=10)
    inside(site, *add, "eth0", f"{SIXTH}2/64", "nodad")
    assert asked(f"{SIXTH}2") == "refused"

    assert site.partition(direction).holds
    # whoever does not know the way is not told soon that there is none: a refusal, and no silence
    Path(f"/proc/sys/net/ipv6/neigh/{outside}/retrans_time_ms").write_text("50")
    command.run(["ip", "-6", "neigh", "flush", "dev", outside], limit_seconds=10)
    assert asked(f"{SIXTH}2", 4 * SILENT_SECONDS) == "silence"


def test_who_was_killed_while_cut_off_can_be_reached_again_when_it_is_up(
    tmp_path: Path, address: str
) -> None:
    """What a process had sent and nobody received keeps its old network alive, and the old wire with it."""
    with socket.socket() as ear:
        ear.bind(("0.0.0.0", 0))  # the machine's end of the wire is not there yet
        ear.listen()
        to = f"/dev/tcp/{IPv4Address(address) - 1}/{ear.getsockname()[1]}"
        talks = f"exec 3<>{to}; while :; do echo word >&3; sleep 0.01; done"
        specs = {"talker": ProcessSpec(("bash", "-c", talks))}
        site = ProcessSite("north", tmp_path, specs, until_pid=os.getpid(), network=IPv4Address(address))
        site.up()
        try:
            with ear.accept()[0] as line:
                assert line.recv(5) == b"word\n"
                old = f"bs{site.targets()[0].detail['pid']}"
                assert site.partition("both").holds
                wait_until(lambda: unsent_bytes(site) > 0)
                assert site.kill().holds
                assert old in command.run(["ip", "-br", "link"], limit_seconds=10).stdout, (
                    "nothing was left over"
                )
                site.up()
                assert asked(address) == "refused"
        finally:
            site.kill()


def test_a_site_that_shares_the_machines_network_is_never_cut_off(tmp_path: Path) -> None:
    specs = {"sleeper": ProcessSpec(("sleep", "600"))}
    made = ProcessSite("north", tmp_path, specs, until_pid=os.getpid())
    made.up()
    try:
        assert "shares the machine's network" in str(made.cannot_partition())
        assert not made.partition("both").holds
        later = ProcessSite("north", tmp_path, specs, network=IPv4Address(wired_address()))
        assert "hits everybody" in str(later.cannot_partition())
        assert not later.partition("both").holds
    finally:
        made.kill()


def test_a_wire_that_cannot_be_made_leaves_no_site_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise SiteError("no wire today")

    monkeypatch.setattr(OwnNetwork, "wire", broken)
    made = ProcessSite("north", tmp_path, {}, network=IPv4Address(wired_address()))
    with pytest.raises(SiteError, match="network of its own: no wire today"):
        made.up()
    assert made.proven_gone().holds
