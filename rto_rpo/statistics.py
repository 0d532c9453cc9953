"""What N drills together prove of one promise. One run is an observation, not a capability.

Every run gives an interval, not a number, and whatever is not known is taken against the claim: an upper
bound that is not there is endless, a run that proved nothing may have taken any time at all. Such runs are
counted, never left out. The intervals are of no distribution; they ask only that the runs are independent
trials of one and the same thing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from rto_rpo.binomial import highest_chance, lower_rank, lowest_chance, trials_needed, upper_rank
from rto_rpo.measurement import Verdict

SHARE: Final = 0.95
CONFIDENCE: Final = 0.95
QUANTILES: Final = (0.5, 0.9, 0.95)


@dataclass(frozen=True, slots=True)
class Observation:
    """What one run showed: the actual lies in [lower, upper]; without an upper bound it may be any longer.

    `damaged`: something happened that no length of time excuses. `doubted`: the bounds stand, and for another
    reason the promise was not met for sure. A run that proved nothing is `UNKNOWN`.
    """

    lower_seconds: float
    upper_seconds: float | None
    damaged: bool = False
    doubted: bool = False

    def verdict(self, limit_seconds: float) -> Verdict:
        """Whether it kept to the limit for sure, broke it for sure, or may have done either."""
        if self.damaged or self.lower_seconds > limit_seconds:
            return "missed"
        if self.upper_seconds is not None and self.upper_seconds <= limit_seconds and not self.doubted:
            return "met"
        return "inconclusive"


UNKNOWN: Final = Observation(0.0, None)


@dataclass(frozen=True, slots=True)
class Quantile:
    """`share` of all drills take at most this long: at least `lower` and at most `upper` seconds.

    Each bound holds with the confidence by itself. None: there is no such bound, for there are too few runs,
    or too many of them have none. `runs_needed` is how many there must be before there can be an upper one.
    """

    share: float
    lower_seconds: float | None
    upper_seconds: float | None
    runs_needed: int


@dataclass(frozen=True, slots=True)
class Chance:
    """The chance that a drill breaks the promise lies between two bounds. Each holds with the confidence."""

    breaches: int
    lowest: float
    highest: float


@dataclass(frozen=True, slots=True)
class Claim:
    """ "`share` of drills keep the promise, with this confidence": whether that may be said.

    `needed` drills with so many breaches would do; `more` are still to come, each of them met.
    """

    share: float
    confidence: float
    breaches: int
    holds: bool
    needed: int
    more: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """All runs against one limit.

    `chance` and `claim` take every inconclusive run for a breach, `chance_at_best` and `claim_at_best` for
    none: how far apart they are is what the inconclusive runs do. `endless` runs have no upper bound.
    """

    limit_seconds: float
    confidence: float
    runs: int
    met: int
    missed: int
    inconclusive: int
    endless: int
    quantiles: tuple[Quantile, ...]
    chance: Chance
    chance_at_best: Chance
    claim: Claim
    claim_at_best: Claim


def statistics(
    observations: Sequence[Observation],
    limit_seconds: float,
    *,
    share: float = SHARE,
    confidence: float = CONFIDENCE,
    quantiles: Iterable[float] = QUANTILES,
) -> Statistics:
    """What these runs show of a promise to keep to the limit, and of how long it takes."""
    verdicts = [each.verdict(limit_seconds) for each in observations]
    runs, missed, undecided = len(verdicts), verdicts.count("missed"), verdicts.count("inconclusive")
    return Statistics(
        limit_seconds=limit_seconds,
        confidence=confidence,
        runs=runs,
        met=verdicts.count("met"),
        missed=missed,
        inconclusive=undecided,
        endless=sum(1 for each in observations if each.upper_seconds is None),
        quantiles=tuple(quantile(observations, each, confidence) for each in quantiles),
        chance=chance(missed + undecided, runs, confidence),
        chance_at_best=chance(missed, runs, confidence),
        claim=claim(missed + undecided, runs, share, confidence),
        claim_at_best=claim(missed, runs, share, confidence),
    )


def quantile(observations: Sequence[Observation], share: float, confidence: float = CONFIDENCE) -> Quantile:
    """The lower bound from the runs' lower bounds, the upper one from their upper bounds."""
    runs = len(observations)
    low, high = lower_rank(runs, share, confidence), upper_rank(runs, share, confidence)
    lowers = sorted(each.lower_seconds for each in observations)
    uppers = sorted(each.upper_seconds for each in observations if each.upper_seconds is not None)
    return Quantile(
        share=share,
        lower_seconds=None if low is None else lowers[low - 1],
        upper_seconds=uppers[high - 1] if high is not None and high <= len(uppers) else None,
        runs_needed=trials_needed(0, share, confidence),
    )


def chance(breaches: int, runs: int, confidence: float = CONFIDENCE) -> Chance:
    """Clopper and Pearson's bounds. Without a run nothing is known: from 0 to 1."""
    return Chance(
        breaches, lowest_chance(breaches, runs, confidence), highest_chance(breaches, runs, confidence)
    )


def claim(breaches: int, runs: int, share: float = SHARE, confidence: float = CONFIDENCE) -> Claim:
    needed = trials_needed(breaches, share, confidence)
    return Claim(share, confidence, breaches, needed <= runs, needed, max(0, needed - runs))
