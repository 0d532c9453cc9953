"""The newest clean point is found, with few looks, and what could not be judged is never called clean."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.recovery.clean import exit_code, lines
from sites.drivers.files import FilesDataset
from sites.errors import RepositoryError
from sites.protection.backup import backup
from sites.recovery.clean_point import CleanPoint, Look, bisect, newest_clean
from sites.restored import CommandQuestion
from tests.sites.repositories import Make

CHECK = """
import os, pathlib, sys
text = pathlib.Path(os.environ["BLACKSTART_RESTORED"], "book").read_text()
sys.exit({"clean": 0, "crypt": "encrypted", "odd": 75}[text.split()[0]])
"""
CLEAN = CommandQuestion("readable", (sys.executable, "-c", CHECK))


def test_bisection_finds_the_last_clean_one_of_any_history() -> None:
    for count in range(40):
        for clean in range(count + 1):
            looked: list[int] = []

            def look(at: int, clean: int = clean, looked: list[int] = looked) -> bool:
                looked.append(at)
                return at < clean

            assert bisect(count, look) == (clean - 1 if clean else None)
            assert len(looked) == len(set(looked)) <= max(1, count.bit_length()) + 2


def history(contents: list[str], make_repository: Make, tmp_path: Path) -> tuple[FilesDataset, CleanPoint]:
    dataset = FilesDataset("book", "primary", tmp_path / "book")
    dataset.path.mkdir()
    repository = make_repository()
    for number, content in enumerate(contents):
        (dataset.path / "book").write_text(f"{content} {number}")
        backup(dataset, repository, plan="desk", staging=tmp_path / "staging")
    found = newest_clean(dataset, "book", replace(repository, lock=True), [CLEAN], tmp_path / "scratch")
    assert list((tmp_path / "scratch").iterdir()) == []
    assert list(Path(repository.url, "locks").iterdir()) == []
    return dataset, found


def test_the_newest_point_before_the_encryption_is_found(make_repository: Make, tmp_path: Path) -> None:
    _, found = history(["clean", "clean", "crypt", "crypt"], make_repository, tmp_path)
    assert found.clean is not None
    assert found.after is not None
    assert (found.points, found.certain, found.after.verdict) == (4, True, "missed")
    assert found.clean.taken < found.after.taken
    assert len(found.looks) == 4
    assert exit_code(found) == 0
    assert "is not clean: readable: encrypted" in lines(found)[2]


def test_a_point_that_cannot_be_judged_is_not_called_clean(make_repository: Make, tmp_path: Path) -> None:
    _, found = history(["clean", "odd", "crypt"], make_repository, tmp_path)
    assert found.clean is not None
    assert found.after is not None
    assert (found.after.verdict, found.certain, exit_code(found)) == ("inconclusive", False, 3)
    assert "COULD NOT BE JUDGED" in lines(found)[2]


def test_when_none_is_clean_that_is_said(make_repository: Make, tmp_path: Path) -> None:
    _, found = history(["crypt"], make_repository, tmp_path)
    assert (found.clean, exit_code(found)) == (None, 1)
    assert "no point is clean; the oldest says: readable: encrypted" in lines(found)[0]


def test_without_checks_or_points_there_is_nothing_to_find(make_repository: Make, tmp_path: Path) -> None:
    dataset, repository = FilesDataset("book", "primary", tmp_path), make_repository()
    with pytest.raises(RepositoryError, match="declares no checks"):
        newest_clean(dataset, "book", repository, [], tmp_path)
    with pytest.raises(RepositoryError, match="no complete point"):
        newest_clean(dataset, "book", repository, [CLEAN], tmp_path)


def test_the_newest_being_clean_needs_one_look_and_nothing_after_it() -> None:
    look = Look("a" * 64, datetime.now(UTC), "met", "fine")
    found = CleanPoint("book", "offsite", 3, look, None, (look,))
    assert (found.certain, exit_code(found), len(lines(found))) == (True, 0, 3)
