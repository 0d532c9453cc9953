"""No drill hits who runs it, its evidence or the repositories, nor more than its plan allows."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from drills import spared
from drills.preview import Preview
from drills.spared import check_caps, check_spared, lineage, listening
from sites.capability import Target
from sites.errors import GuardError, HostError
from sites.estate import Estate
from sites.plan import Drill
from sites.plan.caps import Caps
from tests.drills.faults.conftest import estate_of
from tests.drills.small_drill import DRILL, small_estate

SERVER = """
import socket, sys
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
sys.stdin.read()
"""


def preview_of(*targets: Target) -> Preview:
    return Preview(DRILL, "test", targets, (), "it is gone", "start it", "0123456789abcdef")


def check(estate: Estate, *targets: Target) -> None:
    check_spared(estate, estate.plan.drills[DRILL], preview_of(*targets))


@contextmanager
def server() -> Iterator[tuple[int, int]]:
    """A process that listens: its number and its port."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        yield process.pid, int(process.stdout.readline())
        process.communicate()


def with_repository(folder: Path, url: str) -> tuple[Estate, Drill]:
    drill = small_estate(folder).plan.drills[DRILL]
    password = {"file": str(folder / "password")}
    return estate_of(
        folder, repositories={"offsite": {"site": "dr", "url": url, "password": password}}
    ), drill


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    return small_estate(tmp_path)


def test_what_is_nobody_of_ours_may_be_hit(estate: Estate) -> None:
    with server() as (pid, _):
        check(estate, Target("primary", "process", "postgres", {"pid": pid}))
    check(estate, Target("primary", "folder", "/srv/data"), Target("primary", "host", "db root@192.0.2.7:22"))


@pytest.mark.parametrize("pid_of", [os.getpid, os.getppid], ids=["itself", "parent"])
def test_the_orchestrator_and_what_it_descends_from_are_spared(
    estate: Estate, pid_of: Callable[[], int]
) -> None:
    pid = pid_of()
    assert {os.getpid(), os.getppid()} <= lineage() | {1}
    with pytest.raises(GuardError, match=f"is process {pid}, which runs this drill"):
        check(estate, Target("primary", "process", "postgres", {"pid": pid}))
    check(estate, Target("primary", "process", "postgres", {"pid": pid, "host": "another-machine"}))


@pytest.mark.parametrize("address", ["127.0.0.1", "root@localhost", "127.0.0.1:22"])
def test_the_machine_that_runs_the_drill_is_spared(estate: Estate, address: str) -> None:
    with pytest.raises(GuardError, match="is the machine that runs this drill"):
        check(estate, Target("primary", "host", f"db {address}"))


def test_a_forwarded_port_leads_to_another_machine(estate: Estate) -> None:
    check(estate, Target("primary", "host", "db root@127.0.0.1:2222"))


def test_folders_of_evidence_and_state_are_spared(estate: Estate) -> None:
    for folder, what in (
        (estate.state.parent, "the state of drills"),
        (estate.plan.evidence.path / "run", "the evidence"),
        (Path(__file__).parents[2], "blackstart itself"),
    ):
        with pytest.raises(GuardError, match=f"has to do with .*{what}"):
            check(estate, Target("primary", "folder", str(folder)))
    check(estate, Target("primary", "folder", str(Path(__file__).parents[2] / "examples" / "minimal")))


def test_a_repository_is_spared_unless_the_fault_is_about_it(tmp_path: Path) -> None:
    estate, drill = with_repository(tmp_path, str(tmp_path / "dr" / "repository"))
    seen = preview_of(Target("dr", "volume", f"postgres:{tmp_path / 'dr'}"))
    with pytest.raises(GuardError, match='has to do with repository "offsite"'):
        check_spared(estate, drill, seen)
    fault = {"kind": "wrong_key", "repository": "offsite"}
    about_it = Drill.model_validate(drill.model_dump(mode="json") | {"fault": fault})
    check_spared(estate, about_it, seen)


def test_who_serves_a_repository_is_spared(tmp_path: Path) -> None:
    with server() as (pid, port):
        assert listening(pid) == {port}
        target = Target("dr", "process", "rest-server", {"pid": pid})
        estate, drill = with_repository(tmp_path, f"rest:http://127.0.0.1:{port}/offsite")
        with pytest.raises(GuardError, match=rf'serves repository "offsite" \(port {port}\)'):
            check_spared(estate, drill, preview_of(target))
        estate, drill = with_repository(tmp_path, "rest:http://127.0.0.1:9/offsite")
        check_spared(estate, drill, preview_of(target))


ID = "f0" * 32
INSIDE = f"""471 452 0:51 / / rw,relatime master:1 - overlay overlay rw
489 471 8:1 /var/lib/docker/containers/{ID}/hostname /etc/hostname rw,relatime - ext4 /dev/sda1 rw
"""
BESIDE = f"""30 25 0:44 / /var/lib/docker/containers/{ID}/mounts/shm rw,nosuid - tmpfs shm rw,size=65536k
31 25 8:1 /etc/hostname /etc/hostname rw,relatime - ext4 /dev/sda1 rw
"""


def test_the_container_that_runs_the_drill_is_spared(
    estate: Estate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There every process has another number than the daemon says."""
    mounts = tmp_path / "mountinfo"
    monkeypatch.setattr(spared, "_MOUNTS", mounts)
    struck = Target("primary", "process", "web", {"pid": 4242424, "container": ID})
    mounts.write_text(BESIDE)
    check(estate, struck)
    mounts.write_text(INSIDE)
    with pytest.raises(GuardError, match="is the container that runs this drill"):
        check(estate, struck)
    check(estate, replace(struck, detail={"pid": 4242424, "container": "0f" * 32}))


@pytest.mark.parametrize(
    ("url", "served"),
    [
        ("rest:http://127.0.0.1:18000/offsite", True),
        ("rest:http://172.30.0.5:8000/offsite", True),
        ("s3:http://172.30.0.5/bucket", True),
        ("rest:http://127.0.0.1:8000/offsite", False),
        ("rest:http://172.30.0.6:8000/offsite", False),
        ("/srv/repository", False),
    ],
)
def test_a_container_that_serves_a_repository_is_spared(tmp_path: Path, url: str, served: bool) -> None:
    """By its own address, or by the port at which it is published here."""
    estate, drill = with_repository(tmp_path, url)
    detail = {
        "pid": 4242424,
        "container": ID,
        "addresses": {"north": "172.30.0.5"},
        "published": {"8000/tcp": "127.0.0.1:18000"},
    }
    seen = preview_of(Target("dr", "process", "rest-server", detail))
    if not served:
        check_spared(estate, drill, seen)
        return
    with pytest.raises(GuardError, match='serves repository "offsite"'):
        check_spared(estate, drill, seen)
    fault = {"kind": "wrong_key", "repository": "offsite"}
    check_spared(estate, Drill.model_validate(drill.model_dump(mode="json") | {"fault": fault}), seen)


@pytest.mark.parametrize(
    ("url", "fault", "served"),
    [
        ("rest:http://192.0.2.7:8000/offsite", {"kind": "partition"}, True),
        ("sftp:backup@192.0.2.7:/srv/restic", {"kind": "partition"}, True),
        ("sftp:backup@192.0.2.7:/srv/restic", {"kind": "fill_disk", "process": "db", "path": "/srv"}, True),
        ("sftp:backup@192.0.2.8:/srv/restic", {"kind": "partition"}, False),
        ("sftp:backup@192.0.2.7:/srv/restic", {"kind": "kill_site"}, False),
    ],
)
def test_a_host_that_serves_a_repository_is_not_cut_off(
    tmp_path: Path, url: str, fault: dict[str, str], served: bool
) -> None:
    """Nor is its disk filled. A site that is killed there is looked at by its units: see below."""
    drill = small_estate(tmp_path).plan.drills[DRILL]
    site = {"kind": "hosts", "drills": True, "hosts": {"alpha": {"address": "192.0.2.7"}}}
    unit = {"processes": {"db": {"unit": "db.service"}}}
    there = {"primary": site | unit, "dr": {"kind": "processes", "path": str(tmp_path / "dr")}}
    kept = {"site": "dr", "url": url, "password": {"file": str(tmp_path / "password")}}
    estate = estate_of(tmp_path, sites=there, repositories={"offsite": kept})
    changed = drill.model_dump(mode="json") | {"fault": {"site": "primary", **fault}}
    seen = preview_of(Target("primary", "host", "alpha 192.0.2.7"))
    if not served:
        check_spared(estate, Drill.model_validate(changed), seen)
        return
    with pytest.raises(GuardError, match='serves repository "offsite"'):
        check_spared(estate, Drill.model_validate(changed), seen)


@pytest.mark.parametrize(
    ("url", "fault", "why"),
    [
        ("rest:http://192.0.2.7:8000/offsite", {"kind": "kill_site"}, "serves"),
        ("rest:http://192.0.2.7:8000/offsite", {"kind": "pause_site"}, "serves"),
        ("rest:http://192.0.2.7:8001/offsite", {"kind": "kill_site"}, None),
        ("rest:http://192.0.2.8:8000/offsite", {"kind": "kill_site"}, None),
        ("rest:http://192.0.2.7:9000/offsite", {"kind": "kill_site"}, "may serve"),
        ("rest:http://192.0.2.7:8000/offsite", {"kind": "wrong_key", "repository": "offsite"}, None),
    ],
)
def test_a_unit_of_a_host_that_serves_a_repository_is_not_struck(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, fault: dict[str, str], why: str | None
) -> None:
    """By the port on which it listens there. Where that cannot be told, it may be the one."""

    class Hosts:
        def listening(self, process: str) -> set[int]:
            if ":9000" in url:
                raise HostError(f'cannot tell on which ports process "{process}" listens')
            return {8000}

    drill = small_estate(tmp_path).plan.drills[DRILL]
    site = {"kind": "hosts", "drills": True, "hosts": {"alpha": {"address": "192.0.2.7"}}}
    there = {"primary": site | {"processes": {"db": {"unit": "db.service"}}}}
    kept = {"site": "primary", "url": url, "password": {"file": str(tmp_path / "password")}}
    dr = {"dr": {"kind": "processes", "path": str(tmp_path / "dr")}}
    estate = estate_of(tmp_path, sites=there | dr, repositories={"offsite": kept})
    monkeypatch.setattr(estate, "site", {"primary": Hosts()}.__getitem__)
    where = {} if fault["kind"] == "wrong_key" else {"site": "primary"}
    drill = Drill.model_validate(drill.model_dump(mode="json") | {"fault": {**fault, **where}})
    seen = preview_of(Target("primary", "process", "db", {"pid": 7, "host": "alpha"}))
    if why is None:
        check_spared(estate, drill, seen)
        return
    with pytest.raises(
        GuardError, match=rf'process "db" at site "primary" {why} repository "offsite" \({url}'
    ):
        check_spared(estate, drill, seen)


def test_no_more_is_hit_than_the_plan_allows(estate: Estate) -> None:
    drill = estate.plan.drills[DRILL]
    one = Target("primary", "process", "postgres")
    check_caps(drill, preview_of(*[one] * 50))
    with pytest.raises(GuardError, match="would hit 51 targets at primary, allowed are 50"):
        check_caps(drill, preview_of(*[one] * 51))
    both = preview_of(one, replace(one, site="dr"))
    with pytest.raises(GuardError, match=r"would hit 2 sites \(dr, primary\), allowed are 1"):
        check_caps(drill, both)
    check_caps(drill.model_copy(update={"caps": Caps(sites=2)}), both)
