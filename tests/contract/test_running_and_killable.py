"""What every site that runs processes and can be lost whole must do, the fake included.

A new kind of site adds its maker to `MAKERS`. Every maker gives a site that declares `alpha` and `beta`,
started with the site, and `gamma`, started only when asked for. Those in `OURS` have a life that begins when
we bring them up; others are there without us, and what runs there can be asked at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from ipaddress import IPv4Address
from pathlib import Path
from typing import Protocol

import pytest

from sites.capability import Killable, Running
from sites.drivers.containers.daemon import PROCESS_LABEL, SITE_LABEL, Daemon
from sites.drivers.containers.site import ContainerSite
from sites.drivers.processes.control import namespaces_work
from sites.drivers.processes.site import ProcessSite, ProcessSpec
from sites.errors import SiteDown, SiteError
from tests.engine import real_site, specs
from tests.fakes.docker_daemon import FakeDocker, Kept, serving
from tests.fakes.site import FakeSite
from tests.sites.shell_commands import shell_site
from tests.sites.sshd import hosts_site, one_sshd, why_not


class Site(Running, Killable, Protocol):
    pass


def processes(path: Path, *, namespace: bool, network: IPv4Address | None = None) -> ProcessSite:
    sleeper = ProcessSpec(("sleep", "600"))
    later = ProcessSpec(("sleep", "600"), autostart=False)
    specs = {"alpha": sleeper, "beta": sleeper, "gamma": later}
    return ProcessSite("north", path, specs, namespace=namespace, network=network)


@contextmanager
def containers_of_a_fake_daemon(path: Path) -> Iterator[ContainerSite]:
    kept = [Kept(name, {SITE_LABEL: "desk/north", PROCESS_LABEL: name}) for name in specs()]
    with serving(FakeDocker(*kept), path.parent / "docker.sock") as address:
        yield ContainerSite("north", path, "desk/north", specs(), Daemon(address))


MAKERS: dict[str, Callable[[Path], AbstractContextManager[Site]]] = {
    "fake": lambda _: nullcontext(FakeSite("north", ("alpha", "beta"), ("gamma",))),
    "process tree": lambda path: nullcontext(processes(path, namespace=False)),
    "process namespace": lambda path: nullcontext(processes(path, namespace=True)),
    "shell": lambda path: nullcontext(shell_site(path)),
    "hosts": lambda path: nullcontext(hosts_site(one_sshd(), path)),
    "containers of a fake daemon": containers_of_a_fake_daemon,
    "containers": real_site,
}
OURS = ("fake", "process tree", "process namespace", "containers of a fake daemon", "containers")
REAL = {"containers": pytest.mark.containers}


@pytest.fixture(params=[pytest.param(name, marks=REAL.get(name, ())) for name in MAKERS])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    if request.param == "process namespace" and not namespaces_work():
        pytest.skip("no PID namespaces for us here")
    if request.param == "hosts" and why_not() is not None:
        pytest.skip(str(why_not()))
    with MAKERS[request.param](tmp_path / "north") as made:
        yield made
        made.kill()


@pytest.fixture
def life(request: pytest.FixtureRequest, site: Site) -> bool:
    """Whether the site's life begins when we bring it up."""
    assert site.running() == {}
    return request.node.callspec.params["site"] in OURS


def test_it_keeps_both_protocols(site: Site) -> None:
    assert isinstance(site, Running)
    assert isinstance(site, Killable)


def test_up_starts_what_starts_with_the_site(site: Site) -> None:
    site.up()

    assert list(site.running()) == ["alpha", "beta"]


def test_up_again_leaves_alone_what_runs(site: Site) -> None:
    site.up()
    before = site.running()

    site.up()

    assert site.running() == before


def test_up_again_starts_what_was_stopped(site: Site) -> None:
    site.up()
    site.stop("alpha")

    site.up()

    assert set(site.running()) == {"alpha", "beta"}


def test_a_declared_process_is_started_when_asked_for(site: Site) -> None:
    site.up()

    site.start("gamma")
    before = site.running()
    site.start("gamma")

    assert list(before) == ["alpha", "beta", "gamma"]
    assert site.running() == before


def test_every_process_has_a_number_of_its_own(site: Site) -> None:
    site.up()
    site.start("gamma")

    assert len(set(site.running().values())) == 3


def test_an_undeclared_process_is_refused_by_name(site: Site) -> None:
    site.up()

    with pytest.raises(SiteError, match=r'"north" has no process "delta"; it has: alpha, beta, gamma'):
        site.start("delta")


def test_nothing_starts_at_a_site_of_ours_that_is_not_up(site: Site, *, life: bool) -> None:
    if not life:
        site.start("gamma")
        assert list(site.running()) == ["gamma"]
        return
    with pytest.raises(SiteDown, match="is not up"):
        site.start("gamma")


def test_stop_ends_one_process_and_no_other(site: Site) -> None:
    site.up()
    before = site.running()

    site.stop("alpha")
    site.stop("alpha")

    assert site.running() == {"beta": before["beta"]}


def test_down_leaves_nothing(site: Site) -> None:
    site.up()

    site.down()
    site.down()

    assert site.running() == {}
    assert site.proven_gone().holds


def test_a_site_of_ours_that_was_never_up_is_not_proven_gone(site: Site, *, life: bool) -> None:
    assert site.proven_gone().holds is not life
    assert site.kill().holds is not life


def test_a_living_site_is_not_proven_gone(site: Site) -> None:
    site.up()

    assert not site.proven_gone().holds


def test_a_site_of_ours_with_no_process_left_is_still_up(site: Site, *, life: bool) -> None:
    site.up()
    site.stop("alpha")
    assert not site.proven_gone().holds
    site.stop("beta")

    assert site.proven_gone().holds is not life


def test_only_what_is_named_is_started(site: Site) -> None:
    site.up(only=("beta",))
    assert list(site.running()) == ["beta"]

    site.up(only=())
    assert list(site.running()) == ["beta"]


def test_the_targets_are_the_site_and_each_process(site: Site) -> None:
    assert site.targets() == []

    site.up()

    kinds = [(target.site, target.kind, target.name) for target in site.targets() if target.kind != "host"]
    assert kinds == [("north", "site", "north"), ("north", "process", "alpha"), ("north", "process", "beta")]


def test_kill_ends_everything_and_proves_it(site: Site) -> None:
    site.up()

    proof = site.kill()

    assert proof.holds, proof
    assert proof.how
    assert site.running() == {}
    assert site.targets() == []


def test_what_was_killed_is_proven_gone_and_may_be_killed_again(site: Site) -> None:
    site.up()
    site.targets()
    site.kill()

    assert site.proven_gone().holds
    assert site.kill().holds


def test_a_killed_site_can_be_brought_back_and_killed_again(site: Site) -> None:
    site.up()
    site.targets()
    before = site.running()
    site.kill()

    site.up()

    assert list(site.running()) == ["alpha", "beta"]
    assert not set(site.running().values()) & set(before.values())
    assert not site.proven_gone().holds
    assert site.kill().holds
    assert site.running() == {}
