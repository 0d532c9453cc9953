"""What was read and shows no change is not read again; what may have changed is, and all within a day."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from sites import known_hashes, manifest
from sites.known_hashes import LEFT_ALONE_NS, TRUSTED_NS, KnownHashes, Read, load, save
from sites.manifest import Manifest, decode, encode, look
from sites.manifest_scan import Found
from sites.protection.backup import backup
from sites.protection.restore_test import restore_test
from tests.sites.protection.protected import Protected


@pytest.fixture
def left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if all had been left alone for long: no test can set the time of an inode."""
    monkeypatch.setattr(known_hashes, "LEFT_ALONE_NS", 0)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "sub").mkdir(parents=True)
    for name in ("a", "b", "sub/c"):
        (root / name).write_text(name * 9)
    return root


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that are read, by path."""
    told: list[str] = []
    before = manifest.read

    def read(root: Path, found: list[Found], **words: object) -> object:
        told.extend(item.entry.path for item in found if item.entry.kind == "file")
        return before(root, found, **words)  # type: ignore[arg-type]

    monkeypatch.setattr(manifest, "read", read)
    return told


def twice(tree: Path, known: KnownHashes | None = None) -> tuple[Manifest, KnownHashes]:
    scan = look(tree).read(known=known)
    settled = scan.settle("d", "now")
    return settled, KnownHashes(dict(scan.known(settled)))


def changed_unseen(path: Path) -> None:
    """Another content of the same size, its time put back."""
    status = path.stat()
    path.write_text("x" * status.st_size)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.usefixtures("left_alone")
def test_only_what_may_have_changed_is_read_again(tree: Path, opened: list[str]) -> None:
    first, known = twice(tree)
    assert (sorted(opened), first.read_since) == (["a", "b", "sub/c"], None)
    opened.clear()
    again, _ = twice(tree, known)
    assert (opened, again.entries) == ([], first.entries)
    assert again.read_since is not None
    changed_unseen(tree / "a")
    (tree / "new").write_text("new")
    assert twice(tree, known)[0].entries == twice(tree)[0].entries
    assert sorted(opened[:2]) == ["a", "new"]


def test_what_was_written_just_before_it_was_read_is_read_again(tree: Path, opened: list[str]) -> None:
    _, known = twice(tree)
    opened.clear()
    assert twice(tree, known)[0].read_since is None
    assert len(opened) == 3


@pytest.mark.parametrize("what", range(5), ids=["mode", "size", "mtime", "ctime", "inode"])
def test_each_of_what_a_file_shows_tells_of_a_change(tree: Path, what: int) -> None:
    found = look(tree).found["a"]
    at_ns = found.signature[3] + LEFT_ALONE_NS
    showed = list(found.signature)
    assert Read(found.signature, "a" * 64, at_ns).holds(found, at_ns)
    showed[what] -= 1
    assert not Read(tuple(showed), "a" * 64, at_ns).holds(found, at_ns)  # type: ignore[arg-type]


@pytest.mark.usefixtures("left_alone")
def test_no_reading_counts_for_more_than_a_day(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What rots on the disk changes no time: it is found when it is read again, and not before."""
    _, known = twice(tree)
    now_ns = next(iter(known.read.values())).at_ns
    found = look(tree).found
    assert (len(known.of(found, now_ns + TRUSTED_NS // 2 - 1)), known.of(found, now_ns + TRUSTED_NS)) == (
        3,
        {},
    )
    assert known.of(found, now_ns - 1) == {}, "the clock was put back"
    rotten = KnownHashes({path: replace(one, sha256="f" * 64) for path, one in known.read.items()})
    assert {e.sha256 for e in twice(tree, rotten)[0].entries if e.kind == "file"} == {"f" * 64}
    monkeypatch.setattr(known_hashes, "TRUSTED_NS", 0)
    assert twice(tree, rotten)[0].entries == twice(tree)[0].entries


def test_what_moved_is_not_known(tree: Path) -> None:
    scan = look(tree).read()
    (tree / "a").write_text("another")
    assert sorted(path for path, _ in scan.known(scan.settle("d", "now"))) == ["b", "sub/c"]


@pytest.mark.usefixtures("left_alone")
def test_hashes_come_back_or_are_none(tree: Path, tmp_path: Path) -> None:
    (tree / os.fsdecode(b"\xff\n")).write_text("hostile")
    _, known = twice(tree)
    at = tmp_path / "closed" / "hashes"
    save(at, tree, known.read.items())
    assert load(at, tree) == known
    assert [path.name for path in at.parent.iterdir()] == ["hashes"]
    other = tmp_path / "other"
    other.mkdir()
    assert load(at, other).read == {}
    whole = at.read_bytes()
    for torn in (
        b"",
        whole[:-40],
        whole.replace(b"blackstart/hashes/1", b"blackstart/hashes/9"),
        b"[]\n[1]\n",
    ):
        at.write_bytes(torn)
        assert load(at, tree).read == {}
    assert load(tmp_path / "none", tree).read == {}


def test_a_manifest_says_since_when_it_was_read() -> None:
    made = Manifest("d", "t", (), "2026-11-27T00:00:00Z")
    assert decode(encode(made)) == made
    assert b"read_since" not in encode(Manifest("d", "t", ()))


@pytest.mark.usefixtures("left_alone")
def test_the_next_backup_reads_nothing_again_and_proves_as_much(
    protected: Protected, opened: list[str]
) -> None:
    for _ in range(2):
        made = backup(protected.dataset, protected.onsite, plan="desk", staging=protected.staging)
    assert len(opened) == 2
    tested = restore_test(protected.dataset, protected.onsite, protected.scratch, copied_only=False)
    assert (tested.verdict, tested.snapshot_id) == ("met", made.snapshot_id)
