"""Long ledgers: the planted numbers come out, and memory grows by a few bytes an operation."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from benchmarks import ledgers
from rto_rpo.measure import measure

ROOT = Path(__file__).resolve().parents[2]
BYTES_EACH_MAX = 40  # a line of the ledger has about 480
MIB_MAX = 300


def _peak_bytes(path: Path, operations: int) -> int:
    ledgers.write(path, operations)
    tracemalloc.start()
    try:
        found = measure(path)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        assert found.void is None
        assert found.counts["operations"] == operations + operations // 100
        assert len(found.recovery_points[0].lost) == 10
        assert found.split_brain[0].verdict == "met"
        planted = operations // 10 / 1000
        assert found.recovery_times[0].lower_seconds < planted < (found.recovery_times[0].upper_seconds or 0)


def test_the_ledger_is_streamed(tmp_path: Path) -> None:
    short, long = (_peak_bytes(tmp_path / str(count), count) for count in (5_000, 35_000))
    assert (long - short) / 30_000 < BYTES_EACH_MAX


def test_the_same_ledger_comes_out_again(tmp_path: Path) -> None:
    for name in ("a", "b"):
        ledgers.write(tmp_path / name, 2_000)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.campaign
@pytest.mark.timeout(3600)
def test_campaign_of_ten_million_operations(tmp_path: Path) -> None:
    """Each act in a process of its own, for its memory."""
    to = tmp_path / "measure.json"
    subprocess.run([sys.executable, "-m", "benchmarks.measure", "--json", str(to)], cwd=ROOT, check=True)
    found = json.loads(to.read_text())
    for act, operations in (("measure", 10_000_000), ("report", 1_000_000), ("verify", 1_000_000)):
        assert found[act]["rss_mib_max"] <= MIB_MAX
        seconds, memory = found[act]["seconds"], found[act]["rss_mib_max"]
        print(f"proof: {act} of {operations:,} operations in {seconds:.1f} s and {memory:.0f} MiB")  # noqa: T201
    assert (found["measure"]["void"], found["measure"]["lost"]) == (None, 10)
    assert (found["verify"]["intact"], found["verify"]["recomputed"]) == (True, found["report"]["verdict"])
