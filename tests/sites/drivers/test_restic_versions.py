"""Versions that are not installed here, played by a fake that is written from the capability table.

Nothing of it was recorded: exit codes and texts are those of restic's documentation of that version.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sites.drivers.restic.failure import hopeless, last_words
from sites.drivers.restic.repository import Restic
from sites.drivers.restic.results import json_lines, read_forgotten, read_snapshots, read_time
from sites.drivers.restic.version import parse
from sites.errors import (
    MissingProgram,
    MissingSource,
    NoRepository,
    RepositoryDamaged,
    RepositoryError,
    RepositoryLocked,
    WrongPassword,
)

ID = "ab" * 32
NO_REPOSITORY = (
    "Fatal: repository does not exist: unable to open config file: stat x: no such file or directory"
)
LOCKED = "unable to create lock in backend: repository is already locked by PID 7 on h by root (UID 0, GID 0)"
WRONG = "Fatal: wrong password or no key found"


@pytest.fixture
def fake_from_table(tmp_path: Path) -> Callable[..., Restic]:
    """A program that says it is restic `version`, and ends every call as told."""

    def make(version: str, exit_code: int = 0, *, stderr: str = "", stdout: str = "") -> Restic:
        (tmp_path / "stdout").write_text(stdout)
        (tmp_path / "stderr").write_text(stderr)
        program = tmp_path / "restic"
        program.write_text(
            f'#!/bin/sh\n[ "$1" = version ] && echo "restic {version} compiled with go1.23" && exit\n'
            f'case "$*" in *" unlock"|*" list locks") exit 0;; esac\n'
            f"cat {tmp_path}/stdout; cat {tmp_path}/stderr >&2; exit {exit_code}\n"
        )
        program.chmod(0o755)
        return Restic("r", "/nowhere", lambda: "s3cr3t-of-fake", binary=str(program), lock_wait_seconds=0)

    return make


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("restic 0.14.0 compiled with go1.19.8 on linux/amd64", (0, 14, 0)),
        ("restic 0.18.1-dev (compiled manually) compiled with go1.24 on linux/amd64", (0, 18, 1)),
        ("restic 1.0 compiled with go1.30 on linux/arm64\n", (1, 0, 0)),
    ],
)
def test_the_version_is_read_from_text(text: str, version: tuple[int, int, int]) -> None:
    assert parse(text).version == version


@pytest.mark.parametrize("text", ["restic 0.13.1 compiled with go1.18", "rustic 0.9.4", "", "restic devel"])
def test_what_is_older_or_no_restic_is_refused(text: str) -> None:
    with pytest.raises(MissingProgram):
        parse(text)


@pytest.mark.parametrize(
    ("version", "full_id", "retry_lock", "missing_path_fails"),
    [
        ("0.14.0", False, False, False),
        ("0.15.2", True, False, False),
        ("0.16.5", True, True, False),
        ("0.18.0", True, True, False),
        ("0.19.1", True, True, True),
    ],
)
def test_the_table(version: str, full_id: bool, retry_lock: bool, missing_path_fails: bool) -> None:
    able = parse(f"restic {version} compiled")
    assert (able.full_snapshot_id, able.retry_lock) == (full_id, retry_lock)
    assert able.missing_path_fails is missing_path_fails


@pytest.mark.parametrize(
    ("version", "exit_code", "stderr", "expected"),
    [
        ("0.14.0", 1, NO_REPOSITORY.replace("repository does not exist: ", ""), NoRepository),
        ("0.16.0", 1, LOCKED, RepositoryLocked),
        ("0.16.0", 1, WRONG, WrongPassword),
        ("0.17.0", 10, NO_REPOSITORY, NoRepository),
        ("0.17.0", 11, LOCKED, RepositoryLocked),
        ("0.17.0", 1, WRONG, WrongPassword),
        ("0.18.0", 10, '{"message_type":"exit_error","code":10,"message":"Fatal: gone"}', NoRepository),
        ("0.18.0", 11, "", RepositoryLocked),
        ("0.18.0", 12, "", WrongPassword),
        ("0.18.0", 1, "Fatal: load <index/1>: invalid data returned", RepositoryDamaged),
    ],
)
def test_failures_have_one_name_on_all_versions(
    fake_from_table: Callable[..., Restic],
    version: str,
    exit_code: int,
    stderr: str,
    expected: type[RepositoryError],
) -> None:
    with pytest.raises(expected) as caught:
        fake_from_table(version, exit_code, stderr=stderr).snapshots()
    assert type(caught.value) is expected
    assert f"restic exit {exit_code}" in str(caught.value)


def test_a_restore_that_counts_its_errors_is_told_by_the_first_of_them(
    fake_from_table: Callable[..., Restic], tmp_path: Path
) -> None:
    said = (
        '{"message_type":"error","error":{"message":"ReadFull(<data/44>): file is too short"},'
        '"during":"restore","item":"/s/a"}\n'
        '{"message_type":"exit_error","code":1,"message":"Fatal: There were 4 errors"}'
    )
    with pytest.raises(RepositoryDamaged, match="/s/a: ReadFull"):
        fake_from_table("0.18.0", 1, stderr=said).restore(ID, tmp_path)


@pytest.mark.parametrize(
    ("version", "stdout", "counted"),
    [
        ("0.14.0", "restoring <Snapshot ab> to /x\n", (None, None)),
        ("0.18.0", '{"message_type":"summary","files_restored":3,"bytes_restored":700002}', (3, 700002)),
        ("0.18.0", '{"message_type":"summary","files_restored":1,"total_bytes":7}', (1, 0)),
    ],
)
def test_what_a_restore_counts_is_kept_where_it_counts(
    fake_from_table: Callable[..., Restic],
    tmp_path: Path,
    version: str,
    stdout: str,
    counted: tuple[int | None, int | None],
) -> None:
    done = fake_from_table(version, stdout=stdout).restore(ID, tmp_path)
    assert (done.entries, done.bytes) == counted


def test_a_check_that_counts_errors_is_damage_whatever_its_exit_code(
    fake_from_table: Callable[..., Restic],
) -> None:
    said = '{"message_type":"summary","num_errors":1,"broken_packs":null}'
    with pytest.raises(RepositoryDamaged, match="found 1 errors"):
        fake_from_table("0.18.0", 0, stdout=said).check()


@pytest.mark.parametrize(
    ("version", "exit_code"), [("0.14.0", 10), ("0.17.0", 12), ("0.19.1", 77), ("0.14.0", 2)]
)
def test_an_unknown_exit_code_is_a_failure(
    fake_from_table: Callable[..., Restic], version: str, exit_code: int
) -> None:
    with pytest.raises(RepositoryError, match="restic failed") as caught:
        fake_from_table(version, exit_code).snapshots()
    assert type(caught.value) is RepositoryError


@pytest.mark.parametrize(("version", "exit_code"), [("0.14.0", 130), ("0.19.1", 130)])
def test_an_interrupted_restic_says_so(
    fake_from_table: Callable[..., Restic], version: str, exit_code: int
) -> None:
    with pytest.raises(RepositoryError, match="interrupted"):
        fake_from_table(version, exit_code).snapshots()


def summary(snapshot_id: str) -> str:
    return (
        '{"message_type":"status","percent_done":0}\nplain text\n'
        '{"message_type":"summary","total_files_processed":1,"total_bytes_processed":2,'
        f'"data_added":3,"snapshot_id":"{snapshot_id}"}}\n'
    )


def test_exit_3_is_partial_and_names_what_was_unreadable(
    fake_from_table: Callable[..., Restic], tmp_path: Path
) -> None:
    said = '{"message_type":"error","error":{"message":"open: denied"},"during":"archival","item":"/srv/x"}'
    made = fake_from_table("0.18.0", 3, stdout=summary(ID), stderr=said).backup([tmp_path])
    assert (made.partial, made.unreadable, made.snapshot_id) == (True, ("/srv/x",), ID)


def test_a_skipped_path_fails_where_restic_exits_with_0(
    fake_from_table: Callable[..., Restic], tmp_path: Path
) -> None:
    restic = fake_from_table("0.18.0", 0, stdout=summary(ID), stderr=f"{tmp_path} does not exist, skipping")
    with pytest.raises(MissingSource, match="went away"):
        restic.backup([tmp_path])


@pytest.mark.parametrize("stdout", ["", '{"message_type":"summary"}', "not json", summary("")])
def test_a_backup_without_a_snapshot_is_a_failure(
    fake_from_table: Callable[..., Restic], tmp_path: Path, stdout: str
) -> None:
    with pytest.raises(RepositoryError, match=r"which snapshot|cannot be read"):
        fake_from_table("0.18.0", 0, stdout=stdout).backup([tmp_path])


def test_the_secret_is_masked_if_restic_says_it(fake_from_table: Callable[..., Restic]) -> None:
    with pytest.raises(RepositoryError) as caught:
        fake_from_table("0.18.0", 1, stderr="Fatal: the password s3cr3t-of-fake is odd").snapshots()
    assert "s3cr3t" not in str(caught.value)
    assert "***" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-23T17:40:25.764992727Z", "2026-11-23T17:40:25.764992+00:00"),
        ("2026-11-23T17:40:25Z", "2026-11-23T17:40:25+00:00"),
        ("2026-11-23T17:40:25.7+05:30", "2026-11-23T17:40:25.700000+05:30"),
    ],
)
def test_times_keep_their_zone(text: str, expected: str) -> None:
    assert read_time(text).isoformat() == expected


@pytest.mark.parametrize(
    "text", ["", None, 0, "yesterday", "2026-11-23 17:40:25", "2026-11-23T17:40:25", "2026-13-23T17:40:25Z"]
)
def test_a_time_that_cannot_be_read_is_never_the_epoch(text: object) -> None:
    with pytest.raises(RepositoryError, match="time"):
        read_time(text)


@pytest.mark.parametrize(
    "stdout",
    ["", "{}", "[{}]", '[{"id":"abc","time":"2026-11-23T17:40:25Z"}]', f'[{{"id":"{ID}","time":"never"}}]'],
)
def test_a_listing_that_cannot_be_read_is_no_empty_listing(stdout: str) -> None:
    with pytest.raises(RepositoryError):
        read_snapshots(stdout, "")


def test_an_empty_listing_is_one() -> None:
    assert read_snapshots("[]\n", "").snapshots == read_snapshots("null", "").snapshots == ()


def test_text_after_the_array_is_passed_over() -> None:
    removed = (
        f'[{{"keep":[],"remove":[{{"id":"{ID}"}}]}},{{"keep":[],"remove":null}}]\n[0:00] 1 / 1 deleted\n'
    )
    assert read_forgotten(removed) == (ID,)


def test_json_lines_pass_over_text_and_torn_lines() -> None:
    assert list(json_lines('hello\n{"a":1}\n{"torn\n[1]\n {"b":2}\n')) == [{"a": 1}, {"b": 2}]


def test_the_line_that_says_most_is_kept() -> None:
    assert last_words("warming up\nFatal: no space\nhint at the end\n") == "no space"
    assert last_words('{"message_type":"exit_error","code":1,"message":"Fatal: gone"}') == "gone"
    assert last_words("") == ""


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("Load(<data/eea9>, 3, 0) returned error, retrying after 5ms: ReadFull: unexpected EOF", "data/eea9"),
        (
            "Load(<index/ab>, 0, 0) returned error, retrying after 1s: open x: no such file or directory",
            "index/ab",
        ),
        ("Load(<data/448e>, 70, 0) failed: open /r/data/44/448e: no such file or directory", "data/448e"),
        ("Load(<data/448e>, 43, 70) failed: file is too short", "data/448e"),
        ("Load(<data/eea9>, 3, 0) returned error, retrying after 5ms: connection reset by peer", None),
        ("Load(<data/eea9>, 3, 0) failed: connection reset by peer", None),
        ("Save(<data/eea9>) returned error, retrying after 5ms: no such file or directory", None),
    ],
)
def test_what_comes_back_never_is_told_from_what_may(line: str, what: str | None) -> None:
    assert hopeless(line) == what
