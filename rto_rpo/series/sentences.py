"""What a series shows, in plain sentences. One run is an observation, not a capability: the words say so."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from rto_rpo.report import words
from rto_rpo.series.gather import Past, Series
from rto_rpo.statistics import Quantile, Statistics

ASSUMED = (
    "All of it holds for drills that are independent trials of the same thing: another plan, version, load "
    "or fault is another thing. Settle how many drills there shall be before the first of them; stopping at "
    "the first good moment flatters."
)


def promise(series: Series) -> str:
    """ "gateway: RTO 30 s"."""
    return f"{series.subject}: {series.objective.upper()} {words.declared(series.statistics.limit_seconds)}"


def counted(found: Statistics) -> str:
    runs = words.count(found.runs, "run")
    return f"{runs}: {found.met} met, {found.missed} missed, {found.inconclusive} inconclusive"


def told(series: Series) -> Iterator[str]:
    """What follows, and what does not, sentence by sentence."""
    found = series.statistics
    yield f"{counted(found)}."
    yield _capability(found)
    yield _chance(found)
    if found.inconclusive:
        yield _undecided(found)
    yield from _mixed(series)


def measured(past: Past) -> str:
    """The bounds of one run."""
    seen = past.observation
    return words.bounds(seen.lower_seconds, seen.upper_seconds)


def quantile(one: Quantile, runs: int) -> tuple[str, str, str]:
    """(which, at least, at most): "median", "90 of 100"."""
    which = "median" if one.share == 0.5 else f"{percent(one.share)} of all"
    lower = "nothing is known" if one.lower_seconds is None else words.at_least(one.lower_seconds)
    if one.upper_seconds is not None:
        return which, lower, words.at_most(one.upper_seconds)
    if runs < one.runs_needed:
        return which, lower, f"no bound yet: it needs {one.runs_needed} runs"
    return which, lower, "no bound: too many runs have none"


def percent(share: float) -> str:
    return f"{Decimal(repr(share)) * 100:.10f}".rstrip("0").rstrip(".") + " %"


def _capability(found: Statistics) -> str:
    claim, limit = found.claim, words.declared(found.limit_seconds)
    said = f"{percent(claim.share)} of such drills keep to {limit}"
    sure = f"at {percent(claim.confidence)} confidence"
    if claim.holds:
        return f"It may be claimed, {sure}, that {said}."
    begin = "One run is an observation, not a capability" if found.runs == 1 else "No capability follows yet"
    more = f"{words.count(claim.more, 'more drill')}, every one of them met"
    best = found.claim_at_best
    if claim.breaches == best.breaches:
        rest = ""
    elif best.holds:
        rest = "; had the inconclusive runs met it, it might be claimed now"
    else:
        rest = f"; had the inconclusive runs met it, {best.more} more would do"
    return f"{begin}: to claim, {sure}, that {said} takes {more}{rest}."


def _chance(found: Statistics) -> str:
    highest, lowest = _rounded(found.chance.highest, up=True), _rounded(found.chance_at_best.lowest, up=False)
    sure = percent(found.confidence)
    text = f"The chance that such a drill misses the promise is at most {highest}"
    if found.missed:
        text += f", and at least {lowest}"
    return f"{text} ({sure} confidence each way)." if found.missed else f"{text} ({sure} confidence)."


def _undecided(found: Statistics) -> str:
    runs = words.count(found.inconclusive, "inconclusive run")
    best = _rounded(found.chance_at_best.highest, up=True)
    verb = "is" if found.inconclusive == 1 else "are"
    return f"{runs} {verb} taken for missed here; had all met it, the chance would be at most {best}."


def _mixed(series: Series) -> Iterator[str]:
    if series.plans > 1:
        yield f"The plan changed on the way: the runs are of {series.plans} different plans."
    if len(series.limits) > 1:
        limits = ", ".join(words.declared(limit) for limit in series.limits)
        yield f"The promise changed on the way ({limits}): every run is held against the newest."


def _rounded(chance: float, *, up: bool) -> str:
    exact = (Decimal(repr(chance)) * 100).quantize(Decimal("1e-6"))  # a bound is no finer than that
    text = exact.quantize(Decimal("0.1"), ROUND_CEILING if up else ROUND_FLOOR)
    return f"{text:f} %".replace(".0 %", " %")
