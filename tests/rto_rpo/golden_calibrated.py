"""Golden cases of the instrument's calibration: with a good one a run may be met, else it may not."""

from __future__ import annotations

from collections.abc import Iterator

from tests.rto_rpo.golden_drill import Fields, Planted, small
from tests.rto_rpo.ledgers import calibration

LIMIT_SECONDS = 30 * 86_400.0
UNFIT: dict[str, Fields] = {
    "none": {"calibration": None},
    "failed": {"calibration": calibration(passed=False)},
    "blind": {"calibration": calibration(losses_missed=1)},
    "outside": {"calibration": calibration(outages_outside=1)},
    "without an outage": {"calibration": calibration(outages=0)},
    "without a loss": {"calibration": calibration(losses=0)},
    "elsewhere": {"calibration": calibration(machine="another")},
    "of another version": {"calibration": calibration(judge="0.0.9")},
    "old": {"calibration": calibration(age_seconds=LIMIT_SECONDS + 1)},
}


def calibrated() -> Iterator[Planted]:
    yield "calibrated", small(), {"d.verdict": "met"}
    at_last = {"calibration": calibration(age_seconds=LIMIT_SECONDS)}
    yield "calibrated long ago", small(head=at_last), {"d.verdict": "met"}
    for name, head in UNFIT.items():
        yield f"calibration {name}", small(head=head), {"d.verdict": "inconclusive", "len(m.doubts)": 1}
    yield "uncalibrated and lost", small(head=UNFIT["none"], lost={3}), {"d.verdict": "missed"}
