"""Market data that was restored: whole it is called whole, and whatever is wrong with it is named."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import check_ticks
import market_data
import pytest


@pytest.fixture(scope="module")
def days() -> list[bytes]:
    return [market_data.ticks("AAX", day, 7) for day in range(3)]


@pytest.fixture
def folder(days: list[bytes], tmp_path: Path) -> Path:
    (tmp_path / "AAX").mkdir()
    for day, content in enumerate(days):
        (tmp_path / "AAX" / f"day-{day:03d}.csv").write_bytes(content)
    return tmp_path


def lines(path: Path, change: Callable[[list[str]], list[str]]) -> None:
    path.write_text("\n".join(change(path.read_text().split("\n"))))


def test_whole_data_is_whole(folder: Path) -> None:
    assert list(check_ticks.wrong(folder, 10.0)) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda all_: [*all_[:50], *all_[52:]], None),
        (lambda all_: [*all_[:50], *all_[1000:]], "AAX/day-001.csv:51: a gap of"),
        (lambda all_: [*all_[:50], all_[49], *all_[50:]], "AAX/day-001.csv:51: time does not rise"),
        (lambda all_: [*all_[:50], all_[51], all_[50], *all_[52:]], "AAX/day-001.csv:52: time does not rise"),
        (lambda all_: all_[1:], "AAX/day-001.csv: its first line is not the header"),
        (lambda all_: [*all_[:-1], "1793"], "AAX/day-001.csv: its last line is torn"),
        (lambda all_: [*all_[:50], "\x00" * 64, *all_[51:]], "AAX/day-001.csv:51: no tick of AAX"),
        (lambda all_: [each.replace("AAX", "BRD") for each in all_], "AAX/day-001.csv:2: no tick of AAX"),
    ],
)
def test_what_is_wrong_within_a_day_is_named(
    folder: Path, change: Callable[[list[str]], list[str]], told: str | None
) -> None:
    lines(folder / "AAX" / "day-001.csv", change)
    found = list(check_ticks.wrong(folder, 10.0))
    assert found[0].startswith(told) if told else found == [], found[:1]


def test_an_execution_on_two_days_is_named(folder: Path, days: list[bytes]) -> None:
    (folder / "AAX" / "day-002.csv").write_bytes(days[1])
    assert "is there twice" in next(check_ticks.wrong(folder, 10.0))


def test_a_missing_day_is_named(folder: Path) -> None:
    (folder / "AAX" / "day-001.csv").unlink()
    assert list(check_ticks.wrong(folder, 10.0)) == ["AAX: day 1 is missing"]


def test_it_answers_as_a_restore_test_asks(folder: Path, tmp_path: Path) -> None:
    def asked(where: Path) -> tuple[int, str]:
        env = {**os.environ, "BLACKSTART_RESTORED": str(where)}
        done = subprocess.run(
            [sys.executable, check_ticks.__file__], env=env, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr

    assert asked(folder) == (0, "3 days: no gap, no duplicate, time always rises\n")
    (folder / "AAX" / "day-001.csv").unlink()
    assert asked(folder) == (1, "AAX: day 1 is missing\n")
    (tmp_path / "empty").mkdir()
    assert asked(tmp_path / "empty")[0] == 75
