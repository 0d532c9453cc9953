"""Hosts whose site has to stay down: killed by whoever heals, whatever their shell, and cut off till then."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from drills.fault import Left, undone
from drills.faults.kill_site import KillSite
from drills.faults.partition import Partition
from drills.faults.pause_site import PauseSite
from sites.drivers import command
from sites.drivers.hosts import cut
from sites.drivers.hosts.host import Host
from sites.drivers.hosts.site import HostsSite
from sites.estate import Estate
from sites.recovery.fence import Fences
from tests.drills.faults.test_kill_site import FakeEstate
from tests.sites.drivers.test_hosts_cut import inside, later, lifted
from tests.sites.sshd import (
    Sshd,
    hosts_site,
    make_island,
    make_keys,
    make_sshd,
    no_island,
    one_sshd,
    sleeper,
    why_not,
)

WAIT_SECONDS = 20.0
KEPT = "/run/blackstart/north/undone"
LET = "kill-works"
on_an_island = pytest.mark.skipif(no_island() is not None, reason=str(no_island()))
KILLS = """cd {folder} && test -e {let} || {instead}; read -r pid <alpha.pid && kill -9 "$pid" """


def inside_mounts(server: Sshd, *argv: str) -> str:
    return command.run(["nsenter", "--mount", "--target", str(server.pid), *argv], limit_seconds=10).stdout


@pytest.fixture(scope="module", params=["dash", "bash"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """A machine whose /bin/sh is that shell."""
    if (why := why_not()) is not None:
        pytest.skip(why)
    shell = shutil.which(request.param)
    if shell and Path("/bin/sh").samefile(shell):
        yield one_sshd()
        return
    if shell is None or no_island() is not None:
        pytest.skip(f"{request.param} cannot be had as /bin/sh of a machine here")
    folder = tmp_path_factory.mktemp(request.param)
    make_keys(folder / "keys")
    made = make_sshd(folder / "keys", folder / "server")
    inside_mounts(made, "mount", "--bind", shell, "/bin/sh")
    yield made
    made.remove()


@pytest.fixture
def alive(server: Sshd, tmp_path: Path) -> Iterator[HostsSite]:
    """alpha and beta run; it is nobody's who cut anything off."""
    made = hosts_site(server, tmp_path / "north", ask_seconds=5.0)
    made.up()
    yield made
    made.resume()
    made.kill()
    made.close()


def estate_of(state: Path, site: HostsSite, *, promoted: bool) -> Estate:
    return cast(Estate, FakeEstate(state, cast(Any, site), writable_at_dr=promoted))


def left(folder: Path, *targets: str) -> Left:
    return Left(targets or ("alpha", "beta"), folder, {"writers": ["orders"]})


def test_a_site_of_hosts_is_put_down_by_who_never_cut_it_off(alive: HostsSite) -> None:
    proof = alive.reconnect_fenced()

    assert proof.how == 'host "a" lifted by blackstart, after everything of the site here was killed'
    assert alive.running() == {}
    assert alive.proven_gone().holds


@pytest.mark.parametrize("fault", [PauseSite, KillSite])
def test_hosts_where_another_took_over_are_killed_and_stay_down(
    alive: HostsSite, tmp_path: Path, fault: type[PauseSite | KillSite]
) -> None:
    """The one stands still, the other was brought back by somebody while its fence stood."""
    if fault is PauseSite:
        assert alive.pause().holds
    else:
        Fences(tmp_path).raise_("primary", "failover")

    healing = undone(fault(estate_of(tmp_path, alive, promoted=True), "primary"), left(tmp_path))

    assert healing.undone == "reverted, fenced", healing
    assert alive.running() == {}


@pytest.fixture(scope="module")
def island(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    folder = tmp_path_factory.mktemp("island")
    make_keys(folder / "keys")
    made = make_island(folder / "keys", folder / "server")
    yield made
    made.remove()


def stubborn(island: Sshd, folder: Path, instead: str = "exit 1", *, cut_seconds: float = 600.0) -> HostsSite:
    """Its kill does `instead` until it is let."""
    folder.mkdir(exist_ok=True)
    kill = ("sh", "-c", KILLS.format(folder=folder, let=LET, instead=instead))
    return HostsSite(
        "north",
        {"a": Host("a", island.address())},
        {"alpha": sleeper(folder, "alpha", kill=kill)},
        act_seconds=0.3 if "sleep" in instead else 60.0,
        ask_seconds=1.0,
        kill_seconds=0.1,
        cut_seconds=cut_seconds,
    )


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that failed to kill tries again in no time."""
    monkeypatch.setattr(cut, "AGAIN_SECONDS", 0.1)


def kept(island: Sshd) -> str:
    """What the host wrote down of its own undo."""
    return inside_mounts(island, "sh", "-c", f"cat {KEPT} 2>/dev/null || :")


def until_kept(island: Sshd, words: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while words not in (said := kept(island)):
        assert time.monotonic() < deadline, said
        time.sleep(0.02)


def is_cut(island: Sshd) -> bool:
    return "blackstart_cut_north" in inside(island, "nft", "list", "tables")


@on_an_island
def test_a_host_that_cannot_kill_stays_cut_off_and_that_is_stuck(island: Sshd, tmp_path: Path) -> None:
    """By the one that cut it off; once it can be killed the same one comes to the end."""
    site = stubborn(island, tmp_path / "north")
    site.up()
    fault = Partition(estate_of(tmp_path, site, promoted=True), "primary", "both")
    assert fault.inject(left(tmp_path, "alpha")).holds

    healing = undone(fault, left(tmp_path, "alpha"))

    assert (healing.undone, "alpha up" in healing.how, "exit 1" in healing.how) == ("stuck", True, True)
    assert is_cut(island)
    (tmp_path / "north" / LET).touch()
    healing = undone(fault, left(tmp_path, "alpha"))
    assert healing.undone == "reverted, fenced", healing
    assert (site.running(), is_cut(island)) == ({}, False)
    site.close()


@on_an_island
@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("instead", ["exit 1", "sleep 600"])
def test_a_host_that_is_left_alone_comes_back_only_once_its_kill_worked(
    island: Sshd, tmp_path: Path, instead: str
) -> None:
    site = stubborn(island, tmp_path / "north", instead)
    site.up()
    assert site.partition("both").holds

    site.close()

    until_kept(island, "failed")
    assert is_cut(island)
    (tmp_path / "north" / LET).touch()
    assert later(site) == {}
    assert "by itself when blackstart was gone, after everything of the site here was killed" in lifted(site)
    site.close()


@on_an_island
@pytest.mark.usefixtures("hasty")
def test_a_dead_man_that_never_manages_to_kill_leaves_it_cut_off_and_says_so(
    island: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cut, "TRIES", 2)
    site = stubborn(island, tmp_path / "north", cut_seconds=0.3)
    site.up()
    assert site.partition("both").holds

    until_kept(island, "stays cut off")

    assert kept(island).count("not everything of the site here is gone") == 2
    assert is_cut(island)
    inside(island, "nft", "delete", "table", "inet", "blackstart_cut_north")
    assert list(later(site)) == ["alpha"]
    (tmp_path / "north" / LET).touch()
    assert site.kill().holds
    site.close()
