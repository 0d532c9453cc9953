"""No run is met on an instrument that was not seen to work; none is missed for it either."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rto_rpo.calibration import AGE_DAYS_MAX
from rto_rpo.controls.witness import OF_THE_RECOVERY
from rto_rpo.doubts import NEVER_SAFE
from tests.rto_rpo.ledgers import PlantedDrill, calibration, drill_of, header, judged_run

DAY = 86_400.0


def verdict_with(tmp_path: Path, **changes: Any) -> tuple[str, str]:
    decision = judged_run(PlantedDrill(head=header(**changes)), tmp_path)[1]
    return decision.verdict, "; ".join(decision.reasons)


def test_with_a_good_one_a_run_may_be_met(tmp_path: Path) -> None:
    verdict, reasons = verdict_with(tmp_path)
    assert (verdict, "calibra" in reasons) == ("met", False)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"calibration": None}, "was not calibrated"),
        ({"calibration": calibration(passed=False)}, "did not pass its calibration"),
        ({"calibration": calibration(losses_missed=1)}, "did not pass its calibration"),
        ({"calibration": calibration(outages_outside=1)}, "did not pass its calibration"),
        ({"calibration": calibration(outages=0)}, "nothing was planted"),
        ({"calibration": calibration(losses=0)}, "nothing was planted"),
        ({"calibration": calibration(machine="another")}, "on another machine"),
        ({"calibration": calibration(judge="0.0.9")}, "with version 0.0.9"),
        ({"calibration": calibration(age_seconds=AGE_DAYS_MAX * DAY + 1)}, "30.0 days old"),
    ],
)
def test_without_one_it_is_inconclusive_and_says_why(
    tmp_path: Path, changes: dict[str, Any], why: str
) -> None:
    measurement, decision = judged_run(PlantedDrill(head=header(**changes)), tmp_path)
    assert decision.verdict == "inconclusive"
    assert why in "; ".join(decision.reasons)
    assert [doubt in OF_THE_RECOVERY for doubt in measurement.doubts] == [False]


def test_only_that_it_was_never_safe_tells_of_the_recovery_alone(
    tmp_path: Path,
) -> None:
    drill = PlantedDrill(
        head=header(drill=drill_of("kill_site", gate=True, revive=True)), end_reason="orphaned"
    )
    doubts = judged_run(drill, tmp_path)[0].doubts
    assert len(doubts) == 4
    assert [doubt for doubt in doubts if doubt in OF_THE_RECOVERY] == [NEVER_SAFE]


def test_a_header_that_says_nothing_of_it_is_no_calibration(tmp_path: Path) -> None:
    whole = header()
    del whole["machine"], whole["calibration"]
    decision = judged_run(PlantedDrill(head=whole), tmp_path)[1]
    assert decision.verdict == "inconclusive"


def test_one_of_the_last_day_that_counts_still_counts(tmp_path: Path) -> None:
    assert verdict_with(tmp_path, calibration=calibration(age_seconds=AGE_DAYS_MAX * DAY))[0] == "met"


def test_a_miss_stays_a_miss(tmp_path: Path) -> None:
    drill = PlantedDrill(head=header(calibration=None), lost={3})
    assert judged_run(drill, tmp_path)[1].verdict == "missed"
