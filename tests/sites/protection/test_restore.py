"""sites/restore.py, beside the fixtures that it needs."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sites.comparison import compare
from sites.errors import RepositoryDamaged, RepositoryError
from sites.manifest import scan
from sites.points import Tags, points
from sites.protection.restore_test import restore_test
from sites.restore import restore_dataset
from tests.sites.protection.protected import Protected
from tests.sites.repositories import PASSWORD


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_dataset_comes_back_whole_at_its_new_place(protected: Protected, tmp_path: Path) -> None:
    to = tmp_path / "dr" / "strategies"
    restored = restore_dataset(protected.offsite, "strategies", to)
    assert (restored.snapshot_id, restored.taken) == (protected.made.snapshot_id, protected.made.taken)
    assert (restored.complete, restored.kept) == (True, None)
    manifest = scan(protected.dataset.path).settle("strategies", "t")
    assert compare(manifest, to).mismatches == 0
    assert names(to.parent) == ["strategies"]


def test_a_point_that_a_wrong_clock_put_into_the_future_hides_none_that_came_after_it(
    protected: Protected, tmp_path: Path
) -> None:
    tags = Tags("strategies", "desk", datetime(2099, 1, 1, tzinfo=UTC), "f" * 32)
    (tmp_path / "older").mkdir()
    words = [f"--tag={tag}" for tag in tags.of_data()]
    when = ["--time", "2099-01-01 00:00:00", "--host", "desk"]
    protected.offsite._call("back up", ["backup", *when, *words, str(tmp_path / "older")])
    protected.offsite.backup_text(b"x", "manifest.jsonl", tags=tags.of_manifest("0" * 64, partial=False))
    found = points(protected.offsite.snapshots().snapshots, "strategies")
    assert [point.taken.year for point in found][1:] == [2099]
    restored = restore_dataset(protected.offsite, "strategies", tmp_path / "to")
    assert restored.snapshot_id == protected.made.snapshot_id
    tested = restore_test(protected.dataset, protected.offsite, protected.scratch, copied_only=False)
    assert (tested.snapshot_id, tested.verdict) == (protected.made.snapshot_id, "met")


def test_what_was_there_is_kept_aside(protected: Protected, tmp_path: Path) -> None:
    to = tmp_path / "strategies"
    to.mkdir()
    (to / "old").write_text("old")
    restored = restore_dataset(protected.offsite, "strategies", to)
    assert restored.kept is not None
    assert names(restored.kept) == ["old"]
    assert names(to) == ["a.bin", "link", "sub"]


def test_a_failed_restore_leaves_everything_as_it_was(protected: Protected, tmp_path: Path) -> None:
    to = tmp_path / "dr" / "strategies"
    to.mkdir(parents=True)
    (to / "old").write_text("old")
    for pack in Path(protected.offsite.url, "data").rglob("*"):
        if pack.is_file() and pack.stat().st_size > 500_000:
            pack.unlink()
    with pytest.raises(RepositoryDamaged):
        restore_dataset(protected.offsite, "strategies", to)
    assert (names(to), names(to.parent)) == (["old"], ["strategies"])


def test_the_newest_whole_point_is_taken_before_a_newer_partial_one(
    protected: Protected, tmp_path: Path
) -> None:
    (tmp_path / "half").mkdir()
    protected.offsite.backup([tmp_path / "half"], tags=Tags.fresh("strategies", "desk").of_data())
    restored = restore_dataset(protected.offsite, "strategies", tmp_path / "to")
    assert restored.snapshot_id == protected.made.snapshot_id


def test_a_point_that_is_not_whole_is_better_than_none_and_said_to_be_so(
    protected: Protected, tmp_path: Path
) -> None:
    (tmp_path / "half").mkdir()
    protected.offsite.backup([tmp_path / "half"], tags=Tags.fresh("ticks", "desk").of_data())
    assert restore_dataset(protected.offsite, "ticks", tmp_path / "to").complete is False


def test_a_dataset_without_a_snapshot_is_an_error(protected: Protected, tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match="no snapshot of it") as caught:
        restore_dataset(protected.offsite, "ticks", tmp_path / "to")
    assert "dataset:ticks" in str(caught.value.hint)
    assert not (tmp_path / "to").exists()


@pytest.mark.skipif(os.getuid() != 0, reason="needs a second host name")
def test_an_exclusive_lock_of_a_dead_site_does_not_stop_a_recovery(
    protected: Protected, tmp_path: Path
) -> None:
    lock = Path(protected.offsite.url, "locks")

    def locked() -> bool:
        return any(len(path.name) == 64 for path in lock.iterdir())

    holder = ["unshare", "--uts", "sh", "-c", 'hostname gone; exec "$@"', "sh"]
    restic = ["restic", "-r", protected.offsite.url, "--no-cache", "prune"]
    environment = {**os.environ, "RESTIC_PASSWORD": PASSWORD}
    with subprocess.Popen(
        [*holder, *restic], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        while not locked() and process.poll() is None:
            pass
        process.kill()
    assert locked()
    assert restore_dataset(protected.offsite, "strategies", tmp_path / "to").complete
