"""Exact bounds, held against every outcome spelled out and against the numbers that textbooks print."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import product
from math import comb, prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rto_rpo.binomial import (
    at_most,
    exact,
    highest_chance,
    lower_rank,
    lowest_chance,
    trials_needed,
    upper_rank,
)

shares = st.sampled_from([0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99])
confidences = st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99])


def _weighed(of: int, chance: Fraction, wanted: Callable[[int], bool]) -> Fraction:
    """The oracle: every sequence of outcomes there is, weighed, where the number that came true is wanted."""
    sequences = [each for each in product((True, False), repeat=of) if wanted(sum(each))]
    return sum((prod(chance if one else 1 - chance for one in each) for each in sequences), Fraction())


@settings(max_examples=40, deadline=None)
@given(of=st.integers(0, 8), count=st.integers(0, 9), chance=shares)
def test_at_most_is_the_sum_of_all_such_outcomes(of: int, count: int, chance: float) -> None:
    assert at_most(count, of, exact(chance)) == _weighed(of, exact(chance), lambda trues: trues <= count)


@settings(max_examples=40, deadline=None)
@given(of=st.integers(1, 8), data=st.data(), confidence=confidences)
def test_a_bound_on_the_chance_is_as_tight_as_it_may_be(
    of: int, data: st.DataObject, confidence: float
) -> None:
    count = data.draw(st.integers(0, of))
    rest, near = 1 - exact(confidence), Fraction(1, 10**6)
    high, low = (
        Fraction(highest_chance(count, of, confidence)),
        Fraction(lowest_chance(count, of, confidence)),
    )
    if count < of:
        assert _weighed(of, high, lambda trues: trues <= count) <= rest
        assert _weighed(of, high - near, lambda trues: trues <= count) > rest
    if count:
        assert _weighed(of, low, lambda trues: trues >= count) <= rest
        assert _weighed(of, low + near, lambda trues: trues >= count) > rest
    assert count < of or high == 1
    assert count or low == 0


@pytest.mark.parametrize("confidence", [0.8, 0.95])
@pytest.mark.parametrize("of", [1, 5, 20, 60])
def test_whatever_the_chance_is_the_bounds_hold_as_often_as_they_say(of: int, confidence: float) -> None:
    """Summed over every count that can come out: no simulation, and so no luck."""
    highs = [highest_chance(count, of, confidence) for count in range(of + 1)]
    lows = [lowest_chance(count, of, confidence) for count in range(of + 1)]
    for percent in range(1, 100):
        truth = percent / 100
        weights = [comb(of, count) * truth**count * (1 - truth) ** (of - count) for count in range(of + 1)]
        above = sum(weight for weight, high in zip(weights, highs, strict=True) if high >= truth)
        below = sum(weight for weight, low in zip(weights, lows, strict=True) if low <= truth)
        assert min(above, below) >= confidence - 1e-9


@settings(max_examples=60, deadline=None)
@given(of=st.integers(0, 9), share=shares, confidence=confidences)
def test_ranks_are_the_tightest_that_hold(of: int, share: float, confidence: float) -> None:
    chance, wanted = exact(share), exact(confidence)
    above = [_weighed(of, chance, lambda below, rank=rank: below < rank) for rank in range(1, of + 1)]
    under = [_weighed(of, chance, lambda within, rank=rank: within >= rank) for rank in range(1, of + 1)]
    assert upper_rank(of, share, confidence) == min(
        (rank for rank, likely in enumerate(above, 1) if likely >= wanted), default=None
    )
    assert lower_rank(of, share, confidence) == max(
        (rank for rank, likely in enumerate(under, 1) if likely >= wanted), default=None
    )


def test_what_textbooks_print() -> None:
    assert round(highest_chance(0, 20, 0.95), 3) == 0.139
    assert [trials_needed(breaches, 0.95, 0.95) for breaches in range(4)] == [59, 93, 124, 153]
    assert [trials_needed(0, 0.9, 0.9), trials_needed(0, 0.99, 0.99)] == [22, 459]
    assert round(float(1 - at_most(8, 9, Fraction(9, 10))), 2) == 0.39  # the largest of 9 covers it at 61 %


@settings(max_examples=40, deadline=None)
@given(breaches=st.integers(0, 6), share=shares, confidence=confidences)
def test_one_trial_fewer_would_not_do(breaches: int, share: float, confidence: float) -> None:
    needed = trials_needed(breaches, share, confidence)
    assert at_most(breaches, needed, 1 - exact(share)) <= 1 - exact(confidence)
    assert at_most(breaches, needed - 1, 1 - exact(share)) > 1 - exact(confidence)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, 1.5, float("nan"), float("inf")])
def test_certainty_is_not_to_be_had(share: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        exact(share)
