import json
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from sites.comparison import compare
from sites.errors import DatasetError
from sites.exclusion import Exclusion
from sites.manifest import Manifest, ManifestError, decode, encode, look, scan, sha256

NOBODY = 65534


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "sub").mkdir(parents=True)
    (root / "a.bin").write_bytes(b"\0" * 3000)
    (root / "sub" / "b.txt").write_text("b")
    (root / "empty").touch(mode=0o600)
    (root / "link").symlink_to("sub/b.txt")
    return root


@pytest.fixture
def copy(tree: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tree, tmp_path / "copy", symlinks=True))


def manifest_of(root: Path) -> Manifest:
    return scan(root).settle("strategies", "2026-11-22T06:00:00Z")


@contextmanager
def unprivileged() -> Iterator[None]:
    """Root reads everything: be nobody for a while."""
    if os.getuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_names_everything_in_byte_order(tree: Path) -> None:
    manifest = manifest_of(tree)
    assert [entry.path for entry in manifest.entries] == [".", "a.bin", "empty", "link", "sub", "sub/b.txt"]
    assert (manifest.files, manifest.bytes) == (3, 3001)
    assert manifest.moving == manifest.unreadable == ()


def test_content_mode_and_target_are_those_of_the_tree(tree: Path) -> None:
    entries = {entry.path: entry for entry in manifest_of(tree).entries}
    assert entries["sub/b.txt"].sha256 == sha256(b"b")
    assert entries["empty"].mode == 0o600
    assert entries["link"].target == "sub/b.txt"
    assert entries["a.bin"].mtime_ns == (tree / "a.bin").stat().st_mtime_ns


def test_survives_being_written_and_read(tree: Path) -> None:
    manifest = manifest_of(tree)
    encoded = encode(manifest)
    assert decode(encoded, expected_sha256=sha256(encoded)) == manifest
    assert encode(decode(encoded)) == encoded


def test_hostile_names_survive(tree: Path) -> None:
    names = [b"new\nline", b"inv\xff\xfealid", b'quo"te', b"\\back", b" lead", "schön".encode(), b"-rf"]
    for name in names:
        with open(os.fsencode(tree) + b"/" + name, "wb") as out:  # noqa: PTH123  a Path takes no bytes
            out.write(name)
    manifest = decode(encode(manifest_of(tree)))
    assert {os.fsencode(entry.path) for entry in manifest.entries} >= set(names)
    assert all(line.isascii() for line in encode(manifest).splitlines())
    copied = Path(shutil.copytree(tree, tree.parent / "copied", symlinks=True))
    assert compare(manifest, copied).mismatches == 0


def test_symlink_loops_are_entries_and_not_followed(tree: Path) -> None:
    (tree / "self").symlink_to("self")
    (tree / "up").symlink_to("..")
    paths = [entry.path for entry in manifest_of(tree).entries]
    assert "self" in paths
    assert "up" in paths
    assert not any(path.startswith("up/") for path in paths)


def test_pipes_and_sockets_do_not_block(tree: Path) -> None:
    os.mkfifo(tree / "pipe")
    manifest = manifest_of(tree)
    assert {entry.kind for entry in manifest.entries if entry.path == "pipe"} == {"other"}
    (tree / "pipe").unlink()
    assert compare(replace_moving(manifest), tree).missing == ()


def replace_moving(manifest: Manifest) -> Manifest:
    """As if nothing had moved, to see the comparison alone."""
    return replace(manifest, entries=tuple(replace(entry, moving=False) for entry in manifest.entries))


def test_what_changes_between_the_two_looks_is_moving(tree: Path) -> None:
    first = scan(tree)
    (tree / "a.bin").write_bytes(b"\1" * 3000)
    (tree / "sub" / "b.txt").unlink()
    (tree / "new").touch()
    moving = first.settle("d", "t").moving
    assert moving == (".", "a.bin", "new", "sub", "sub/b.txt")


def test_a_change_that_hides_its_time_and_size_is_moving(tree: Path) -> None:
    first, before = scan(tree), (tree / "a.bin").stat()
    (tree / "a.bin").write_bytes(b"\1" * 3000)
    os.utime(tree / "a.bin", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert first.settle("d", "t").moving == ("a.bin",)


def test_whatever_is_changed_after_the_first_look_shows(tree: Path) -> None:
    """Of the same size, its old time put back, at once: as when restic reads one content and we the other."""
    hidden = 0
    for number in range(10):
        (tree / "a.bin").write_bytes(bytes([number]) * 3000)
        first, before = look(tree), (tree / "a.bin").stat()
        (tree / "a.bin").write_bytes(bytes([number + 1]) * 3000)
        os.utime(tree / "a.bin", ns=(before.st_atime_ns, before.st_mtime_ns))
        hidden += "a.bin" not in first.read().settle("d", "t").moving
    assert hidden == 0


def test_the_first_look_outlasts_the_tick_of_the_youngest_change(tree: Path) -> None:
    """Before Linux 6.13 two changes within one have the same time, whoever looked in between."""
    (tree / "a.bin").write_bytes(b"now")
    look(tree)
    assert time.time_ns() - (tree / "a.bin").stat().st_ctime_ns >= 20_000_000


def test_a_reading_that_nobody_waits_for_any_more_ends_early(tree: Path) -> None:
    stop = threading.Event()
    stop.set()
    assert [entry.path for entry in look(tree).read(stop=stop).entries] == []


def test_a_reading_that_is_stopped_in_the_middle_of_a_file_claims_nothing_of_it(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large one may take minutes."""
    stop, readv = threading.Event(), os.readv
    (tree / "large").write_bytes(b"0" * (3 << 20))

    def stopping(fd: int, buffers: list[memoryview]) -> int:
        count = readv(fd, buffers)
        if count == 1 << 20:
            stop.set()
        return count

    monkeypatch.setattr(os, "readv", stopping)
    (large,) = (one for one in look(tree).read(threads=1, stop=stop).entries if one.path == "large")
    assert large.moving


def test_a_root_that_goes_away_moves_everything(tree: Path) -> None:
    first = scan(tree)
    shutil.rmtree(tree)
    assert len(first.settle("d", "t").moving) == len(first.entries)


def test_what_cannot_be_read_is_named() -> None:
    with TemporaryDirectory(dir="/tmp") as folder:
        root = Path(folder)
        root.chmod(0o755)
        (root / "closed").write_text("x")
        (root / "shut").mkdir()
        (root / "closed").chmod(0)
        (root / "shut").chmod(0)
        with unprivileged():
            manifest = decode(encode(manifest_of(root)))
        (root / "shut").chmod(0o700)
    assert manifest.unreadable == ("closed", "shut")
    assert {entry.error for entry in manifest.entries if entry.error} == {"Permission denied"}


def test_a_root_that_cannot_be_entered_is_an_error(tree: Path) -> None:
    tree.parent.chmod(0)
    with unprivileged(), pytest.raises(DatasetError, match="Permission denied"):
        scan(tree)
    tree.parent.chmod(0o700)


def test_no_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no such folder"):
        scan(tmp_path / "gone")


def test_excluded_is_left_out_with_all_below(tree: Path) -> None:
    paths = [entry.path for entry in scan(tree, Exclusion(("/sub", "*.bin"))).entries]
    assert paths == [".", "empty", "link"]


def test_an_equal_copy_matches(tree: Path, copy: Path) -> None:
    result = compare(manifest_of(tree), copy)
    assert (result.matched, result.matched_files, result.mismatches) == (6, 4, 0)


def test_every_kind_of_mismatch_is_named(tree: Path, copy: Path) -> None:
    manifest = manifest_of(tree)
    (copy / "a.bin").write_bytes(b"\0" * 2999 + b"\1")
    (copy / "empty").chmod(0o640)
    (copy / "link").unlink()
    (copy / "link").symlink_to("elsewhere")
    (copy / "sub" / "b.txt").unlink()
    (copy / "stray").touch()
    result = compare(manifest, copy)
    assert [(d.path, d.field) for d in result.different] == [
        ("a.bin", "sha256"),
        ("empty", "mode"),
        ("link", "target"),
    ]
    assert (result.missing, result.extra) == (("sub/b.txt",), ("stray",))
    assert result.named(2) == ("missing: sub/b.txt", "extra: stray")
    assert "0640, expected 0600" in result.named(9)[3]


def test_moving_is_no_mismatch_and_no_match(tree: Path, copy: Path) -> None:
    first = scan(tree)
    (tree / "a.bin").write_bytes(b"later")
    result = compare(first.settle("d", "t"), copy)
    assert (result.moving, result.mismatches, result.matched) == ((), 0, 6)
    (copy / "a.bin").write_bytes(b"torn")
    result = compare(first.settle("d", "t"), copy)
    assert (result.moving, result.mismatches, result.matched) == (("a.bin",), 0, 5)


def test_what_came_and_went_in_a_moving_folder_is_not_extra(tree: Path, copy: Path) -> None:
    first = scan(tree)
    (tree / "sub" / "brief").touch()
    (tree / "sub" / "brief").unlink()
    (copy / "sub" / "brief").touch()
    result = compare(first.settle("d", "t"), copy)
    assert (result.extra, result.moving) == ((), ("sub/brief",))


def test_what_the_manifest_could_not_read_is_unproven(tree: Path, copy: Path) -> None:
    manifest = manifest_of(tree)
    blind = tuple(
        replace(entry, sha256=None, error="Input/output error") if entry.path == "a.bin" else entry
        for entry in manifest.entries
    )
    result = compare(replace(manifest, entries=blind), copy)
    assert (result.unproven, result.mismatches) == (("a.bin",), 0)


def test_an_altered_manifest_is_refused(tree: Path) -> None:
    encoded = encode(manifest_of(tree))
    with pytest.raises(ManifestError, match="altered"):
        decode(encoded.replace(b"0600", b"0644"), expected_sha256=sha256(encoded))


def test_a_torn_manifest_is_refused(tree: Path) -> None:
    lines = encode(manifest_of(tree)).splitlines(keepends=True)
    with pytest.raises(ManifestError, match="torn"):
        decode(b"".join(lines[:-1]))
    with pytest.raises(ManifestError, match="cannot be read"):
        decode(b"".join(lines)[:-5])


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"[]\n", b'{"schema":"blackstart/manifest/2"}\n', b"\xff\xfe"]
)
def test_what_is_no_manifest_is_refused(content: bytes) -> None:
    with pytest.raises(ManifestError):
        decode(content)


def test_unknown_fields_are_refused(tree: Path) -> None:
    header, entry = encode(manifest_of(tree)).splitlines()[:2]
    extended = json.dumps({**json.loads(entry), "owner": 0}).encode()
    with pytest.raises(ManifestError, match="owner"):
        decode(header + b"\n" + extended + b"\n")
