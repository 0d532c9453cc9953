"""What every site must do that can lose one process, be held still, or be cut off.

Each undo is done by another driver of the same site, as a process would that starts long after the one that
did the damage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from ipaddress import IPv4Address
from pathlib import Path
from typing import Protocol

import pytest

from sites.capability import Killable, Running
from sites.drivers.containers.daemon import PROCESS_LABEL, SITE_LABEL, Daemon
from sites.drivers.containers.site import ContainerSite
from sites.strikable import Direction, KillingOne, Partitionable, Pausable
from tests.contract.test_running_and_killable import processes
from tests.engine import real_sites, specs
from tests.fakes.docker_daemon import FakeDocker, Kept, serving
from tests.sites.sshd import hosts_site, one_sshd, why_not
from tests.sites.wire import no_wire, wired_address


class Site(Running, Killable, KillingOne, Pausable, Partitionable, Protocol):
    pass


Again = Callable[[], Site]


@contextmanager
def containers_of_a_fake_daemon(path: Path) -> Iterator[Again]:
    kept = [Kept(name, {SITE_LABEL: "desk/north", PROCESS_LABEL: name}) for name in specs()]
    with serving(FakeDocker(*kept), path.parent / "docker.sock") as address:
        yield lambda: ContainerSite("north", path, "desk/north", specs(), Daemon(address))


@contextmanager
def processes_on_a_wire(path: Path) -> Iterator[Again]:
    """Processes in a network of their own."""
    if (why := no_wire()) is not None:
        pytest.skip(why)
    address = IPv4Address(wired_address())
    yield lambda: processes(path, namespace=True, network=address)
    processes(path, namespace=True, network=address).kill()


@contextmanager
def hosts(path: Path) -> Iterator[Again]:
    if (why := why_not()) is not None:
        pytest.skip(why)
    yield lambda: hosts_site(one_sshd(), path)
    last = hosts_site(one_sshd(), path)
    last.resume()
    last.kill()


MAKERS: dict[str, Callable[[Path], AbstractContextManager[Again]]] = {
    "containers of a fake daemon": containers_of_a_fake_daemon,
    "containers": real_sites,
    "hosts": hosts,
    "processes on a wire": processes_on_a_wire,
}
REAL = {"containers": pytest.mark.containers}


@pytest.fixture(params=[pytest.param(name, marks=REAL.get(name, ())) for name in MAKERS])
def again(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Again]:
    """Makes one more driver of one and the same site, of which `alpha` and `beta` run."""
    with MAKERS[request.param](tmp_path / "north") as make:
        make().up()
        yield make


def test_it_keeps_the_protocols(again: Again) -> None:
    for protocol in (KillingOne, Pausable, Partitionable):
        assert isinstance(again(), protocol)


def test_one_process_is_lost_and_no_other(again: Again) -> None:
    before = again().running()

    assert again().kill_process("alpha").holds

    assert again().running() == {"beta": before["beta"]}
    assert again().kill_process("alpha").holds
    assert not again().proven_gone().holds


def test_a_process_that_was_lost_can_be_started_again(again: Again) -> None:
    before = again().running()
    again().kill_process("alpha")

    again().start("alpha")

    assert set(again().running()) == {"alpha", "beta"}
    assert again().running()["alpha"] != before["alpha"]


def test_it_is_held_still_and_goes_on(again: Again) -> None:
    before = again().running()
    assert not again().paused().holds

    assert again().pause().holds
    assert again().pause().holds
    assert again().paused().holds

    assert again().resume().holds
    assert not again().paused().holds
    assert again().running() == before


def test_a_site_that_is_not_held_can_be_told_to_go_on(again: Again) -> None:
    assert again().resume().holds
    again().kill()
    assert again().resume().holds
    assert not again().paused().holds


def test_a_site_that_is_held_still_is_alive_until_it_is_killed(again: Again) -> None:
    again().pause()

    assert not again().proven_gone().holds
    assert again().kill().holds
    assert again().running() == {}


@pytest.mark.parametrize("direction", ["both", "inbound", "outbound"])
def test_it_is_cut_off_and_reconnected(again: Again, direction: Direction) -> None:
    if (why := again().cannot_partition()) is not None:
        pytest.skip(why)
    assert not again().partitioned().holds

    assert again().partition(direction).holds
    assert again().partition(direction).holds
    assert again().partitioned().holds

    assert again().reconnect().holds
    assert not again().partitioned().holds
    assert again().reconnect().holds


def test_what_is_gone_is_not_cut_off_any_more(again: Again) -> None:
    if (why := again().cannot_partition()) is not None:
        pytest.skip(why)
    again().partition("both")
    again().kill()

    assert again().reconnect().holds
    assert again().cannot_partition() is not None
    again().up()
    assert not again().partitioned().holds
