"""Faults of backup repositories, on the real restic: noticed, and afterwards every hash is what it was."""

from __future__ import annotations

import hashlib
import os
import pwd
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drills.undo import UndoIntents
from sites.drivers.restic.planted_lock import HOST
from sites.drivers.restic.repository import Restic
from sites.errors import GuardError, RepositoryError, RepositoryLocked, WrongPassword
from sites.estate import Estate
from sites.points import points
from tests.drills.faults.injecting import Injected, check_healed, fault, inject
from tests.drills.test_undo import intent


def contents(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture
def offsite(guarded: Estate) -> Restic:
    repository = guarded.repository("offsite")
    object.__setattr__(repository, "cache", "none")
    object.__setattr__(repository, "lock_wait_seconds", 0.0)
    return repository


@pytest.mark.cell("lose_newest_snapshot", "processes", "files")
def test_the_newest_snapshot_is_lost_and_found(guarded: Estate, offsite: Restic) -> None:
    before = contents(Path(offsite.url))
    injected = inject(guarded, kind="lose_newest_snapshot", repository="offsite", dataset="strategies")
    assert points(offsite.snapshots().snapshots, "strategies") == []
    check_healed(injected)
    assert contents(Path(offsite.url)) == before


@pytest.mark.cell("wrong_key", "processes", "files")
def test_without_its_keys_no_password_opens_it(guarded: Estate, offsite: Restic) -> None:
    before = contents(Path(offsite.url))
    injected = inject(guarded, kind="wrong_key", repository="offsite")
    with pytest.raises(WrongPassword):
        offsite.config()
    check_healed(injected)
    assert contents(Path(offsite.url)) == before


@pytest.mark.cell("corrupt_repository", "processes", "files")
def test_flipped_bytes_are_seen_only_by_who_reads_the_data(guarded: Estate, offsite: Restic) -> None:
    before = contents(Path(offsite.url))
    injected = inject(guarded, kind="corrupt_repository", repository="offsite", packs=1)
    offsite.check()
    with pytest.raises(RepositoryError):
        offsite.check(read_data=True)
    check_healed(injected)
    offsite.check(read_data=True)
    assert contents(Path(offsite.url)) == before


@pytest.mark.cell("lock_repository", "processes", "files")
def test_a_lock_of_nobodys_keeps_backups_out_and_readers_in(
    guarded: Estate, offsite: Restic, tmp_path: Path
) -> None:
    before = contents(Path(offsite.url))
    injected = inject(guarded, kind="lock_repository", repository="offsite")
    assert [lock.host for lock in offsite.locks()] == [HOST]
    with pytest.raises(RepositoryLocked):
        offsite.backup([tmp_path / "strategies"])
    assert len(points(offsite.snapshots().snapshots, "strategies")) == 1
    check_healed(injected)
    assert contents(Path(offsite.url)) == before


def test_what_was_kept_aside_and_is_gone_leaves_it_stuck(guarded: Estate) -> None:
    injected = inject(guarded, kind="lose_newest_snapshot", repository="offsite", dataset="strategies")
    for kept in injected.left.room.iterdir():
        kept.unlink()
    assert injected.heal().undone == "stuck"


def test_a_snapshot_whose_data_was_pruned_meanwhile_is_no_healing(guarded: Estate, offsite: Restic) -> None:
    injected = inject(guarded, kind="lose_newest_snapshot", repository="offsite", dataset="strategies")
    offsite.prune()
    healing = injected.heal()
    assert healing.undone == "stuck"
    assert "yet" in healing.how


def test_a_repository_that_is_gone_is_no_failure_and_what_was_kept_of_it_stays(
    guarded: Estate, tmp_path: Path
) -> None:
    """It may be back tomorrow, when its file system is mounted again, and these are all the keys it has."""
    injected = inject(guarded, kind="wrong_key", repository="offsite")
    keys = contents(injected.left.room)
    Path(guarded.repository("offsite").url).rename(tmp_path / "moved")
    UndoIntents(guarded.state).write(intent("a-run"))
    for _ in range(2):
        healing = injected.heal()
        assert healing.undone == "target_gone"
        assert f"what was kept of it stays in {guarded.state / 'kept' / 'a-run'}" in healing.how
    UndoIntents(guarded.state).remove(intent("a-run"))
    assert contents(guarded.state / "kept" / "a-run") == keys
    assert keys


def test_a_folder_that_is_gone_is_no_failure_and_what_was_kept_of_it_stays(
    guarded: Estate, tmp_path: Path
) -> None:
    (tmp_path / "strategies" / "link").unlink()
    before = contents(tmp_path / "strategies")
    injected = inject(guarded, kind="damage_that_replicates", dataset="strategies", damage="files_encrypted")
    (tmp_path / "strategies").rename(tmp_path / "moved")
    assert injected.heal().undone == "target_gone"
    assert contents(guarded.state / "kept" / "a-run") == before


def test_a_snapshot_that_is_not_there_cannot_be_lost(guarded: Estate) -> None:
    with pytest.raises(GuardError, match="it holds nothing of that kind"):
        fault(guarded, kind="lose_newest_snapshot", repository="offsite", dataset="orders").ready()


KEPT_ASIDE = [
    {"kind": "corrupt_repository", "repository": "offsite"},
    {"kind": "lose_newest_snapshot", "repository": "offsite", "dataset": "strategies"},
    {"kind": "wrong_key", "repository": "offsite"},
    {"kind": "damage_that_replicates", "dataset": "strategies", "damage": "files_encrypted"},
]


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], bool]:
    """Whether a file or folder was fsynced as it is now, by its inode."""
    found: set[int] = set()
    real = os.fsync

    def fsync(fd: int) -> None:
        real(fd)
        found.add(os.fstat(fd).st_ino)

    monkeypatch.setattr(os, "fsync", fsync)
    return lambda path: path.stat().st_ino in found


@pytest.mark.parametrize("declared", KEPT_ASIDE, ids=lambda one: one.get("damage", one["kind"]))
def test_what_is_kept_aside_survives_a_power_cut(
    guarded: Estate, synced: Callable[[Path], bool], declared: dict[str, Any]
) -> None:
    """The intent is worth nothing without it: on disk before the damage, and back before it goes."""
    injected = inject(guarded, **declared)
    kept = [injected.left.room, *injected.left.room.rglob("*")]
    assert any(path.is_file() for path in kept)
    assert [str(path) for path in kept if not synced(path)] == []
    assert injected.left.room.stat().st_mode & 0o077 == 0, "others may not read what is kept"
    struck = [path for path in struck_files(guarded, injected) if path.is_file()]
    check_healed(injected)
    assert [str(path) for path in struck if not synced(path)] == []


def struck_files(estate: Estate, injected: Injected) -> list[Path]:
    names = injected.left.data.get("files")
    if isinstance(names, list):
        return [Path(estate.repository("offsite").url) / str(name) for name in names]
    folder = Path(str(injected.left.data["folder"]))
    kept = [path for path in injected.left.room.rglob("*") if path.is_file()]
    return [folder / path.relative_to(injected.left.room) for path in kept]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to another account")
@pytest.mark.parametrize("declared", KEPT_ASIDE, ids=lambda one: one.get("damage", one["kind"]))
def test_what_is_put_back_belongs_to_whom_it_did(guarded: Estate, declared: dict[str, Any]) -> None:
    """Or the account that backs up could read its own repository no more."""
    somebody = pwd.getpwnam("nobody")
    folders = [Path(guarded.repository("offsite").url), Path(str(guarded.plan.datasets["strategies"].path))]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    for path in files:
        os.chown(path, somebody.pw_uid, somebody.pw_gid)
    before = {path: (path.stat().st_uid, path.stat().st_gid, path.stat().st_mode) for path in files}
    injected = inject(guarded, **declared)
    for lost in struck_files(guarded, injected)[:1]:
        lost.unlink(missing_ok=True)  # one that is gone altogether comes back the same
    check_healed(injected)
    assert {path: (path.stat().st_uid, path.stat().st_gid, path.stat().st_mode) for path in files} == before


def test_no_chance_leaves_an_encrypted_file_as_it_was(
    guarded: Estate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "strategies" / "flag").write_bytes(b"1")
    monkeypatch.setattr(os, "urandom", lambda size: b"1" * size)
    check_healed(
        inject(guarded, kind="damage_that_replicates", dataset="strategies", damage="files_encrypted")
    )


@pytest.mark.cell("damage_that_replicates", "processes", "files")
def test_encrypted_files_come_back_as_they_were(guarded: Estate, tmp_path: Path) -> None:
    before = contents(tmp_path / "strategies")
    injected = inject(guarded, kind="damage_that_replicates", dataset="strategies", damage="files_encrypted")
    during = contents(tmp_path / "strategies")
    assert during.keys() == before.keys()
    assert all(during[name] != before[name] for name in before)
    check_healed(injected)
    assert contents(tmp_path / "strategies") == before
