"""Random histories, measured by the judge and by the naive oracle: the two must agree on everything."""

from __future__ import annotations

import os
import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings

from rto_rpo.ledger.reader import read
from rto_rpo.measure import measure
from rto_rpo.measurement import Measurement, RecoveryPoint, RecoveryTime
from rto_rpo.verdict import decide
from tests.rto_rpo import oracle
from tests.rto_rpo.histories import DICE_BYTES, histories, make_history
from tests.rto_rpo.ledgers import write_ledger

Fields = dict[str, Any]
CAMPAIGN_EXAMPLES = int(os.environ.get("BLACKSTART_EXAMPLES", "10000"))


@pytest.fixture(scope="module")
def ledger() -> Iterator[Path]:
    memory = Path("/dev/shm")  # noqa: S108 - thousands of ledgers, each synced: memory if there is any
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder) / "ledger.jsonl"


def _ns(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1e9)


def _time_of(time: RecoveryTime) -> Fields:
    b = None
    if time.first_acknowledged_ns is not None:
        b = (time.first_acknowledged_ns, time.first_acknowledged_sent_ns)
    return {
        "lower": _ns(time.lower_seconds),
        "upper": _ns(time.upper_seconds),
        "s": time.last_bad_sent_ns,
        "b": b,
        "until": time.stable_until_ns,
        "bad": time.bad_count,
        "flaps": time.flap_count,
        "unavailable": _ns(time.unavailable_seconds),
        "seen": time.outage_seen,
    }


def _expected_time(found: Fields) -> Fields:
    wanted = {name: found[name] for name in ("lower", "upper", "s", "b", "until", "bad", "unavailable")}
    return {**wanted, "flaps": max(0, found["stretches"] - 1), "seen": found["bad"] > 0}


def _point_of(point: RecoveryPoint) -> Fields:
    counts = (point.acknowledged_count, point.failed_count, point.indeterminate_count, point.read_count)
    found: Fields = {
        "complete": point.reading_complete,
        "counts": counts,
        "lower": _ns(point.lower_seconds),
        "upper": _ns(point.upper_seconds),
    }
    if not point.reading_complete:
        return found
    return {
        **found,
        "lost": [each.number for each in point.lost],
        "after_recovery": [each.number for each in point.lost if each.after_recovery],
        "after_fault": [each.number for each in point.lost if each.after_fault],
        "corrupt": list(point.corrupt),
        "duplicated": list(point.duplicated),
        "resurrected": list(point.resurrected),
        "phantom": list(point.phantom),
        "unexpected": list(point.unexpected),
        "kept": list(point.indeterminate_kept),
        "not_kept": list(point.indeterminate_not_kept),
        "unrecorded": list(point.unrecorded),
        "age": _ns(point.newest_survivor_age_seconds),
    }


def _assert_phases_sum(measurement: Measurement) -> None:
    for time in measurement.recovery_times:
        if time.phases:
            assert sum(round(phase.seconds * 1e9) for phase in time.phases) == _ns(time.upper_seconds)


def agreed(path: Path, head: Fields, records: list[Fields]) -> str:
    """Assert that judge and oracle agree; the answer is the verdict."""
    write_ledger(path, head, records)
    measurement = measure(path)
    decision = decide(next(read(path)), measurement)
    expected = oracle.judge(head, records)
    assert (measurement.void is not None) == expected["void"], measurement.void
    assert {each.stream: _time_of(each) for each in measurement.recovery_times} == {
        name: _expected_time(each) for name, each in expected["times"].items()
    }
    points = {each.stream: _point_of(each) for each in measurement.recovery_points}
    assert points == expected["points"]
    assert {
        each.stream: {"after": [*each.after], "overlapping": [*each.overlapping], "verdict": each.verdict}
        for each in measurement.split_brain
    } == expected["split"]
    assert [each.verdict for each in decision.judgements] == expected["verdicts"]
    assert decision.verdict == expected["verdict"]
    _assert_phases_sum(measurement)
    return decision.verdict


@seed(20261122)
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(history=histories())
def test_judge_and_oracle_agree(ledger: Path, history: tuple[Fields, list[Fields]]) -> None:
    head, records = history
    assert agreed(ledger, head, records) in {"met", "missed", "inconclusive"}


def test_random_histories_reach_every_verdict(ledger: Path) -> None:
    dice = random.Random(3)  # noqa: S311 - reproducible on purpose
    seen = Counter(agreed(ledger, *make_history(dice.randbytes(DICE_BYTES))) for _ in range(300))
    assert min(seen[verdict] for verdict in ("met", "missed", "inconclusive")) >= 15, seen


@pytest.mark.campaign
@pytest.mark.timeout(3600)
def test_campaign_of_random_histories(ledger: Path) -> None:
    dice = random.Random(20261122)  # noqa: S311 - the same
    seen = Counter(
        agreed(ledger, *make_history(dice.randbytes(DICE_BYTES))) for _ in range(CAMPAIGN_EXAMPLES)
    )
    assert seen.total() == CAMPAIGN_EXAMPLES
    print(f"{CAMPAIGN_EXAMPLES} random histories agree with the oracle: {dict(seen)}")  # noqa: T201
