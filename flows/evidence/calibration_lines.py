"""A calibration in lines: what was planted beside what was measured."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from drills.calibration.record import Calibration, CaseFigures
from rto_rpo.report import words

EXIT_CODES = {"passed": 0, "failed": 1, "void": 3}


def calibration_lines(made: Calibration, path: Path) -> list[str]:
    head = ("planted", "measured", "inside", "width, at most", "losses: planted, missed, invented")
    lines = ["{:<14} {:<24} {:<7} {:<22} {}".format(*head)]
    lines += [_outage(case) for case in made.tries]
    error = made.worst_error_seconds
    lines += ["", f"{made.verdict.upper()}  {path}", *_of_the_prober(made)]
    if error is not None:
        lines.append(f"worst error   {words.at_most(error)} between the truth and the further bound")
    return lines


def _outage(case: CaseFigures) -> str:
    outage = case.outage
    measured = words.bounds(outage.lower_seconds, outage.upper_seconds)
    width = "unknown"
    if outage.lower_seconds is not None and outage.upper_seconds is not None:
        width = words.length(outage.upper_seconds - outage.lower_seconds)
    width += f", {words.length(outage.width_seconds_max)}" + ("" if outage.narrow else " WIDE")
    inside = "yes" if outage.inside else "NO"
    losses = "; ".join(
        f"{each.way} {each.planted}, {each.missed}, {each.invented}"
        for each in case.losses
        if each.planted or each.invented
    )
    void = f"  VOID: {case.void}" if case.void else f"  FAILED: {case.problem}" if case.problem else ""
    return f"{outage.name:<14} {measured:<24} {inside:<7} {width:<22} {losses or 'none'}{void}"


def _of_the_prober(made: Calibration) -> Iterator[str]:
    for name, values in (
        ("median", [case.lag.p50_seconds for case in made.tries]),
        ("99 %", [case.lag.p99_seconds for case in made.tries]),
        ("longest", [case.lag.max_seconds for case in made.tries]),
    ):
        known = [value for value in values if value is not None]
        if known:
            yield f"sent late     {name} {words.at_most(max(known))}"
