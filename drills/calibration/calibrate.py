"""Calibrate: plant outages and losses, let the real recorder and the real judge find them, and compare."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
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
DRILL_SECONDS = 10.0  # what a drill that finds none fresh waits for one at most
_TRY_SECONDS = 2.0  # no case is done in less


def calibrate(
    cases: Iterable[Case] = SHORT,
    tell: Callable[[str], None] = lambda _: None,
    *,
    measured_by: Measure = measure,
    limit_seconds: float = math.inf,
) -> Calibration:
    """Run every case, one after the other. `tell` hears how each try went.

    One that the machine was too busy for is tried again; one that failed is not. What is not done within
    `limit_seconds` is void: it proves nothing. Raises BlackstartError where a case could not be run at all.
    """
    began = time.monotonic()
    figures, voided = [], list[CaseFigures]()
    for case in cases:
        tries = list(_tries(case, measured_by, began + limit_seconds, tell))
        figures.append(tries.pop())
        voided += tries
    errors = [error for each in (*figures, *voided) if (error := _error(each)) is not None]
    return Calibration(
        utc=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        machine=machine(),
        judge=JUDGE,
        verdict=_verdict(figures),
        seconds=time.monotonic() - began,
        worst_error_seconds=max(errors, default=None),
        cases=tuple(figures),
        voided=tuple(voided),
    )


def _tries(
    case: Case, measured_by: Measure, deadline: float, tell: Callable[[str], None]
) -> Iterator[CaseFigures]:
    """At least one. Another only where the last was void and there is time for it."""
    for number in range(TRIES):
        if number and time.monotonic() + _TRY_SECONDS > deadline:
            return
        found = tried(case, measured_by, deadline)
        tell(f"{case.name}: {_how(found)}")
        yield found
        if found.void is None:
            return


def calibrated_instrument(path: Path, tell: Callable[[str], None]) -> Calibration:
    """The fresh calibration kept at `path`; where there is none, a short one made now, and kept.

    That takes 10 s at most: what a busy machine did not get done by then is void, and so nothing is met.
    One that failed stands until somebody calibrates: a short one must not cover up what a full one found.
    Raises BlackstartError.
    """
    kept = load(path)
    if kept is not None and fresh(kept):
        return kept
    if kept is not None and failed_lately(kept):
        tell("The instrument failed its calibration, so nothing is met; `blackstart calibrate` tries again")
        return kept
    made = calibrate(limit_seconds=DRILL_SECONDS)
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
    if outage.lower_seconds is None or outage.upper_seconds is None:
        return None
    return max(abs(outage.planted_seconds - end) for end in (outage.lower_seconds, outage.upper_seconds))
