"""Faults at sites of containers, of hosts and of a user's own commands: in force, and gone again."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from sites.drivers.containers.site import ContainerSite
from sites.drivers.hosts.site import HostsSite
from sites.drivers.processes.site import ProcessSite
from sites.drivers.shell_site import ShellSite
from sites.errors import GuardError
from sites.estate import Estate
from sites.recovery.fence import Fences
from tests.drills.faults import other_sites
from tests.drills.faults.injecting import check_healed, fault, inject
from tests.drills.faults.other_sites import BOUNDED, KEPT, NAMES
from tests.drills.faults.volumes import mounted, no_mount

SITE = {"site": "primary"}
# one way after the other in the campaign
DIRECTIONS = ["both", *(pytest.param(way, marks=pytest.mark.campaign) for way in ("inbound", "outbound"))]
VOLUME = {**SITE, "process": "postgres"}
KINDS: dict[str, Callable[[Path], AbstractContextManager[Estate]]] = {
    "containers": other_sites.containers,
    "hosts": other_sites.hosts,
    "shell": other_sites.shell,
}
MARKS = {"containers": [pytest.mark.containers, pytest.mark.campaign]}  # all of them take half a minute
each = pytest.mark.parametrize(
    "estate", [pytest.param(name, marks=MARKS.get(name, [])) for name in KINDS], indirect=True
)
that_stands_still = pytest.mark.parametrize(
    "estate", [pytest.param("containers", marks=MARKS["containers"]), "hosts"], indirect=True
)
of_containers = pytest.mark.parametrize(
    "estate", [pytest.param("containers", marks=pytest.mark.containers)], indirect=True
)


@pytest.fixture
def estate(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Estate]:
    with KINDS[request.param](tmp_path) as made:
        yield made


def running(estate: Estate) -> set[str]:
    return set(estate.site("primary").running())


@each
@pytest.mark.cell("kill_site", "containers", "none")
@pytest.mark.cell("kill_site", "hosts", "none")
@pytest.mark.cell("kill_site", "shell", "none")
def test_a_killed_site_comes_back_with_what_ran(estate: Estate) -> None:
    injected = inject(estate, kind="kill_site", **SITE)
    assert running(estate) == set()
    check_healed(injected)
    assert running(estate) == set(NAMES)


@each
@pytest.mark.cell("kill_service", "containers", "none")
@pytest.mark.cell("kill_service", "hosts", "none")
@pytest.mark.cell("kill_service", "shell", "none")
def test_one_killed_process_comes_back(estate: Estate) -> None:
    injected = inject(estate, kind="kill_service", process="gateway", **SITE)
    assert running(estate) == {"postgres"}
    check_healed(injected)
    assert running(estate) == set(NAMES)


@each
@pytest.mark.cell("stop_service", "containers", "none")
@pytest.mark.cell("stop_service", "hosts", "none")
@pytest.mark.cell("stop_service", "shell", "none")
def test_one_stopped_process_comes_back(estate: Estate) -> None:
    injected = inject(estate, kind="stop_service", process="gateway", **SITE)
    assert running(estate) == {"postgres"}
    check_healed(injected)
    assert running(estate) == set(NAMES)


@that_stands_still
@pytest.mark.cell("pause_site", "containers", "none")
@pytest.mark.cell("pause_site", "hosts", "none")
def test_a_paused_site_stands_still_and_goes_on(estate: Estate) -> None:
    before = estate.site("primary").running()
    injected = inject(estate, kind="pause_site", **SITE)
    check_healed(injected)
    assert estate.site("primary").running() == before


@each
def test_a_site_that_was_fenced_meanwhile_stays_down(estate: Estate) -> None:
    injected = inject(estate, kind="kill_site", **SITE)
    Fences(estate.state).raise_("primary", "failover")
    assert injected.heal().undone == "reverted, fenced"
    assert running(estate) == set()


@each
@pytest.mark.cell("shell", "containers", "any")
@pytest.mark.cell("shell", "hosts", "any")
@pytest.mark.cell("shell", "shell", "any")
def test_a_fault_of_the_users_own(estate: Estate, tmp_path: Path) -> None:
    mark = tmp_path / "broken"
    commands = {
        "inject": ["touch", str(mark)],
        "effective": ["test", "-e", str(mark)],
        "heal": ["rm", "-f", str(mark)],
    }
    check_healed(inject(estate, kind="shell", name="a broken switch", **SITE, **commands))
    assert not mark.exists()


def answered(host: str, port: int, limit_seconds: float = 10) -> bool:
    """Whether anything comes back, be it a refusal; else there is silence."""
    try:
        socket.create_connection((host, port), timeout=limit_seconds).close()
    except ConnectionRefusedError:
        return True
    except TimeoutError:
        return False
    return True


@of_containers
@pytest.mark.campaign
@pytest.mark.cell("partition", "containers", "none")
@pytest.mark.parametrize("direction", ["both", "inbound", "outbound"])
def test_containers_that_are_cut_off_are_silent(estate: Estate, direction: str) -> None:
    target = next(one for one in estate.site("primary").targets() if one.name == "postgres")
    addresses = target.detail["addresses"]
    assert isinstance(addresses, dict)
    at = next(iter(addresses.values()))
    assert answered(at, 9)
    injected = inject(estate, kind="partition", direction=direction, **SITE)
    assert not answered(at, 9, 0.3)
    check_healed(injected)
    assert answered(at, 9)


@pytest.mark.cell("partition", "hosts", "none")
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_host_that_is_cut_off_is_silent(tmp_path: Path, direction: str) -> None:
    with other_sites.island(tmp_path) as (estate, server):
        assert answered(server.at, server.port)
        injected = inject(estate, kind="partition", direction=direction, **SITE)
        assert not answered(server.at, server.port, 0.3)
        check_healed(injected)
        assert answered(server.at, server.port)
        assert running(estate) == set(NAMES)


@pytest.mark.refused("pause_site", "shell")
@pytest.mark.refused("partition", "shell")
@pytest.mark.refused("slow_network", "shell")
@pytest.mark.refused("fill_disk", "shell")
@pytest.mark.refused("lose_volume", "shell")
@pytest.mark.parametrize("kind", ["pause_site", "partition", "slow_network", "fill_disk", "lose_volume"])
def test_what_a_users_own_site_cannot_do_is_refused(tmp_path: Path, kind: str) -> None:
    more = {"process": "postgres", "path": "/var/lib"} if kind in ("fill_disk", "lose_volume") else {}
    with other_sites.shell(tmp_path) as estate, pytest.raises(GuardError, match="offer no way to"):
        fault(estate, kind=kind, **SITE, **more).ready()


@of_containers
@pytest.mark.cell("fill_disk", "containers", "none")
def test_a_full_volume_of_a_container_has_room_again(estate: Estate) -> None:
    injected = inject(estate, kind="fill_disk", path=BOUNDED, **VOLUME)
    check_healed(injected)
    assert running(estate) == set(NAMES)


@of_containers
def test_the_disk_of_the_daemon_is_never_filled(estate: Estate) -> None:
    with pytest.raises(GuardError, match="it is on the same disk as /blackstart"):
        fault(estate, kind="fill_disk", path=KEPT, **VOLUME).ready()
    with pytest.raises(GuardError, match="it is no folder of the site's own"):
        fault(estate, kind="fill_disk", path="/etc", **VOLUME).ready()


@of_containers
@pytest.mark.campaign
@pytest.mark.cell("lose_volume", "containers", "none")
def test_a_lost_volume_of_a_container_comes_back(estate: Estate) -> None:
    site = estate.site("primary")
    site.at_volume("postgres", f"echo here >{KEPT}/file", limit_seconds=10)  # type: ignore[attr-defined]
    injected = inject(estate, kind="lose_volume", path=KEPT, **VOLUME)
    assert running(estate) == {"gateway"}
    check_healed(injected)
    said = site.at_volume("postgres", f"cat {KEPT}/file", limit_seconds=10)  # type: ignore[attr-defined]
    assert said == ["here"]
    assert running(estate) == set(NAMES)


@pytest.mark.skipif(no_mount() is not None, reason=str(no_mount()))
@pytest.mark.cell("fill_disk", "hosts", "none")
@pytest.mark.cell("lose_volume", "hosts", "none")
@pytest.mark.parametrize("kind", ["fill_disk", "lose_volume"])
def test_a_volume_on_a_host_is_struck_and_what_it_was_again(tmp_path: Path, kind: str) -> None:
    data = tmp_path / "data"
    with mounted(data), other_sites.island(tmp_path, data) as (estate, _):
        (data / "file").write_text("here")
        injected = inject(estate, kind=kind, path=str(data), **VOLUME)
        assert running(estate) == (set(NAMES) if kind == "fill_disk" else {"gateway"})
        check_healed(injected)
        assert [path.name for path in data.iterdir()] == ["file"]
        assert (data / "file").read_text() == "here"
        assert running(estate) == set(NAMES)


@pytest.mark.refused("freeze_replica", "containers")
@pytest.mark.refused("freeze_replica", "hosts")
@pytest.mark.refused("freeze_replica", "shell")
@pytest.mark.parametrize("site", [ContainerSite, HostsSite, ShellSite])
def test_only_a_site_of_processes_hands_on_signals_to_freeze_a_receiver(site: type) -> None:
    """That nothing is begun at a standby whose site does not is shown in `test_database_faults`."""
    assert {"signal", "frozen"} <= set(dir(ProcessSite))
    assert not {"signal", "frozen"} & set(dir(site))


@pytest.mark.refused("slow_network", "hosts")
def test_the_network_of_a_host_is_not_made_slow(tmp_path: Path) -> None:
    with other_sites.hosts(tmp_path) as estate, pytest.raises(GuardError, match="offer no way to"):
        fault(estate, kind="slow_network", loss=1, **SITE).ready()


@pytest.mark.parametrize("kind", ["fill_disk", "lose_volume"])
def test_what_the_plan_does_not_keep_on_a_host_is_left_alone(tmp_path: Path, kind: str) -> None:
    (tmp_path / "theirs").mkdir()
    with (
        other_sites.hosts(tmp_path) as estate,
        pytest.raises(GuardError, match="no folder of the site's own"),
    ):
        fault(estate, kind=kind, path=str(tmp_path / "theirs"), **VOLUME).ready()
