"""The desk's files: the same from the same seed, and shaped like what they stand for."""

from __future__ import annotations

import csv
import zlib
from pathlib import Path

import market_data


def test_there_is_enough_of_it_and_the_seed_decides_every_byte(tmp_path: Path) -> None:
    market_data.make(tmp_path / "strategies", tmp_path / "ticks", seed=7)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) >= 200
    assert sum(path.stat().st_size for path in files) >= 50 << 20
    some = tmp_path / "ticks" / "AAX" / "day-003.csv"
    assert some.read_bytes() == market_data.ticks("AAX", 3, seed=7)
    assert some.read_bytes() != market_data.ticks("AAX", 3, seed=8)
    assert (tmp_path / "strategies" / "strategy-00.json").read_bytes() == market_data.strategy(0, seed=7)


def test_time_only_rises_within_and_between_days() -> None:
    days = [csv.DictReader(market_data.ticks("BRD", day, 7).decode().splitlines()) for day in range(3)]
    times = [int(row["time_ns"]) for day in days for row in day]
    assert times == sorted(set(times))
    assert len(times) == 3 * market_data.TICKS_PER_FILE


def test_about_half_of_it_compresses() -> None:
    content = market_data.ticks("CLV", 0, 7)
    assert 0.35 < len(zlib.compress(content)) / len(content) < 0.65
