"""Numbered marks in a protected folder: whole or not there, and read only from what was restored."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from drills.payload import digest
from sites.capability import Outcome
from sites.drivers import marks
from sites.drivers.marks import FOLDER, MarkedFolder, MarksClient
from sites.errors import DatasetError

T = TypeVar("T")
RUN = "3f9a12c4-6f0e-4b8e-9d2a-000000000001"


def use(source: Path, restored: Path, act: Callable[[MarksClient], Awaitable[T]], limit: float = 10.0) -> T:
    async def whole() -> T:
        client = MarksClient(MarkedFolder(source, restored), run=RUN, limit_seconds=limit, workers=4)
        try:
            return await act(client)
        finally:
            await client.aclose()

    return asyncio.run(whole())


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


def test_only_what_was_restored_comes_back(tmp_path: Path, source: Path) -> None:
    restored = tmp_path / "restored"

    async def act(client: MarksClient) -> list[tuple[int, str]]:
        await client.write("strategies", 0, b"first")
        await asyncio.to_thread(shutil.copytree, source, restored)
        await client.write("strategies", 1, b"second")
        return (await client.read_back("strategies")).rows

    assert use(source, restored, act) == [(0, digest(b"first"))]


def test_a_restored_folder_without_marks_holds_none_and_a_missing_one_is_an_error(
    tmp_path: Path, source: Path
) -> None:
    found = use(source, source, lambda client: client.read_back("strategies"))
    assert (found.rows, found.count, found.end) == ([], 0, True)
    with pytest.raises(DatasetError, match="there is no such folder"):
        use(source, tmp_path / "nowhere", lambda client: client.read_back("strategies"))


def test_a_dataset_that_is_gone_is_not_made_anew(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    outcome = use(gone, gone, lambda client: client.write("strategies", 1, b"x"))
    assert (outcome.result, outcome.cause) == ("failed", "enoent")
    assert not gone.exists()


def test_a_mark_that_the_disk_refuses_has_not_been_written(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async def act(client: MarksClient) -> tuple[Outcome, int | None]:
        await client.write("strategies", 0, b"first")
        monkeypatch.setattr(marks.os, "fsync", full)
        return await client.write("strategies", 1, b"x"), (await client.read_back("strategies")).count

    outcome, count = use(source, source, act)
    assert (outcome.result, outcome.cause, count) == ("failed", "enospc", 1)
    assert [each.name for each in (source / FOLDER / "3f9a12c4-strategies").iterdir()] == ["0"]


def test_a_mark_whose_name_may_not_be_on_disk_is_indeterminate(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Path) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    async def act(client: MarksClient) -> Outcome:
        await client.write("strategies", 0, b"first")
        monkeypatch.setattr(marks, "sync_folder", broken)
        return await client.write("strategies", 1, b"x")

    outcome = use(source, source, act)
    assert (outcome.result, outcome.cause) == ("indeterminate", "eio")


def test_a_disk_that_hangs_is_indeterminate_and_holds_nobody_up(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back, real = threading.Event(), os.fsync

    def hang(fd: int) -> None:
        assert back.wait(10)
        real(fd)

    monkeypatch.setattr(marks.os, "fsync", hang)

    async def act(client: MarksClient) -> Outcome:
        outcome = await client.write("strategies", 0, b"x")
        back.set()
        return outcome

    outcome = use(source, source, act, limit=0.1)
    assert (outcome.result, outcome.cause) == ("indeterminate", "timeout")


def test_a_listing_that_was_cut_short_does_not_count(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each mark is looked for by its name besides, which no listing has a part in."""
    whole = marks._numbers
    monkeypatch.setattr(marks, "_numbers", lambda place: whole(place)[:-1])

    async def act(client: MarksClient) -> tuple[int, int | None]:
        for number in range(3):
            await client.write("strategies", number, b"x")
        found = await client.read_back("strategies")
        return len(found.rows), found.count

    assert use(source, source, act) == (2, 3)


def test_a_mark_that_nobody_wrote_is_listed_and_counted(source: Path) -> None:
    async def act(client: MarksClient) -> tuple[list[int], int | None]:
        await client.write("strategies", 0, b"x")
        (source / FOLDER / "3f9a12c4-strategies" / "7").write_bytes(b"x")
        found = await client.read_back("strategies")
        return [number for number, _ in found.rows], found.count

    assert use(source, source, act) == ([0, 7], 2)
