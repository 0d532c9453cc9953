"""Calibrate: plant outages and losses, let the real recorder and the real judge find them, and compare."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from drills.calibration.case import FULL, SHORT, Case
from drills.calibration.record import Calibration, CaseFigures, failed_lately, fresh, load, machine, save
from drills.calibration.trial import Measure, tried
from rto_rpo import JUDGE
from rto_rpo.measure import measure

__all__ = ["FULL", "SHORT", "calibrate", "calibrated_instrument"]

TRIES = 3


def calibrate(
    cases: Iterable[Case] = SHORT,
    tell: Callable[[str], None] = lambda _: None,
    *,
    measured_by: Measure = measure,
) -> Calibration:
    """Run every case, one after the other. `tell` hears how each went.

    One that the machine was too busy for is tried again; one that failed is not.
    Raises BlackstartError where a case could not be run at all.
    """
    began = time.monotonic()
    figures = []
    for case in cases:
        for _ in range(TRIES):
            found = tried(case, measured_by)
            tell(f"{case.name}: {_how(found)}")
            if found.void is None:
                break
        figures.append(found)
    errors = [error for each in figures if (error := _error(each)) is not None]
    return Calibration(
        utc=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        machine=machine(),
        judge=JUDGE,
        verdict=_verdict(figures),
        seconds=round(time.monotonic() - began, 3),
        worst_error_seconds=max(errors, default=None),
        cases=tuple(figures),
    )


def calibrated_instrument(path: Path, tell: Callable[[str], None]) -> Calibration:
    """The fresh calibration kept at `path`; where there is none, a short one made now, and kept.

    One that failed stands until somebody calibrates: a short one must not cover up what a full one found.
    Raises BlackstartError.
    """
    kept = load(path)
    if kept is not None and fresh(kept):
        return kept
    if kept is not None and failed_lately(kept):
        tell("The instrument failed its calibration, so nothing is met; `blackstart calibrate` tries again")
        return kept
    made = calibrate()
    save(made, path)
    tell(f"Calibrated the instrument in {made.seconds:.1f} s: {made.verdict}")
    return made


def _how(found: CaseFigures) -> str:
    if found.void is not None:
        return f"void: {found.void}"
    return "passed" if found.passed else f"FAILED{': ' + found.problem if found.problem else ''}"


def _verdict(figures: list[CaseFigures]) -> Any:  # noqa: ANN401 - pydantic checks the word
    if any(not each.passed and each.void is None for each in figures):
        return "failed"
    return "passed" if figures and all(each.passed for each in figures) else "void"


def _error(figures: CaseFigures) -> float | None:
    outage = figures.outage
    if figures.void is not None or outage.lower_seconds is None or outage.upper_seconds is None:
        return None
    return max(abs(outage.planted_seconds - end) for end in (outage.lower_seconds, outage.upper_seconds))
