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
from rto_rpo.verdict import decide
from tests.rto_rpo import oracle
from tests.rto_rpo.agreement import disagreement
from tests.rto_rpo.histories import DICE_BYTES, histories, make_history
from tests.rto_rpo.ledgers import write_ledger

Fields = dict[str, Any]
VERDICTS = ("met", "missed", "inconclusive")
CAMPAIGN_EXAMPLES = int(os.environ.get("BLACKSTART_EXAMPLES", "10000"))


@pytest.fixture(scope="module")
def ledger() -> Iterator[Path]:
    memory = Path("/dev/shm")  # noqa: S108 - thousands of ledgers, each synced: memory if there is any
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder) / "ledger.jsonl"


def agreed(path: Path, head: Fields, records: list[Fields]) -> list[str]:
    """Assert that judge and oracle agree; the answer is the verdict, and what came of revivals."""
    write_ledger(path, head, records)
    measurement = measure(path)
    first = next(read(path))
    assert first["kind"] == "header"
    decision = decide(first, measurement)
    assert disagreement(measurement, decision, oracle.judge(head, records)) is None
    revivals = [f"revival {split.verdict}" for split in measurement.split_brain if split.revived]
    return [decision.verdict, *revivals]


@seed(20261122)
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(history=histories())
def test_judge_and_oracle_agree(ledger: Path, history: tuple[Fields, list[Fields]]) -> None:
    head, records = history
    assert agreed(ledger, head, records)[0] in VERDICTS


def test_random_histories_reach_every_verdict(ledger: Path) -> None:
    dice = random.Random(3)  # noqa: S311 - reproducible on purpose
    seen: Counter[str] = Counter()
    for _ in range(400):
        seen.update(agreed(ledger, *make_history(dice.randbytes(DICE_BYTES))))
    assert min(seen[verdict] for verdict in VERDICTS) >= 15, seen
    assert min(seen[f"revival {verdict}"] for verdict in VERDICTS) >= 1, seen


@pytest.mark.campaign
@pytest.mark.timeout(3600)
def test_campaign_of_random_histories(ledger: Path) -> None:
    dice = random.Random(20261122)  # noqa: S311 - the same
    seen: Counter[str] = Counter()
    for _ in range(CAMPAIGN_EXAMPLES):
        seen.update(agreed(ledger, *make_history(dice.randbytes(DICE_BYTES))))
    assert sum(seen[verdict] for verdict in VERDICTS) == CAMPAIGN_EXAMPLES
    assert min(seen[f"revival {verdict}"] for verdict in VERDICTS) >= CAMPAIGN_EXAMPLES // 300, seen
    print(f"proof: {CAMPAIGN_EXAMPLES} random histories agree with the oracle: {dict(seen)}")  # noqa: T201
