"""Faults of volumes on real file systems: full to the last block, or empty; and afterwards what it was."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from drills.faults.fill_disk import FILLER
from drills.faults.lose_volume import KEPT
from drills.preview import Preview
from drills.spared import check_spared
from sites.errors import GuardError
from sites.estate import Estate
from sites.plan import Drill
from sites.plan.faults import Fault as Noun
from sites.recovery.fence import Fences
from tests.drills.faults.conftest import estate_of
from tests.drills.faults.injecting import check_healed, fault, inject
from tests.drills.faults.volumes import SIZE_BYTES, WRITER, mounted, no_mount

needs_mount = pytest.mark.skipif(no_mount() is not None, reason=str(no_mount()))
WAIT_SECONDS = 20.0


def writing(folder: Path, **sections: Any) -> Estate:
    """A primary whose one program writes to a folder of its own until it cannot."""
    volume = folder / "primary/volume"
    volume.mkdir(parents=True, exist_ok=True)
    writer = {"command": ["sh", "-c", WRITER, "sh", str(volume)]}
    site = {"kind": "processes", "drills": True, "processes": {"writer": writer}}
    sites = {name: site | {"path": str(folder / name)} for name in ("primary", "dr")}
    estate = estate_of(folder, sites=sites, **sections)
    estate.site("primary").up()
    until(lambda: (volume / "written").exists())
    return estate


def until(holds: Any) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def bounded(tmp_path: Path) -> Iterator[Estate]:
    """The same on a volume of its own."""
    with mounted(tmp_path / "primary/volume"):
        estate = writing(tmp_path)
        yield estate
        estate.site("primary").kill()


@pytest.fixture
def unbounded(tmp_path: Path) -> Iterator[Estate]:
    """The same on the disk of the machine."""
    estate = writing(tmp_path)
    yield estate
    estate.site("primary").kill()


def volume_of(estate: Estate) -> Path:
    return estate.room("primary") / "volume"


def declared(kind: str, estate: Estate, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "site": "primary", "process": "writer", "path": str(volume_of(estate)), **more}


@needs_mount
@pytest.mark.cell("fill_disk", "processes", "none")
def test_a_full_volume_takes_no_writes_and_has_room_again(bounded: Estate) -> None:
    volume = volume_of(bounded)
    injected = inject(bounded, **declared("fill_disk", bounded))
    with pytest.raises(OSError, match="No space left on device"):
        (volume / "another").write_bytes(b"x" * 4096)
    until(lambda: not bounded.site("primary").running())  # its program notices, and ends
    assert (volume / FILLER).stat().st_size > SIZE_BYTES // 2
    check_healed(injected)
    assert not (volume / FILLER).exists()
    (volume / "another").write_bytes(b"x" * 4096)
    assert set(bounded.site("primary").running()) == {"writer"}


@needs_mount
def test_a_full_volume_of_a_site_that_was_fenced_is_only_emptied(bounded: Estate) -> None:
    injected = inject(bounded, **declared("fill_disk", bounded))
    Fences(bounded.state).raise_("primary", "failover")
    assert injected.heal().undone == "reverted, fenced"
    assert not (volume_of(bounded) / FILLER).exists()
    assert bounded.site("primary").proven_gone().holds


@needs_mount
def test_a_filled_volume_that_is_gone_is_no_failure(tmp_path: Path) -> None:
    with mounted(tmp_path / "primary/volume"):
        estate = writing(tmp_path)
        injected = inject(estate, **declared("fill_disk", estate))
        estate.site("primary").kill()
    (tmp_path / "primary/volume").rmdir()
    assert injected.heal().undone == "target_gone"


def test_the_disk_of_the_machine_is_never_filled(unbounded: Estate) -> None:
    with pytest.raises(GuardError, match="it is on the same disk as /, so it would hit more than the site"):
        fault(unbounded, **declared("fill_disk", unbounded)).ready()
    assert not (volume_of(unbounded) / FILLER).exists()


@needs_mount
def test_a_volume_that_others_share_is_not_filled(tmp_path: Path) -> None:
    """The volume begins above the site's folder: more than the site lies on it."""
    with mounted(tmp_path / "shared"):
        estate = writing(tmp_path / "shared")
        try:
            with pytest.raises(GuardError, match="it holds more than the site's"):
                fault(estate, **declared("fill_disk", estate)).ready()
        finally:
            estate.site("primary").kill()


@pytest.mark.parametrize("kind", ["fill_disk", "lose_volume"])
def test_a_folder_of_somebody_else_is_refused(unbounded: Estate, kind: str) -> None:
    with pytest.raises(GuardError, match="it is no folder of the site's own"):
        fault(unbounded, **declared(kind, unbounded) | {"path": "/dev/shm"}).ready()  # noqa: S108


@pytest.mark.cell("lose_volume", "processes", "none")
def test_what_a_process_kept_is_gone_and_comes_back_as_it_was(unbounded: Estate) -> None:
    volume = volume_of(unbounded)
    (volume / "inner").mkdir(mode=0o750)
    (volume / "inner/a b").write_bytes(b"kept")
    (volume / ".hidden").touch(mode=0o600)
    injected = inject(unbounded, **declared("lose_volume", unbounded))
    assert [path.name for path in volume.iterdir()] == [KEPT]
    assert unbounded.site("primary").running() == {}
    before = (volume / KEPT / "written").read_bytes()
    check_healed(injected)
    assert sorted(path.name for path in volume.iterdir()) == [".hidden", "inner", "written"]
    assert (volume / "inner/a b").read_bytes() == b"kept"
    assert (volume / "inner").stat().st_mode & 0o777 == 0o750
    assert before
    assert (volume / "written").read_bytes().startswith(before)
    assert set(unbounded.site("primary").running()) == {"writer"}


def test_what_came_meanwhile_is_never_overwritten(unbounded: Estate) -> None:
    volume = volume_of(unbounded)
    injected = inject(unbounded, **declared("lose_volume", unbounded))
    (volume / "written").write_text("another")
    healing = injected.heal()
    assert healing.undone == "stuck"
    assert "there are others in" in healing.how
    assert (volume / "written").read_text() == "another"
    (volume / "written").unlink()
    check_healed(injected)


def test_a_lost_volume_of_a_site_that_was_fenced_comes_back_and_nothing_starts(unbounded: Estate) -> None:
    injected = inject(unbounded, **declared("lose_volume", unbounded))
    Fences(unbounded.state).raise_("primary", "failover")
    assert injected.heal().undone == "reverted, fenced"
    assert (volume_of(unbounded) / "written").exists()
    assert unbounded.site("primary").proven_gone().holds


def test_the_folder_of_the_site_itself_is_not_lost(unbounded: Estate) -> None:
    with pytest.raises(GuardError, match="blackstart keeps there what it knows of the site"):
        fault(
            unbounded, **declared("lose_volume", unbounded) | {"path": str(unbounded.room("primary"))}
        ).ready()


@needs_mount
def test_what_lies_anywhere_on_a_volume_is_not_hit_by_filling_it(tmp_path: Path) -> None:
    """The guards look at the whole volume, and not only at the folder that the fault names."""
    volume = tmp_path / "primary/volume"
    with mounted(volume):
        secret = tmp_path / "secret"
        secret.write_text("secret")
        kept = {"site": "primary", "url": str(volume / "repository"), "password": {"file": str(secret)}}
        estate = writing(tmp_path, repositories={"onsite": kept})
        try:
            (volume / "inner").mkdir()
            damage = declared("fill_disk", estate) | {"path": str(volume / "inner")}
            seen = Preview("x", "test", tuple(fault(estate, **damage).ready()), (), "", "", "")
            drill = Drill.model_construct(fault=TypeAdapter(Noun).validate_python(damage))
            with pytest.raises(GuardError, match='has to do with repository "onsite"'):
                check_spared(estate, drill, seen)
        finally:
            estate.site("primary").kill()
