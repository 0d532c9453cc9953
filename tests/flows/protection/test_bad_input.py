"""What goes wrong in a round: a named error or a partial point; the good point before it stays, and shows."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from flows.exposure.exposed import exposed
from flows.options import estate_of
from flows.protection import outcomes
from flows.protection.protect import back_up, replicate_all, restore_tests
from sites.drivers.restic.planted_lock import cannot_plant, make_lock
from sites.errors import (
    BlackstartError,
    DatasetError,
    NoRepository,
    RepositoryDamaged,
    RepositoryError,
    RepositoryLocked,
    WrongPassword,
)
from sites.estate import Estate
from sites.protection.exposure import Exposure
from sites.protection.history import History
from tests.flows.plans import small_plan
from tests.sites.repositories import packs

Planted = Callable[[Path, Estate], AbstractContextManager[None]]
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")


@pytest.fixture
def estate(tmp_path: Path, repository: Path) -> Estate:
    """A plan whose documents have a good point at both sites."""
    made = estate_of(small_plan(tmp_path, repository))
    for one in (*back_up(made, ["documents"]), *replicate_all(made)):
        assert one.error is None
    return made


def shown(estate: Estate) -> Exposure:
    return exposed(estate)[0]


@contextmanager
def wrong_password(root: Path, _: Estate) -> Iterator[None]:
    right = (root / "secret").read_text()
    (root / "secret").write_text("another one")
    yield
    (root / "secret").write_text(right)


@contextmanager
def repository_gone(root: Path, _: Estate) -> Iterator[None]:
    (root / "here/repository").rename(root / "away")
    yield
    (root / "away").rename(root / "here/repository")


@contextmanager
def locked(root: Path, estate: Estate) -> Iterator[None]:
    repository = estate.repository("near")
    if (why_not := cannot_plant(repository)) is not None:
        pytest.skip(why_not)
    estate._repositories["near"] = replace(repository, lock_wait_seconds=0.0)
    lock = make_lock(repository, root)
    planted = Path(shutil.copy(lock, root / "here/repository/locks"))
    yield
    planted.unlink()


@contextmanager
def full_disk(root: Path, _: Estate) -> Iterator[None]:
    place, kept = root / "here/repository", root / "kept"
    place.rename(kept)
    place.mkdir()
    subprocess.run(["/bin/mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], check=True)
    try:
        shutil.copytree(kept, place, dirs_exist_ok=True)
        (root / "here/documents/large").write_bytes(os.urandom(3_000_000))
        yield
    finally:
        subprocess.run(["/bin/umount", str(place)], check=True)
        place.rmdir()
        kept.rename(place)


@contextmanager
def vanished_path(root: Path, _: Estate) -> Iterator[None]:
    (root / "here/documents").rename(root / "away")
    yield
    (root / "away").rename(root / "here/documents")


FAILURES = [
    pytest.param(wrong_password, WrongPassword, marks=pytest.mark.campaign),
    pytest.param(repository_gone, NoRepository, marks=pytest.mark.campaign),
    pytest.param(locked, RepositoryLocked, marks=pytest.mark.campaign),
    pytest.param(full_disk, RepositoryError, marks=[pytest.mark.campaign, root_only]),
    (vanished_path, DatasetError),
]


@pytest.mark.parametrize(
    ("planted", "kind"), FAILURES, ids=lambda value: getattr(value, "__name__", "failure")
)
def test_a_failed_backup_has_its_name_and_the_point_before_stays(
    estate: Estate, tmp_path: Path, planted: Planted, kind: type[BlackstartError]
) -> None:
    before = shown(estate)
    with planted(tmp_path, estate):
        [failed] = list(back_up(estate, ["documents"]))
        assert isinstance(failed.error, kind)
        assert "documents" in str(failed.error) or "near" in str(failed.error)
        row = shown(estate)
        assert (row.point == before.point) or (row.exceeded and row.notes), row
    event = History(estate.history).last("backup", dataset="documents")
    assert event is not None
    assert event.outcome == "failed"
    after = shown(estate)
    assert (after.point, after.snapshot_id) == (before.point, before.snapshot_id)
    [again] = list(restore_tests(estate, ["documents"]))
    assert again.result is not None
    assert again.result.verdict == "met", again.result.reason


@pytest.mark.campaign
@root_only
def test_a_file_that_nobody_can_read_makes_the_point_partial(estate: Estate, tmp_path: Path) -> None:
    before = shown(estate)
    closed = tmp_path / "here/documents/closed"
    closed.touch()
    # what the kernel keeps there is open to root, and reading its beginning is an error all the same
    subprocess.run(["/bin/mount", "--bind", "/proc/self/mem", str(closed)], check=True)
    try:
        [made] = list(back_up(estate, ["documents"]))
    finally:
        subprocess.run(["/bin/umount", str(closed)], check=True)
    assert made.result is not None
    row = outcomes.backed_up(made)
    assert (row.state, row.exit_code) == ("partial", 1)
    assert str(closed) in row.what
    assert all(one.error is None for one in replicate_all(estate))
    after = shown(estate)
    assert after.point == before.point
    assert any("is partial" in note for note in after.notes)


@pytest.mark.campaign
def test_a_corrupt_pack_is_not_carried_to_the_other_site(estate: Estate, tmp_path: Path) -> None:
    before = shown(estate)
    (tmp_path / "here/documents/new").write_bytes(os.urandom(200_000))
    assert all(one.error is None for one in back_up(estate, ["documents"]))
    [victim, *_] = packs(estate.repository("near"))
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 0xFF
    victim.chmod(0o600)
    victim.write_bytes(content)
    [copied] = list(replicate_all(estate))
    assert isinstance(copied.error, RepositoryDamaged)
    after = shown(estate)
    assert after.point == before.point
    [tested] = list(restore_tests(estate, ["documents"]))
    assert tested.result is not None
    assert (tested.result.verdict, tested.result.snapshot_id) == ("met", before.snapshot_id)


def test_hostile_names_and_links_in_a_circle_come_back(estate: Estate, tmp_path: Path) -> None:
    folder = tmp_path / "here/documents"
    for name in (b"new\nline", b"inv\xff\xfealid", b'quo"te', b" lead", b"-rf", b"back\\slash"):
        with open(os.fsencode(folder) + b"/" + name, "wb") as out:  # noqa: PTH123  a Path takes no bytes
            out.write(name)
    (folder / "loop").symlink_to("loop")
    (folder / "round").symlink_to(".")
    for one in (*back_up(estate, ["documents"]), *replicate_all(estate)):
        assert one.error is None
    tested, older = restore_tests(estate, ["documents"])
    for one in (tested, older):
        assert one.result is not None
        assert one.result.verdict == "met", one.result.reason
    assert shown(estate).notes == ()


def test_somebody_elses_repository_is_never_locked_by_a_drill(estate: Estate, tmp_path: Path) -> None:
    theirs = replace(estate.repository("far"), read_only=True)
    before = sorted((tmp_path / "there/repository").rglob("*"))
    assert cannot_plant(theirs) == "it is somebody else's, and is only ever read"
    with pytest.raises(RepositoryError, match="somebody else's"):
        make_lock(theirs, tmp_path)
    assert sorted((tmp_path / "there/repository").rglob("*")) == before
