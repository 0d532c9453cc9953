"""Several plans keep one folder of evidence: none prunes another's runs by its own retention."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from rto_rpo.evidence.agreed.planned import RETENTION
from rto_rpo.evidence.checking.verify import verify
from rto_rpo.evidence.keeping.pruning import prunable, prune
from rto_rpo.evidence.lines.signature import SigningKey
from rto_rpo.objective import parse_duration
from sites.plan.evidence import Evidence
from tests.rto_rpo.evidence.folders import NOW, add_run, folders
from tests.rto_rpo.report.runs import MET

DAY = timedelta(days=1)
OTHER = b"name: other-desk\nenvironment: demo\nevidence: {retention: 1d}\n"
SMALL = replace(MET, interval_seconds=0.25, end_at_seconds=1.8)


def two_plans(root: Path, key: SigningKey, retention: str) -> list[Path]:
    own = SMALL.plan + f"evidence: {{retention: {retention}}}\n".encode() if retention else SMALL.plan
    add_run(root, replace(SMALL, plan=own), key)
    add_run(root, replace(SMALL, number=2, plan=OTHER, plan_name="other-desk"), key)
    return folders(root)


def pruned(root: Path, key: SigningKey, days: int) -> list[str]:
    """What the other plan takes so many days later."""
    now = NOW + days * DAY
    return [*prune(root, plan="other-desk", retention=DAY, hold=None, key=key, now=now)]


@pytest.mark.parametrize("retention", ["", "30d", '"${KEEP}"', "for ever"])
def test_another_plans_run_is_kept_as_long_as_its_own_plan_says(
    tmp_path: Path, key: SigningKey, retention: str
) -> None:
    """Nothing said is the default; and what cannot be read keeps it."""
    root = tmp_path / "evidence"
    first, second = two_plans(root, key, retention)
    assert pruned(root, key, 27) == [second.name]
    [left] = prunable(root, DAY, None, NOW + 27 * DAY, plan="other-desk")
    assert left.folder == first.name
    assert left.kept is not None
    assert verify(root, public_key=key.public.pem).intact


def test_another_plans_run_goes_when_its_own_time_is_over(tmp_path: Path, key: SigningKey) -> None:
    root = tmp_path / "evidence"
    first, second = two_plans(root, key, "30d")
    assert pruned(root, key, 33) == [first.name, second.name]
    found = verify(root, public_key=key.public.pem)
    assert found.intact, found.findings
    told = "\n".join(found.notes)
    assert f"{first.name}: its files were pruned on 2026-12-25, under a retention of 30 days" in told
    assert f"{second.name}: its files were pruned on 2026-12-25, under a retention of 1 days" in told


def test_the_default_is_that_of_the_plan() -> None:
    assert parse_duration(RETENTION) == Evidence().retention
