"""Exact answers about counts: how often out of n, at which confidence. Whole numbers, nothing approximated.

A *share* or a *confidence* is taken as it is written: 0.95 is 19/20. Every bound is one-sided.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import lru_cache
from typing import Final

# A bound is found to within this, and given on the side that claims less.
_GRAIN: Final = 2**32


def exact(share: float | Fraction) -> Fraction:
    """0.95 -> 19/20. Raises ValueError unless it lies between 0 and 1, neither included."""
    if not 0 < share < 1:
        raise ValueError(f"a share or a confidence lies between 0 and 1, not {share}")
    return share if isinstance(share, Fraction) else Fraction(repr(share))


def at_most(count: int, of: int, chance: Fraction) -> Fraction:
    """How likely it is that of `of` trials, each with this chance, at most `count` come true."""
    if count >= of:
        return Fraction(1)
    hit, miss = chance.numerator, chance.denominator - chance.numerator
    # The terms' common factor miss**(of - count) is taken out, so that the others stay short.
    term, total = 1, 1
    for trues in range(count):
        term = term * (of - trues) * hit // (trues + 1)
        total = total * miss + term
    return Fraction(total * miss ** (of - count), chance.denominator**of)


def highest_chance(count: int, of: int, confidence: float | Fraction) -> float:
    """Clopper and Pearson's upper bound on the chance of what came true `count` times out of `of`."""
    if count >= of:
        return 1.0
    rest = 1 - exact(confidence)
    return _smallest(lambda grains: at_most(count, of, Fraction(grains, _GRAIN)) <= rest) / _GRAIN


def lowest_chance(count: int, of: int, confidence: float | Fraction) -> float:
    """Their lower bound: what came true can hardly have been rarer than that."""
    if count <= 0:
        return 0.0
    wanted = exact(confidence)
    return (_smallest(lambda grains: at_most(count - 1, of, Fraction(grains, _GRAIN)) < wanted) - 1) / _GRAIN


@lru_cache(maxsize=1024)
def upper_rank(of: int, share: float | Fraction, confidence: float | Fraction) -> int | None:
    """Which of `of` sorted values (from 1) the quantile does not exceed, with this confidence.

    None: not even the largest will do; there are too few.
    """
    chance, wanted = exact(share), exact(confidence)
    return next((rank for rank, below in _ranks(of, chance) if below >= wanted), None)


def lower_rank(of: int, share: float | Fraction, confidence: float | Fraction) -> int | None:
    """Which of `of` sorted values (from 1) the quantile does not fall short of. None: there are too few."""
    mirrored = upper_rank(of, 1 - exact(share), confidence)
    return None if mirrored is None else of + 1 - mirrored


@lru_cache(maxsize=1024)
def trials_needed(breaches: int, share: float | Fraction, confidence: float | Fraction) -> int:
    """The fewest trials of which so many may be breaches, to claim that `share` of all keep the promise."""
    chance, rest = 1 - exact(share), 1 - exact(confidence)
    return breaches + _smallest(lambda kept: at_most(breaches, breaches + kept, chance) <= rest)


def _ranks(of: int, share: Fraction) -> Iterator[tuple[int, Fraction]]:
    """(rank, how likely the value of that rank is no less than the quantile: fewer are below)."""
    hit, miss = share.numerator, share.denominator - share.numerator
    whole, term, total = share.denominator**of, miss**of, 0
    for rank in range(1, of + 1):
        total += term
        yield rank, Fraction(total, whole)
        term = term * (of - rank + 1) * hit // (rank * miss)


def _smallest(holds: Callable[[int], bool]) -> int:
    """The smallest whole number from 1 on for which it holds, as it does for all greater ones."""
    high = 1
    while not holds(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
