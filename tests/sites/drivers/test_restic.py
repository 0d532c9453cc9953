"""The driver on the real restic of this machine."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from sites.comparison import compare
from sites.drivers.restic import Keep, Restic
from sites.drivers.restic_results import Progress
from sites.errors import (
    MissingSource,
    NoRepository,
    RepositoryDamaged,
    RepositoryError,
    RepositoryLocked,
    WrongPassword,
)
from sites.exclusion import Exclusion
from sites.manifest import scan
from sites.manifest_scan import walk

Make = Callable[..., Restic]
PASSWORD = "planted-secret-of-the-repository"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / "strategies"
    (root / "sub").mkdir(parents=True)
    (root / "a.bin").write_bytes(os.urandom(700_000))
    (root / "sub" / "b.txt").write_text("b")
    return root


def wait_until(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


@contextmanager
def lock_holder(repository: Restic, *before: str) -> Iterator[subprocess.Popen[bytes]]:
    """A restic that holds a lock for as long as its input stays open."""
    argv = [*before, "restic", "-r", repository.url, "--no-cache", "backup", "--stdin"]
    environment = {**os.environ, "RESTIC_PASSWORD": PASSWORD}
    locks = Path(repository.url, "locks")
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    ) as process:
        try:
            # A lock is there once it has its whole name; before, it is being written.
            wait_until(lambda: [path for path in locks.iterdir() if len(path.name) == 64])
            yield process
        finally:
            process.kill()


def leave_dead_lock(repository: Restic, *before: str) -> None:
    with lock_holder(repository, *before) as process:
        process.kill()
        process.wait()


def packs(repository: Restic) -> list[Path]:
    """The packs that hold file data, the largest first."""
    found = [path for path in Path(repository.url, "data").rglob("*") if path.is_file()]
    return sorted(found, key=lambda path: path.stat().st_size, reverse=True)


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at : at + 8] = bytes(byte ^ 0xFF for byte in content[at : at + 8])
    path.chmod(0o600)
    path.write_bytes(content)


def test_a_snapshot_comes_back_as_it_was(make_repository: Make, source: Path, tmp_path: Path) -> None:
    repository = make_repository()
    made = repository.backup([source], tags=["dataset:strategies", "plan:desk"])
    assert (made.files, made.bytes, made.partial, made.unreadable) == (2, 700_001, False, ())
    assert made.added_bytes > 700_000
    repository.restore(made.snapshot_id, tmp_path / "out")
    restored = tmp_path / "out" / source.relative_to("/")
    assert (restored / "a.bin").read_bytes() == (source / "a.bin").read_bytes()


def test_snapshot_ids_are_whole_on_every_version(make_repository: Make, source: Path) -> None:
    repository = make_repository()
    made = repository.backup([source], tags=["dataset:strategies"])
    (listed,) = repository.snapshots().snapshots
    assert (len(made.snapshot_id), made.snapshot_id) == (64, listed.id)
    assert (listed.host, listed.paths, listed.tagged("dataset")) == ("desk", (str(source),), "strategies")
    assert timedelta() <= datetime.now(UTC) - listed.time < timedelta(minutes=5)


def test_a_short_id_is_resolved_far_away_as_it_is_nearby(make_repository: Make) -> None:
    repository = make_repository()
    made = repository.backup_text(b"x", "x.txt")
    near = repository.full_id(made.snapshot_id)
    assert near == repository.snapshots().by_prefix(made.snapshot_id).id
    with pytest.raises(RepositoryError, match="0 snapshots have an id"):
        repository.full_id("ffffffff")


def test_snapshots_are_found_by_all_of_the_tags(make_repository: Make) -> None:
    repository = make_repository()
    repository.backup_text(b"x", "x.txt", tags=["dataset:a", "plan:p"])
    repository.backup_text(b"y", "y.txt", tags=["dataset:b", "plan:p"])
    found = repository.snapshots(tags=["dataset:b", "plan:p"]).snapshots
    assert [snapshot.paths for snapshot in found] == [("/y.txt",)]
    assert repository.dump_text(found[0].id, "/y.txt") == "y"


def test_a_copied_snapshot_knows_its_original(make_repository: Make, source: Path) -> None:
    onsite, offsite = make_repository("onsite"), make_repository("offsite")
    made = onsite.backup([source])
    offsite.copy(onsite, [made.snapshot_id])
    (copied,) = offsite.snapshots().snapshots
    assert copied.id != made.snapshot_id
    assert (copied.original, copied.first_id) == (made.snapshot_id, made.snapshot_id)


def test_a_copy_between_two_credentials_of_one_name_is_refused(repository_at: Make) -> None:
    one, two = (
        repository_at(name, secrets={"AWS_SECRET_ACCESS_KEY": lambda name=name: f"planted-{name}"})
        for name in ("one", "two")
    )
    with pytest.raises(RepositoryError, match="AWS_SECRET_ACCESS_KEY differ") as caught:
        two.copy(one, ["ab" * 32])
    assert "planted" not in str(caught.value)


def test_progress_is_told(make_repository: Make, source: Path) -> None:
    told: list[Progress] = []
    make_repository().backup([source], on_progress=told.append)
    assert told
    assert all(0 <= progress.fraction <= 1 for progress in told)


def test_excluded_files_are_the_ones_that_our_own_patterns_exclude(
    make_repository: Make, tmp_path: Path
) -> None:
    root = tmp_path / "we[i]rd*root"
    for name in ("a.tmp", "k", "sub/b.tmp", "sub/deep/c.tmp", "tmp/in", "sub/tmp/in", "sub/k", "logs/x/old"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    exclude = Exclusion(("*.tmp", "tmp", "/k", "/logs/?/old", "/sub/**/[cd].tmp"))
    repository = make_repository()
    made = repository.backup([root], exclude=exclude.for_restic(root))
    repository.restore(made.snapshot_id, tmp_path / "out")
    restored = {
        path.relative_to(tmp_path / "out" / root.relative_to("/")).as_posix()
        for path in (tmp_path / "out").rglob("*")
        if root.name in path.parent.as_posix()
    }
    assert restored | {"."} == set(walk(root, exclude))
    assert "sub/k" in restored


def test_hostile_names_come_back(make_repository: Make, tmp_path: Path) -> None:
    root = tmp_path / "names"
    root.mkdir()
    for name in (b"new\nline", b"inv\xff\xfealid", b'quo"te', b" lead", b"-rf", b"back\\slash"):
        with open(os.fsencode(root) + b"/" + name, "wb") as out:  # noqa: PTH123  a Path takes no bytes
            out.write(name)
    (root / "loop").symlink_to("loop")
    looked = scan(root)
    repository = make_repository()
    made = repository.backup([root])
    repository.restore(made.snapshot_id, tmp_path / "out")
    result = compare(looked.settle("names", "t"), tmp_path / "out" / root.relative_to("/"))
    assert (result.mismatches, result.matched) == (0, 8)


def test_retention_takes_snapshots_with_the_tag_alone(make_repository: Make) -> None:
    repository = make_repository()
    for content in (b"1", b"2", b"3"):
        repository.backup_text(content, "x.txt", tags=["dataset:a"])
    repository.backup_text(b"kept", "x.txt", tags=["dataset:b"])
    before = repository.snapshots().snapshots
    planned = repository.forget(Keep(last=1), tags=["dataset:a"], dry_run=True)
    assert len(repository.snapshots().snapshots) == 4
    assert set(planned) == {snapshot.id for snapshot in before[:2]}
    assert repository.forget(Keep(last=1), tags=["dataset:a"]) == planned
    repository.forget_snapshots([before[3].id])
    repository.prune()
    assert [s.id for s in repository.snapshots().snapshots] == [before[2].id]
    assert repository.stats().snapshots == 1


@pytest.mark.parametrize("tags", [[], ["dataset:a"]])
def test_a_retention_that_keeps_nothing_or_reaches_others_is_refused(
    repository_at: Make, tags: list[str]
) -> None:
    with pytest.raises(RepositoryError, match=r"refused|others"):
        repository_at("any").forget(Keep(), tags=tags)


def test_a_wrong_password_is_named(make_repository: Make) -> None:
    make_repository("onsite")
    with pytest.raises(WrongPassword, match='cannot list snapshots: repository "wrong"') as caught:
        make_repository("wrong", password=lambda: "another-planted-secret").snapshots()
    assert caught.value.hint
    assert "planted" not in str(caught.value)


def test_no_repository_is_named(repository_at: Make) -> None:
    with pytest.raises(NoRepository, match='repository "gone"'):
        repository_at("gone").snapshots()


def test_what_cannot_be_reached_is_not_taken_for_absent(repository_at: Make) -> None:
    away = repository_at("away", url="rest:http://127.0.0.1:9/", call_limit_seconds=60)
    with pytest.raises(RepositoryError, match="cannot be reached") as caught:
        away.exists()
    assert not isinstance(caught.value, NoRepository)


def test_a_repository_is_never_made_twice(make_repository: Make) -> None:
    with pytest.raises(RepositoryError, match="there is one already"):
        make_repository().init()


def test_a_missing_path_fails_before_restic_runs(make_repository: Make, source: Path, tmp_path: Path) -> None:
    repository = make_repository()
    with pytest.raises(MissingSource, match="no such file or folder"):
        repository.backup([source, tmp_path / "gone"])
    assert repository.snapshots().snapshots == ()


def test_a_path_that_goes_away_meanwhile_fails_though_restic_exits_with_0(
    make_repository: Make, source: Path, tmp_path: Path
) -> None:
    leaving = tmp_path / "leaving"
    leaving.mkdir()
    wrapper = tmp_path / "restic"
    wrapper.write_text(f'#!/bin/sh\n[ "$5" = backup ] && rmdir {leaving}\nexec restic "$@"\n')
    wrapper.chmod(0o755)
    with pytest.raises(MissingSource, match="went away meanwhile"):
        make_repository(binary=str(wrapper)).backup([source, leaving])


def test_a_link_is_refused_as_source(make_repository: Make, source: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(source)
    with pytest.raises(MissingSource, match="symbolic link"):
        make_repository().backup([tmp_path / "link"])


@pytest.mark.parametrize("short", ["latest", "deadbeef", "", "--help"])
def test_only_a_full_id_is_restored(repository_at: Make, tmp_path: Path, short: str) -> None:
    with pytest.raises(RepositoryError, match="no full snapshot id"):
        repository_at("any").restore(short, tmp_path)


@pytest.mark.skipif(os.getuid() != 0, reason="needs a second user")
def test_an_unreadable_file_makes_a_partial_snapshot_and_is_named(
    make_repository: Make,
) -> None:
    with open_folder() as root:
        (root / "open").write_text("open")
        (root / "closed").write_text("closed")
        (root / "closed").chmod(0)
        wrapper = root.parent / f"{root.name}-restic"
        wrapper.write_text('#!/bin/sh\nexec setpriv --reuid=65534 --clear-groups restic "$@"\n')
        wrapper.chmod(0o755)
        repository = make_repository(binary=str(wrapper))
        moved = root.parent / f"{root.name}-repository"
        shutil.move(repository.url, moved)
        for path in [moved, *moved.rglob("*")]:
            os.chown(path, 65534, -1)
        made = Restic("open", str(moved), lambda: PASSWORD, binary=str(wrapper), cache="none").backup([root])
        shutil.rmtree(moved)
        wrapper.unlink()
    assert made.partial
    assert made.unreadable == (str(root / "closed"),)
    assert (made.files, len(made.snapshot_id)) == (1, 64)


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that every user can reach."""
    with TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_a_live_lock_is_respected_and_described(make_repository: Make) -> None:
    repository = make_repository()
    with lock_holder(repository) as holder:
        with pytest.raises(RepositoryLocked, match="is locked") as caught:
            repository.check()
        assert f"of process {holder.pid} on host" in str(caught.value.hint)
        assert "and alive" in str(caught.value.hint)
        assert [lock.pid for lock in repository.locks()] == [holder.pid]


def test_a_live_lock_is_waited_for(make_repository: Make) -> None:
    repository = make_repository(lock_wait_seconds=30.0)
    with lock_holder(repository) as holder:
        code = f"import os,time; time.sleep(0.4); os.kill({holder.pid}, {int(signal.SIGINT)})"
        with subprocess.Popen([sys.executable, "-c", code]):
            assert repository.check() > 0


def test_a_dead_lock_is_removed(make_repository: Make) -> None:
    repository = make_repository()
    leave_dead_lock(repository)
    assert len(repository.locks()) == 1
    assert repository.unlock() == ()


def test_a_dead_lock_does_not_stop_us(make_repository: Make) -> None:
    repository = make_repository(lock_wait_seconds=5.0)
    leave_dead_lock(repository)
    assert repository.check() > 0


@pytest.mark.skipif(os.getuid() != 0, reason="needs a second host name")
def test_a_lock_of_another_host_is_left_and_said_to_be_left(make_repository: Make, source: Path) -> None:
    repository = make_repository()
    repository.backup([source])
    leave_dead_lock(repository, "unshare", "--uts", "sh", "-c", 'hostname elsewhere; exec "$@"', "sh")
    (left,) = repository.unlock()
    assert left.host == "elsewhere"
    with pytest.raises(RepositoryLocked) as caught:
        repository.check()
    assert "'elsewhere'" in str(caught.value.hint)
    assert repository.unlocked().snapshots().snapshots  # a dead site's lock never stops a recovery


def test_flipped_bytes_pass_the_structural_check_and_nothing_else(
    make_repository: Make, source: Path, tmp_path: Path
) -> None:
    repository = make_repository()
    made = repository.backup([source])
    flip(packs(repository)[0], 200_000)
    assert repository.check() > 0
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


def lose(pack: Path) -> None:
    pack.unlink()


def cut(pack: Path) -> None:
    pack.chmod(0o600)
    os.truncate(pack, pack.stat().st_size // 2)


@pytest.mark.parametrize("damage", [lose, cut])
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


def test_a_call_that_does_not_end_is_stopped_and_leaves_no_lock(make_repository: Make, source: Path) -> None:
    with (source / "big").open("wb") as big:
        big.truncate(1 << 33)
    repository = make_repository(transfer_limit_seconds=0.8)
    with pytest.raises(RepositoryError, match=r"not done within 0\.8 s"):
        repository.backup([source])
    repository.unlock()
    assert repository.snapshots().snapshots == ()


def test_the_password_shows_nowhere_while_restic_runs(make_repository: Make, source: Path) -> None:
    repository = make_repository()
    seen: list[bytes] = []

    def look(_: Progress) -> None:
        for cmdline in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                seen.append(cmdline.read_bytes())
            except OSError:  # ended meanwhile
                continue

    made = repository.backup([source], on_progress=look)
    assert any(b"backup" in line and repository.url.encode() in line for line in seen)
    assert not any(PASSWORD.encode() in line for line in seen)
    assert PASSWORD not in repr(repository) + repr(made)


def test_our_own_environment_cannot_point_restic_elsewhere(
    make_repository: Make, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = make_repository()
    monkeypatch.setenv("RESTIC_PASSWORD_FILE", "/dev/null")
    monkeypatch.setenv("RESTIC_REPOSITORY_FILE", "/dev/null")
    monkeypatch.setenv("RESTIC_FROM_REPOSITORY", "/nowhere")
    assert repository.backup([source]).files == 2


def test_a_cache_hides_damage_and_uncached_does_not(
    make_repository: Make, tmp_path: Path, source: Path
) -> None:
    repository = make_repository(cache=tmp_path / "cache")
    made = repository.backup([source])
    assert (tmp_path / "cache").is_dir()
    flip(Path(repository.url, "snapshots", made.snapshot_id), 40)
    assert repository.snapshots().unreadable == ()
    assert repository.uncached().snapshots().unreadable == (made.snapshot_id[:8],)


def test_nothing_is_backed_up_from_nothing(repository_at: Make) -> None:
    with pytest.raises(RepositoryError, match="empty"):
        repository_at("any").backup_text(b"", "dump.sql")


def test_a_tag_with_a_comma_is_refused(repository_at: Make) -> None:
    with pytest.raises(RepositoryError, match="comma"):
        repository_at("any").backup_text(b"x", "x", tags=["a,b"])
