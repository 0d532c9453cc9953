"""Faults of backup repositories, on the real restic: noticed, and afterwards every hash is what it was."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from sites.drivers.restic.planted_lock import HOST
from sites.drivers.restic.repository import Restic
from sites.errors import GuardError, RepositoryError, RepositoryLocked, WrongPassword
from sites.estate import Estate
from sites.points import points
from tests.drills.faults.injecting import check_healed, fault, inject


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


def test_a_repository_that_is_gone_is_no_failure(guarded: Estate) -> None:
    injected = inject(guarded, kind="wrong_key", repository="offsite")
    Path(guarded.repository("offsite").url).rename(injected.left.room.parent / "moved")
    assert injected.heal().undone == "target_gone"


def test_a_snapshot_that_is_not_there_cannot_be_lost(guarded: Estate) -> None:
    with pytest.raises(GuardError, match="it holds nothing of that kind"):
        fault(guarded, kind="lose_newest_snapshot", repository="offsite", dataset="orders").ready()


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
