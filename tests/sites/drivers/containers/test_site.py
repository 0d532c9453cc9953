"""What a site of containers does where daemon, containers or their makers go wrong: on a fake daemon."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from sites.drivers.containers.daemon import PROCESS_LABEL, SITE_LABEL, Daemon
from sites.drivers.containers.record import Life
from sites.drivers.containers.site import ContainerSite, ContainerSpec
from sites.drivers.processes.readiness import TcpReady
from sites.errors import SiteError
from tests.fakes.docker_daemon import FakeDocker, Kept, serving

OURS = {SITE_LABEL: "desk/north"}
Make = Callable[..., tuple[ContainerSite, FakeDocker]]


def kept(name: str, **others: object) -> Kept:
    return Kept(f"desk-{name}-1", OURS | {PROCESS_LABEL: name}, **others)  # type: ignore[arg-type]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    with ExitStack() as stack:

        def made(*containers: Kept, **specs: ContainerSpec) -> tuple[ContainerSite, FakeDocker]:
            fake = FakeDocker(*containers)
            address = stack.enter_context(serving(fake, tmp_path / "docker.sock"))
            declared = specs or {"db": ContainerSpec()}
            return ContainerSite("north", tmp_path / "north", "desk/north", declared, Daemon(address)), fake

        yield made


def test_containers_of_another_label_are_nobodys_business(make: Make) -> None:
    stranger = Kept("stranger", {SITE_LABEL: "desk/north2", PROCESS_LABEL: "db"}, state="running", pid=7)
    site, fake = make(kept("db"), stranger)
    site.up()

    assert site.kill().holds
    assert stranger.state == "running"
    assert not [call for call in fake.calls if "stranger" in call]


def test_a_container_with_the_label_that_the_plan_does_not_name_is_lost_with_the_site(make: Make) -> None:
    worker = kept("worker", state="running", pid=7)
    site, _ = make(kept("db"), worker)
    site.up()

    assert {target.name for target in site.targets()} == {"north", "db", "worker"}
    assert site.kill().holds
    assert worker.state == "exited"


def test_what_the_daemon_cannot_kill_is_no_proof_of_death(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sites.drivers.containers.site.KILL_SECONDS", 0.2)
    site, _ = make(kept("db", immortal=True))
    site.up()

    proof = site.kill()

    assert not proof.holds
    assert "1 of its containers are alive: db" in proof.how
    assert not site.kill_process("db").holds


def test_a_daemon_that_does_not_answer_proves_nothing(tmp_path: Path) -> None:
    site = ContainerSite("north", tmp_path, "desk/north", {}, Daemon(f"unix://{tmp_path}/nowhere.sock"))
    Life.begun("desk/north").over().save(tmp_path)

    assert not site.proven_gone().holds
    assert "does not answer" in site.proven_gone().how
    with pytest.raises(SiteError, match=r"cannot reach the Docker daemon: unix://.* does not answer"):
        site.running()


def test_it_says_which_daemon_and_which_images_and_what_is_not_known(make: Make) -> None:
    site, _ = make(kept("db"), db=ContainerSpec(), web=ContainerSpec())
    daemon, db, web = site.versions()
    assert (daemon.what, daemon.version) == ("Docker daemon", "20.10.24; kernel 6.1.0")
    assert (db.what, db.version) == ("image of container db", "fake:0 sha256:beef")
    assert web.version is None
    assert 'no container for process "web"' in str(web.problem)


def test_a_container_that_nobody_made_is_asked_for_by_its_labels(make: Make) -> None:
    site, _ = make()

    with pytest.raises(SiteError, match='no container for process "db"') as raised:
        site.up()
    assert raised.value.hint == "make one, labelled blackstart.site=desk/north and blackstart.process=db"


def test_a_container_that_would_come_back_by_itself_is_refused(make: Make) -> None:
    site, fake = make(kept("db", restart="always"))

    with pytest.raises(SiteError, match="restarted always"):
        site.up()
    assert fake.calls == []


def test_a_container_about_to_be_restarted_is_told_not_to(make: Make) -> None:
    restless = kept("db", state="restarting", started="2026-01-01T00:00:00Z")
    site, fake = make(restless)

    site.kill()

    assert "stop desk-db-1" in fake.calls


def test_a_site_that_somebody_else_brought_up_can_be_lost(make: Make) -> None:
    site, _ = make(kept("db", state="running", pid=7, started="2026-01-01T00:00:00.5Z"))

    assert site.running() == {"db": 7}
    assert site.kill().holds


def test_they_are_in_the_order_of_starting_whatever_the_daemon_leaves_out_of_a_time(make: Make) -> None:
    first = kept("db", state="running", pid=7, started="2026-01-01T00:00:00.5Z")
    second = kept("gateway", state="running", pid=8, started="2026-01-01T00:00:00.500000001Z")
    site, _ = make(second, first)

    assert list(site.running()) == ["db", "gateway"]


def test_one_that_does_not_get_ready_is_told_with_its_name(make: Make) -> None:
    never = ContainerSpec(ready=TcpReady("127.0.0.1:1"), ready_seconds=0.05)
    site, _ = make(kept("db"), db=never)

    with pytest.raises(SiteError, match=r'process "db" at site "north" did not get ready: not within 0.05 s'):
        site.up()


def test_the_machines_own_network_is_never_cut_off(make: Make) -> None:
    site, fake = make(kept("db", network_mode="host"))
    site.up()

    assert "hits everybody" in str(site.cannot_partition())
    assert not [call for call in fake.calls if call.startswith("create")]


def test_an_image_without_nft_is_named(make: Make) -> None:
    site, _ = make(kept("db", tools=False))
    site.up()

    assert "nft of image fake:0 does not work" in str(site.cannot_partition())
    with pytest.raises(SiteError, match="cannot cut off"):
        site.partition("both")


def test_a_record_that_is_none_is_an_error_and_no_guess(make: Make, tmp_path: Path) -> None:
    site, _ = make(kept("db"))
    site.up()
    (tmp_path / "north" / "site.json").write_text("{}")

    with pytest.raises(SiteError, match="cannot read"):
        site.proven_gone()


def test_a_site_may_be_killed_by_several_at_once(make: Make, tmp_path: Path) -> None:
    site, fake = make(kept("db"), *[kept(str(number)) for number in range(3)])
    drivers = [
        ContainerSite("north", tmp_path / "north", "desk/north", {}, Daemon(f"unix://{tmp_path}/docker.sock"))
        for _ in range(8)
    ]
    site.up(only=[])
    for one in fake.containers.values():
        one.state = "running"
        one.started = "2026-01-01T00:00:00Z"

    with ThreadPoolExecutor(len(drivers)) as pool:
        proofs = list(pool.map(lambda driver: driver.kill(), drivers * 4))

    assert all(proof.holds for proof in proofs), proofs
    assert site.proven_gone().holds
