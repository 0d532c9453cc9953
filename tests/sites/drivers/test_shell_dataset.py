"""What a user's commands say is taken by their exit codes, and nothing is taken for a yes that is none."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sites.errors import DatasetError, SiteError
from sites.protection.exposure import Declared, row
from tests.sites.shell_store import ShellStore


def sh(code: str) -> tuple[str, ...]:
    return ("sh", "-c", code)


@pytest.mark.parametrize(
    ("code", "writable", "refuses"),
    [(0, True, False), (1, False, True), (69, None, True), (2, None, False), (127, None, False)],
)
def test_only_two_codes_speak_of_writes(
    tmp_path: Path, code: int, writable: bool | None, refuses: bool
) -> None:
    dataset = ShellStore(tmp_path, writable=sh(f"exit {code}")).dataset
    assert dataset.writable("dr") is writable
    assert dataset.refuses_write("dr").holds is refuses


def test_a_command_that_is_not_there_or_does_not_end_says_nothing(tmp_path: Path) -> None:
    gone = ShellStore(tmp_path / "gone", writable=("no-such-program",)).dataset
    assert (gone.writable("dr"), gone.refuses_write("dr").holds) == (None, False)
    none = ShellStore(tmp_path / "none", writable=None, in_sync=None).dataset
    assert (none.writable("dr"), none.in_sync().holds, none.in_sync().how) == (
        None,
        False,
        "no command `in_sync` says so",
    )


def test_a_promotion_that_does_nothing_is_an_error(tmp_path: Path) -> None:
    dataset = ShellStore(tmp_path, promote=("true",)).dataset
    with pytest.raises(DatasetError, match="ended well, and the copy takes no writes") as caught:
        dataset.promote("dr", limit_seconds=0.1)
    assert caught.value.hint is not None


def test_a_command_that_fails_is_named_with_what_it_said(tmp_path: Path) -> None:
    dataset = ShellStore(tmp_path, dump=sh("echo 'disk on fire' >&2; exit 3")).dataset
    with pytest.raises(DatasetError, match=r'cannot dump dataset "fills" at site "primary".*disk on fire'):
        dataset.dump("primary", tmp_path / "dump")


def test_an_empty_dump_is_none_and_without_a_command_the_rest_is_the_manifests(tmp_path: Path) -> None:
    dataset = ShellStore(tmp_path, check_dump=None).dataset
    (tmp_path / "dump").mkdir()
    (tmp_path / "dump" / "empty").touch()
    with pytest.raises(DatasetError, match="holds nothing"):
        dataset.check_dump(tmp_path / "dump")
    (tmp_path / "dump" / "full").write_text("x")
    dataset.check_dump(tmp_path / "dump")


def test_a_damaged_dump_is_never_loaded(tmp_path: Path) -> None:
    store = ShellStore(tmp_path)
    store.add("primary", "one")
    store.add("dr", "kept")
    store.dataset.dump("primary", tmp_path / "dump")
    (tmp_path / "dump" / "fills").write_text("forged\n")
    with pytest.raises(DatasetError, match="check the dump"):
        store.dataset.load("dr", tmp_path / "dump")
    assert store.read("dr") == ["kept"]


def test_secrets_go_by_environment_and_show_in_no_error(tmp_path: Path) -> None:
    store = ShellStore(tmp_path, load=sh('echo "$PASSWORD" >&2; exit 1'))
    object.__setattr__(
        store.dataset, "environment", lambda: ({"ROOT": str(tmp_path)}, {"PASSWORD": "planted"})
    )
    store.add("primary", "one")
    store.dataset.dump("primary", tmp_path / "dump")
    with pytest.raises(DatasetError) as caught:
        store.dataset.load("dr", tmp_path / "dump")
    assert "planted" not in str(caught.value)


def test_how_far_the_standby_has_come_counts_as_it_says(tmp_path: Path) -> None:
    store = ShellStore(tmp_path)
    store.add("primary", "one")  # which the copy has not got
    now = datetime(2026, 11, 26, 12, tzinfo=UTC)
    os.utime(tmp_path / "dr" / "fills", (now.timestamp() - 90,) * 2)
    declared = Declared("fills", 60.0, store.dataset.in_sync, newest=store.dataset.point)
    found = row(declared, None, None, None, now, ())
    assert (found.by, found.age_seconds, found.exceeded) == ("replica", 90.0, True)
    assert "the replica does not cover it" in found.notes[0]
    os.utime(tmp_path / "dr" / "fills", (now.timestamp() + 900,) * 2)
    found = row(declared, None, None, None, now, ())
    assert (found.by, found.exceeded) == (None, True)
    assert "lies in the future" in found.notes[-1]


@pytest.mark.parametrize("said", ["yesterday", "2026-11-26T12:00:00", ""])
def test_what_is_no_time_with_a_zone_is_not_taken_for_one(tmp_path: Path, said: str) -> None:
    dataset = ShellStore(tmp_path, point=sh(f"echo '{said}'")).dataset
    with pytest.raises(DatasetError, match="no time with a zone"):
        dataset.point()


def test_another_site_is_not_guessed(tmp_path: Path) -> None:
    dataset = ShellStore(tmp_path).dataset
    for act in (lambda: dataset.dump("mars", tmp_path / "x"), lambda: dataset.writable("mars")):
        with pytest.raises(SiteError, match='no copy at site "mars"; it has: primary, dr'):
            act()
