"""A network that is late, loses packets or has little room: found by a client, and gone again."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sites.drivers.processes.slowing import RELAY
from sites.errors import GuardError
from sites.estate import Estate
from sites.recovery.fence import Fences
from tests.drills.faults import other_sites
from tests.drills.faults.conftest import estate_of
from tests.drills.faults.injecting import check_healed, fault, inject
from tests.sites.wire import no_wire, wired_address

SITE = {"kind": "slow_network", "site": "primary"}
SENT_BYTES = 1 << 20
SOON_SECONDS = 0.5  # what is slow is not there by then
WAIT_SECONDS = 20.0  # what is not is, however busy the machine
# says one byte at once and much of it after a word; a plan's dollar signs are not among it
SERVER = """
import socketserver as s
class H(s.BaseRequestHandler):
  def handle(self):
    self.request.sendall(b"h")
    if self.request.recv(1): self.request.sendall(bytes({size}))
s.ThreadingTCPServer.daemon_threads = True
s.ThreadingTCPServer(("{at}", {port}), H).serve_forever()
"""
needs_wire = pytest.mark.skipif(no_wire() is not None, reason=str(no_wire()))


class Client:
    """Somebody out here, who connects anew each time."""

    def __init__(self, at: str) -> None:
        self.address = (at, 8000)

    def greeted(self, limit_seconds: float) -> bool:
        """Whether the first byte comes in time."""
        try:
            with socket.create_connection(self.address, timeout=limit_seconds) as line:
                return line.recv(1) == b"h"
        except TimeoutError:
            return False

    def sent_everything(self, limit_seconds: float) -> bool:
        """Whether all of what was asked for comes in time, whatever the pauses."""
        deadline = time.monotonic() + limit_seconds
        with socket.create_connection(self.address, timeout=WAIT_SECONDS) as line:
            assert line.recv(1) == b"h"
            line.sendall(b"!")
            left = SENT_BYTES
            try:
                while left:
                    line.settimeout(max(deadline - time.monotonic(), 0.001))
                    left -= len(line.recv(left))
            except TimeoutError:
                return False
        return True


@pytest.fixture
def at() -> str:
    return wired_address()


@pytest.fixture
def client(at: str) -> Client:
    return Client(at)


@pytest.fixture
def serving(tmp_path: Path, at: str) -> Iterator[Estate]:
    """A primary in a network of its own, whose one program answers."""
    code = SERVER.format(size=SENT_BYTES, at=at, port=8000)
    ready = {"kind": "tcp", "host": at, "port": 8000}
    server = {"command": ["python3", "-c", code], "ready": ready}
    site = {"kind": "processes", "drills": True, "network": at, "processes": {"server": server}}
    dr = {"kind": "processes", "path": str(tmp_path / "dr")}
    estate = estate_of(tmp_path, sites={"primary": site | {"path": str(tmp_path / "primary")}, "dr": dr})
    estate.site("primary").up()
    yield estate
    estate.site("primary").kill()


@needs_wire
@pytest.mark.cell("slow_network", "processes", "none")
def test_an_answer_comes_later_by_what_is_added(serving: Estate, client: Client) -> None:
    assert client.greeted(WAIT_SECONDS)
    injected = inject(serving, **SITE, latency="2s")
    assert not client.greeted(SOON_SECONDS)
    assert client.greeted(WAIT_SECONDS), "late is not lost"
    check_healed(injected)
    assert client.greeted(WAIT_SECONDS)
    assert set(serving.site("primary").running()) == {"server"}


@needs_wire
def test_what_goes_through_the_relay_is_whole(serving: Estate, client: Client) -> None:
    inject(serving, **SITE, latency="20ms")
    assert client.sent_everything(WAIT_SECONDS)
    assert RELAY in serving.site("primary").running()


@needs_wire
def test_packets_that_are_lost_do_not_come(serving: Estate, client: Client) -> None:
    injected = inject(serving, **SITE, loss=100)
    assert not client.greeted(SOON_SECONDS)
    check_healed(injected)
    assert client.greeted(WAIT_SECONDS)


@needs_wire
@pytest.mark.campaign
def test_a_share_of_packets_is_lost_and_the_rest_comes(serving: Estate, client: Client) -> None:
    inject(serving, **SITE, loss=5)
    assert client.sent_everything(WAIT_SECONDS)


@needs_wire
@pytest.mark.campaign
def test_only_so_much_is_sent_a_second(serving: Estate, client: Client) -> None:
    injected = inject(serving, **SITE, rate="32kbit")
    assert not client.sent_everything(SOON_SECONDS)
    check_healed(injected)
    assert client.sent_everything(WAIT_SECONDS)


@needs_wire
def test_all_three_are_taken_away_together(serving: Estate) -> None:
    injected = inject(serving, **SITE, latency="10ms", loss=1, rate="100mbit")
    check_healed(injected)
    assert set(serving.site("primary").running()) == {"server"}


@needs_wire
def test_a_slow_site_that_was_fenced_is_killed(serving: Estate) -> None:
    injected = inject(serving, **SITE, loss=50)
    Fences(serving.state).raise_("primary", "failover")
    assert injected.heal().undone == "reverted, fenced"
    assert serving.site("primary").proven_gone().holds


@needs_wire
def test_what_is_slow_is_not_made_slow_twice(serving: Estate) -> None:
    inject(serving, **SITE, loss=1)
    with pytest.raises(GuardError, match="it is slow"):
        fault(serving, **SITE, loss=1).ready()


def test_the_network_of_the_machine_is_never_slow(sleeping: Estate) -> None:
    with pytest.raises(GuardError, match="it shares the machine's network"):
        fault(sleeping, **SITE, loss=1).ready()


@pytest.mark.containers
@pytest.mark.campaign
@pytest.mark.cell("slow_network", "containers", "none")
def test_containers_lose_packets(tmp_path: Path) -> None:
    with other_sites.containers(tmp_path) as estate:
        check_healed(inject(estate, **SITE, loss=5))
        with pytest.raises(GuardError, match="latency takes a relay"):
            fault(estate, **SITE, latency="1s").ready()


@pytest.mark.containers
@pytest.mark.campaign
def test_an_image_without_tc_limits_no_rate(tmp_path: Path) -> None:
    with other_sites.containers(tmp_path) as estate, pytest.raises(GuardError, match="tc"):
        fault(estate, **SITE, rate="1mbit").ready()
