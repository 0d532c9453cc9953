from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from sites.drivers.files import FilesDataset
from sites.errors import DatasetError
from sites.manifest import Manifest, encode, scan, sha256
from sites.points import Tags
from sites.protection.backup import backup
from sites.protection.replication import replicate
from sites.protection.restore_test import restore_test
from sites.protection.tested import RestoreTestResult
from tests.sites.protection.protected import Protected
from tests.sites.repositories import Make, flip, packs


def run(protected: Protected, **options: Any) -> RestoreTestResult:
    return restore_test(protected.dataset, protected.offsite, protected.scratch, **options)


def test_a_whole_copy_is_met(protected: Protected) -> None:
    result = run(protected, history=protected.history)
    assert (result.verdict, result.matched, result.mismatches) == ("met", 5, ())
    assert result.snapshot_id == protected.made.snapshot_id
    assert result.copy_id not in (None, result.snapshot_id)
    assert result.taken == protected.made.taken
    assert (result.bytes, result.bytes_per_second is not None) == (700_001, True)
    event = protected.history.last("restore_test", dataset="strategies", outcomes=("met",))
    assert event is not None
    assert event.detail["snapshot_id"] == protected.made.snapshot_id


def test_nothing_is_left_in_the_scratch_folder(protected: Protected) -> None:
    run(protected)
    assert list(protected.scratch.iterdir()) == []


def test_a_scratch_folder_inside_the_source_is_refused(protected: Protected) -> None:
    inside = protected.dataset.path / "scratch"
    result = restore_test(protected.dataset, protected.offsite, inside)
    inside.rmdir()
    assert result.verdict == "inconclusive"
    assert "inside the source" in result.reason


def test_flipped_bytes_are_missed(protected: Protected) -> None:
    flip(packs(protected.offsite)[0])
    result = run(protected, history=protected.history)
    assert result.verdict == "missed"
    assert "ciphertext verification failed" in result.reason
    event = protected.history.last("restore_test")
    assert event is not None
    assert event.outcome == "missed"


def test_a_missing_pack_is_missed(protected: Protected) -> None:
    packs(protected.offsite)[0].unlink()
    result = run(protected)
    assert (result.verdict, list(protected.scratch.iterdir())) == ("missed", [])


def test_a_missing_index_is_missed(protected: Protected) -> None:
    for index in Path(protected.offsite.url, "index").iterdir():
        index.unlink()
    assert run(protected).verdict == "missed"


def test_damage_does_not_hide_behind_the_cache(protected: Protected, tmp_path: Path) -> None:
    cached = replace(protected.offsite, cache=tmp_path / "cache")
    assert cached.snapshots().unreadable == ()
    for path in Path(cached.url, "snapshots").iterdir():
        flip(path)
    assert cached.snapshots().unreadable == ()
    result = restore_test(protected.dataset, cached, protected.scratch)
    assert result.verdict == "missed"


def test_an_unreadable_snapshot_is_never_met(protected: Protected, tmp_path: Path) -> None:
    backup(protected.dataset, protected.onsite, plan="desk", staging=tmp_path / "staging")
    replicate(protected.onsite, protected.offsite, plan="desk")
    newest = protected.offsite.snapshots().snapshots[-2]
    flip(Path(protected.offsite.url, "snapshots", newest.id))
    result = run(protected)
    assert (result.verdict, result.mismatches) == ("inconclusive", ())
    assert newest.id[:8] in result.reason


def test_what_differs_from_the_manifest_is_missed_and_named(protected: Protected, tmp_path: Path) -> None:
    """As if restic had silently stored something else than what it read: we change it before its eyes."""
    tags = Tags.fresh("strategies", "desk")
    source = tmp_path / "source"
    source.mkdir()
    for name in ("content", "mode", "gone", "same"):
        (source / name).write_text(name)
    looked = scan(source)
    (source / "content").write_text("CONTENT")
    (source / "mode").chmod(0o611)
    (source / "gone").unlink()
    (source / "more").write_text("more")
    protected.offsite.backup([source], tags=tags.of_data())
    encoded = encode(Manifest("strategies", tags.taken_text, looked.entries))
    protected.offsite.backup_text(
        encoded, "manifest.jsonl", tags=tags.of_manifest(sha256(encoded), partial=False)
    )
    result = restore_test(protected.dataset, protected.offsite, protected.scratch, copied_only=False)
    assert (result.verdict, result.reason) == ("missed", "4 entries do not match the manifest")
    assert (result.missing, result.extra, result.different, result.matched) == (1, 1, 2, 2)
    assert [line.split(", expected")[0][:22] for line in result.mismatches] == [
        "missing: gone",
        "extra: more",
        "different: content (sh",
        "different: mode (mode ",
    ]


@pytest.mark.parametrize(("written", "verdict"), [("a", "met"), ("abc", "inconclusive")])
def test_what_moved_is_no_mismatch_and_no_proof_either(
    make_repository: Make, tmp_path: Path, written: str, verdict: str
) -> None:
    source = tmp_path / "ticks"
    source.mkdir()
    for name in ("still", *written):
        (source / name).write_text(name)
    dataset = FilesDataset("ticks", "primary", source)
    wrapper = tmp_path / "restic"
    wrapper.write_text(
        f'#!/bin/sh\ncase "$*" in *" backup "*ticks) for one in {" ".join(written)}; do echo more >> '
        f'{source}/$one; done;; esac\nexec restic "$@"\n'
    )
    wrapper.chmod(0o755)
    repository = make_repository(binary=str(wrapper))
    assert backup(dataset, repository, plan="desk", staging=tmp_path / "staging").moving == len(written)
    result = restore_test(dataset, repository, tmp_path / "scratch", copied_only=False)
    assert (result.verdict, result.moving, result.mismatches) == (verdict, len(written), ())
    told = {"met": "2 entries match the manifest, 1 more moved", "inconclusive": "3 entries moved while"}
    assert told[verdict] in result.reason


def test_no_manifest_is_inconclusive(protected: Protected) -> None:
    manifests = [s.id for s in protected.offsite.snapshots().snapshots if s.tagged("manifest-of")]
    protected.offsite.forget_snapshots(manifests)
    result = run(protected)
    assert result.verdict == "inconclusive"
    assert "has no manifest" in result.reason


def test_a_manifest_that_is_not_the_one_recorded_is_inconclusive(protected: Protected) -> None:
    tags = replace(Tags.fresh("strategies", "desk"), point=point_of(protected))
    manifests = [s.id for s in protected.offsite.snapshots().snapshots if s.tagged("manifest-of")]
    protected.offsite.forget_snapshots(manifests)
    protected.offsite.backup_text(b"{}\n", "manifest.jsonl", tags=tags.of_manifest("0" * 64, partial=False))
    result = run(protected)
    assert result.verdict == "inconclusive"
    assert "altered" in result.reason


def point_of(protected: Protected) -> str:
    found = [s.tagged("point") for s in protected.offsite.snapshots().snapshots]
    return next(str(point) for point in found if point)


def test_no_copied_point_is_missed(protected: Protected, make_repository: Make) -> None:
    result = restore_test(protected.dataset, make_repository("empty"), protected.scratch)
    assert (result.verdict, result.snapshot_id) == ("missed", None)
    assert "no copied snapshot" in result.reason
    assert restore_test(protected.dataset, protected.onsite, protected.scratch).verdict == "missed"


def test_a_point_that_had_arrived_and_is_gone_is_missed(protected: Protected, tmp_path: Path) -> None:
    made = backup(protected.dataset, protected.onsite, plan="desk", staging=tmp_path / "staging")
    replicate(protected.onsite, protected.offsite, plan="desk", history=protected.history)
    (newest,) = [s for s in protected.offsite.snapshots().snapshots if s.original == made.snapshot_id]
    Path(protected.offsite.url, "snapshots", newest.id).unlink()
    result = run(protected, history=protected.history)
    assert (result.verdict, result.snapshot_id) == ("missed", protected.made.snapshot_id)
    assert f"{made.taken.isoformat()} had arrived" in result.reason


def test_a_lost_pack_of_the_manifest_is_not_waited_for(protected: Protected) -> None:
    for pack in packs(protected.offsite)[1:]:
        pack.unlink()
    result = run(protected)
    assert result.verdict in ("missed", "inconclusive")
    assert "missing or cut short" in result.reason


def test_an_empty_dataset_proves_nothing(make_repository: Make, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    dataset = FilesDataset("nothing", "primary", tmp_path / "nothing")
    repository = make_repository()
    backup(dataset, repository, plan="desk", staging=tmp_path / "staging")
    result = restore_test(dataset, repository, tmp_path / "scratch", copied_only=False)
    assert (result.verdict, result.reason) == ("inconclusive", "not one file was there to compare")


@pytest.mark.parametrize(
    "unable",
    [
        {"password": lambda: "another-planted-secret"},
        {"url": "/nowhere/at/all"},
        {"binary": "/bin/false"},
        {"transfer_limit_seconds": 0.01},
    ],
)
def test_what_could_not_be_looked_at_is_inconclusive(protected: Protected, unable: dict[str, Any]) -> None:
    result = restore_test(protected.dataset, replace(protected.offsite, **unable), protected.scratch)
    assert result.verdict == "inconclusive"
    assert result.reason
    assert "planted" not in result.reason


@dataclass
class Dumped:
    """A dataset that is dumped; its check finds what it is told to find."""

    finds: Exception | None = None
    name: str = "orders"

    def dump(self, site: str, to: Path) -> None:
        to.write_text(f"-- dump of {site}")

    def check_dump(self, path: Path) -> None:
        assert path.read_text() == "-- dump of primary"
        if self.finds:
            raise self.finds


def test_a_restored_dump_is_checked(make_repository: Make, tmp_path: Path) -> None:
    repository = make_repository()
    backup(Dumped(), repository, plan="desk", staging=tmp_path / "staging", site="primary")
    verdicts = [
        restore_test(Dumped(finds), repository, tmp_path / "scratch", copied_only=False).verdict
        for finds in (None, DatasetError("torn"), ValueError("a bug"))
    ]
    assert verdicts == ["met", "missed", "inconclusive"]


@pytest.mark.skipif(os.getuid() == 0, reason="root enters every folder")
def test_closed_folders_are_removed_too(make_repository: Make, tmp_path: Path) -> None:
    (tmp_path / "d" / "closed").mkdir(parents=True, mode=0o500)
    dataset = FilesDataset("d", "primary", tmp_path / "d")
    repository = make_repository()
    backup(dataset, repository, plan="desk", staging=tmp_path / "staging")
    restore_test(dataset, repository, tmp_path / "scratch", copied_only=False)
    assert list((tmp_path / "scratch").iterdir()) == []
