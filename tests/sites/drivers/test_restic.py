"""The driver on the real restic: this machine's, and in the campaign Debian 13's too."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sites.comparison import compare
from sites.drivers.restic.repository import Keep, Restic
from sites.drivers.restic.results import Progress
from sites.errors import (
    MissingSource,
    NoRepository,
    RepositoryError,
    WrongPassword,
)
from sites.exclusion import Exclusion
from sites.manifest import scan
from sites.manifest_scan import walk
from tests.sites.repositories import (
    PASSWORD,
    TWO_REAL_ONES,
    Make,
    open_folder,
)


@pytest.fixture(params=TWO_REAL_ONES)
def restic_binary(request: pytest.FixtureRequest) -> str:
    """Every test here runs on both; on the second one in the campaign."""
    return str(request.param)


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
    with (source / "zeros").open("wb") as zeros:  # 0.18 says nothing about what takes it no time
        zeros.truncate(1 << 30)
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
    away = repository_at("away", url="rest:http://127.0.0.1:9/", call_limit_seconds=6)
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
    make_repository: Make, source: Path, tmp_path: Path, restic_binary: str
) -> None:
    leaving = tmp_path / "leaving"
    leaving.mkdir()
    wrapper = tmp_path / "restic"
    wrapper.write_text(f'#!/bin/sh\n[ "$5" = backup ] && rmdir {leaving}\nexec {restic_binary} "$@"\n')
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
    make_repository: Make, restic_binary: str
) -> None:
    with open_folder() as root:
        (root / "open").write_text("open")
        (root / "closed").write_text("closed")
        (root / "closed").chmod(0)
        wrapper = root.parent / f"{root.name}-restic"
        wrapper.write_text(f'#!/bin/sh\nexec setpriv --reuid=65534 --clear-groups {restic_binary} "$@"\n')
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
    with ThreadPoolExecutor(1) as beside:
        backup = beside.submit(repository.backup, [source])
        seen = set()
        while not backup.done():
            seen |= set(command_lines())
    assert any(b"backup" in line and repository.url.encode() in line for line in seen)
    assert not any(PASSWORD.encode() in line for line in seen)
    assert PASSWORD not in repr(repository) + repr(backup.result())


def command_lines() -> Iterator[bytes]:
    """Those of all processes, as everybody can read them."""
    for cmdline in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # ended meanwhile
            yield cmdline.read_bytes()


def test_our_own_environment_cannot_point_restic_elsewhere(
    make_repository: Make, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = make_repository()
    monkeypatch.setenv("RESTIC_PASSWORD_FILE", "/dev/null")
    monkeypatch.setenv("RESTIC_REPOSITORY_FILE", "/dev/null")
    monkeypatch.setenv("RESTIC_FROM_REPOSITORY", "/nowhere")
    assert repository.backup([source]).files == 2


def test_nothing_is_backed_up_from_nothing(repository_at: Make) -> None:
    with pytest.raises(RepositoryError, match="empty"):
        repository_at("any").backup_text(b"", "dump.sql")


def test_a_tag_with_a_comma_is_refused(repository_at: Make) -> None:
    with pytest.raises(RepositoryError, match="comma"):
        repository_at("any").backup_text(b"x", "x", tags=["a,b"])


def test_a_file_that_is_mostly_hole_does_not_fill_the_disk_where_restic_can_help_it(
    make_repository: Make, tmp_path: Path
) -> None:
    repository, folder = make_repository(), tmp_path / "images"
    folder.mkdir()
    with (folder / "disk").open("wb") as file:
        file.seek(64 << 20)
        file.write(b"end")
    made = repository.backup([folder])
    repository.restore(made.snapshot_id, tmp_path / "out")
    back = tmp_path / "out" / folder.relative_to("/") / "disk"
    taken_bytes = back.stat().st_blocks * 512
    assert compare(scan(folder).settle("d", "t"), back.parent).mismatches == 0
    assert (taken_bytes < 8 << 20) == repository.able.sparse, "0.14 writes every zero: it takes the room"


def test_restic_is_told_how_often_to_speak(make_repository: Make, source: Path, tmp_path: Path) -> None:
    """Left to itself it writes a line of status ten times a second even where nobody watches."""
    repository, heard = make_repository(), tmp_path / "heard"
    wrapper = tmp_path / "wrapper"
    wrapper.write_text(f'#!/bin/sh\necho "$RESTIC_PROGRESS_FPS" >> {heard}\nexec {repository.binary} "$@"\n')
    wrapper.chmod(0o755)
    replace(repository, binary=str(wrapper)).backup([source])
    assert set(heard.read_text().split()) <= {"2"}
    assert "2" in heard.read_text()


def test_the_last_snapshots_go_by_their_ids_and_no_flag_that_would_drop_all_is_ever_given(
    make_repository: Make, source: Path, tmp_path: Path
) -> None:
    """For a policy that keeps nothing 0.17 wants --unsafe-allow-remove-all; we have no such policy."""
    repository, said = make_repository(), tmp_path / "said"
    wrapper = tmp_path / "wrapper"
    wrapper.write_text(f'#!/bin/sh\necho "$@" >> {said}\nexec {repository.binary} "$@"\n')
    wrapper.chmod(0o755)
    spied = replace(repository, binary=str(wrapper))
    made = [spied.backup([source], tags=["dataset:a"]).snapshot_id for _ in range(2)]
    with pytest.raises(RepositoryError, match="keeps nothing"):
        spied.forget(Keep(), tags=["dataset:a"])
    spied.forget_snapshots(made)
    spied.unlock()
    assert spied.snapshots().snapshots == ()
    assert "remove-all" not in said.read_text()
    assert "unlock" in said.read_text()
