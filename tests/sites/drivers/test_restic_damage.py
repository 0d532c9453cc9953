"""What damage looks like through the real restic: this machine's, and in the campaign Debian 13's too."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sites.errors import (
    RepositoryDamaged,
    RepositoryError,
)
from tests.sites.repositories import (
    TWO_REAL_ONES,
    Make,
    cut,
    empty,
    flip,
    lose,
    open_folder,
    packs,
)


@pytest.fixture(params=TWO_REAL_ONES)
def restic_binary(request: pytest.FixtureRequest) -> str:
    """Every test here runs on both; on the second one in the campaign."""
    return str(request.param)


def test_flipped_bytes_pass_the_structural_check_and_nothing_else(
    make_repository: Make, source: Path, tmp_path: Path
) -> None:
    repository = make_repository()
    made = repository.backup([source])
    flip(packs(repository)[0], 200_000)
    assert repository.check().part is None
    with pytest.raises(RepositoryDamaged):
        repository.check(read_data=True)
    with pytest.raises(RepositoryDamaged, match="restore"):
        repository.restore(made.snapshot_id, tmp_path / "out")


def test_parts_of_the_data_add_up_to_all_of_it(make_repository: Make, source: Path) -> None:
    repository = make_repository()
    repository.backup([source])
    flip(packs(repository)[0], 200_000)
    found = 0
    for part in (1, 2):
        try:
            repository.check(subset=(part, 2))
        except RepositoryDamaged:
            found += 1
    assert found == 1


@pytest.mark.parametrize("damage", [lose, cut, empty])
def test_a_missing_or_short_pack_is_damage_and_not_waited_for(
    make_repository: Make, source: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    repository = make_repository()
    made = repository.backup([source])
    damage(packs(repository)[0])
    with pytest.raises(RepositoryDamaged):
        repository.check()
    with pytest.raises(RepositoryDamaged, match="missing or cut short"):
        repository.restore(made.snapshot_id, tmp_path / "out")


def test_a_damaged_snapshot_is_listed_as_unreadable(make_repository: Make) -> None:
    repository = make_repository()
    first = repository.backup_text(b"1", "x.txt")
    repository.backup_text(b"2", "x.txt")
    flip(next(Path(repository.url, "snapshots").glob(f"{first.snapshot_id}*")), 40)
    listing = repository.snapshots()
    assert len(listing.snapshots) == 1
    assert listing.unreadable == (first.snapshot_id[:8],)


@pytest.mark.parametrize("folder", ["index", "keys", "config"])
def test_other_damage_is_an_error_of_the_repository(make_repository: Make, source: Path, folder: str) -> None:
    repository = make_repository()
    made = repository.backup([source])
    path = Path(repository.url, folder)
    for file in path.iterdir() if path.is_dir() else [path]:
        flip(file, 40)
    with pytest.raises(RepositoryError):
        repository.restore(made.snapshot_id, source.parent / "out")


def test_a_copy_of_a_damaged_source_names_the_source(make_repository: Make, source: Path) -> None:
    onsite, offsite = make_repository("onsite"), make_repository("offsite")
    made = onsite.backup([source])
    lose(packs(onsite)[0])
    with pytest.raises(RepositoryDamaged, match='repository "onsite"'):
        offsite.copy(onsite, [made.snapshot_id])
    assert offsite.snapshots().snapshots == ()


def test_a_full_disk_is_not_taken_for_damage(make_repository: Make, source: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("needs a small file system")
    repository = make_repository()
    made = repository.backup([source])
    with open_folder() as small:
        subprocess.run(["/bin/mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small], check=True)
        try:
            with pytest.raises(RepositoryError, match="no space") as caught:
                repository.restore(made.snapshot_id, small / "out")
        finally:
            subprocess.run(["/bin/umount", small], check=True)
    assert not isinstance(caught.value, RepositoryDamaged)


def test_a_repository_on_a_full_disk_takes_nothing_and_keeps_what_it_has(
    make_repository: Make, source: Path
) -> None:
    if os.getuid() != 0:
        pytest.skip("needs a small file system")
    repository = make_repository()
    with open_folder() as small:
        subprocess.run(["/bin/mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", small], check=True)
        try:
            full = replace(repository, url=str(shutil.copytree(repository.url, small / "repository")))
            made = full.backup([source])
            (source / "more.bin").write_bytes(os.urandom(4_000_000))
            with pytest.raises(RepositoryError, match="no space"):
                full.backup([source])
            assert [s.id for s in full.unlocked().snapshots().snapshots] == [made.snapshot_id]
            full.unlocked().restore(made.snapshot_id, source.parent / "out")
        finally:
            subprocess.run(["/bin/umount", small], check=True)
    restored = source.parent / "out" / source.relative_to("/")
    assert (restored / "a.bin").read_bytes() == (source / "a.bin").read_bytes()


def test_a_cache_hides_damage_and_uncached_does_not(
    make_repository: Make, tmp_path: Path, source: Path
) -> None:
    repository = make_repository(cache=tmp_path / "cache")
    made = repository.backup([source])
    assert (tmp_path / "cache").is_dir()
    flip(Path(repository.url, "snapshots", made.snapshot_id), 40)
    assert repository.snapshots().unreadable == ()
    assert repository.uncached().snapshots().unreadable == (made.snapshot_id[:8],)
