"""The recorder for a long time at a high rate: nothing unsettled, nothing lost, and no bigger at the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.recorder import judged, record

GROWTH_MIB_MAX = 16


def test_a_few_seconds_at_a_high_rate(tmp_path: Path) -> None:
    found = record(tmp_path, 500, 3) | judged(tmp_path / "ledger.jsonl")
    assert found["operations"] >= 1500
    assert found["reading_complete"], found["reading_problem"]
    assert found["lost"] == 0
    assert found["rss_mib_end"] - found["rss_mib_start"] <= GROWTH_MIB_MAX


@pytest.mark.campaign
@pytest.mark.timeout(1200)
def test_campaign_of_ten_minutes_at_a_thousand_a_second(tmp_path: Path) -> None:
    found = record(tmp_path, 1000, 600) | judged(tmp_path / "ledger.jsonl")
    assert (found["void"], found["void_anywhere"]) == (None, False)
    assert found["operations"] >= 600_000
    assert found["reading_complete"], found["reading_problem"]
    assert found["lost"] == 0
    assert found["rss_mib_end"] - found["rss_mib_start"] <= GROWTH_MIB_MAX
    late = f"{found['sent_p99_seconds'] * 1e3:.2f} ms (p99), {found['sent_max_seconds'] * 1e3:.1f} ms at most"
    memory = f"{found['rss_mib_start']} MiB at first, {found['rss_mib_end']} MiB in the end"
    print(f"proof: {found['operations']:,} operations, none void; sent late by {late}; {memory}")  # noqa: T201
