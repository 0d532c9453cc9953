"""What many runs prove, and what they must never be made to prove."""

from __future__ import annotations

import random
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rto_rpo.statistics import UNKNOWN, Observation, Statistics, claim, quantile, statistics

LIMIT = 10.0
KEPT, BREACHED = Observation(1.0, 2.0), Observation(11.0, 12.0)

lengths = st.floats(0, 20).map(lambda value: round(value, 3))
observations = st.builds(
    lambda lower, width, spoilt: Observation(lower, None if width is None else lower + width, *spoilt),
    lengths,
    st.none() | lengths,
    st.sampled_from([(False, False), (False, False), (False, False), (True, False), (False, True)]),
)


@pytest.mark.parametrize(
    ("observation", "verdict"),
    [
        (Observation(1.0, 10.0), "met"),
        (Observation(10.0, 10.5), "inconclusive"),
        (Observation(10.5, None), "missed"),
        (Observation(9.0, None), "inconclusive"),
        (Observation(0.0, 1.0, damaged=True), "missed"),
        (Observation(1.0, 2.0, doubted=True), "inconclusive"),
        (Observation(10.5, 12.0, doubted=True), "missed"),
        (UNKNOWN, "inconclusive"),
    ],
)
def test_a_run_kept_to_it_broke_it_or_may_have_done_either(observation: Observation, verdict: str) -> None:
    assert observation.verdict(LIMIT) == verdict


def test_fifty_nine_without_a_breach_and_not_one_fewer() -> None:
    assert statistics([KEPT] * 59, LIMIT).claim.holds
    few = statistics([KEPT] * 58, LIMIT)
    assert (few.claim.holds, few.claim.more, few.claim.needed) == (False, 1, 59)
    assert not statistics([KEPT] * 91 + [BREACHED], LIMIT).claim.holds
    assert statistics([KEPT] * 92 + [BREACHED], LIMIT).claim.holds
    assert claim(2, 60).more == 124 - 60


def test_one_run_is_an_observation() -> None:
    one = statistics([KEPT], LIMIT)
    assert (one.claim.holds, one.claim.more) == (False, 58)
    assert one.chance.highest == pytest.approx(0.95, abs=1e-6)
    assert all(each.upper_seconds is None for each in one.quantiles)


def test_without_a_run_nothing_is_known() -> None:
    none = statistics([], LIMIT)
    assert (none.runs, none.chance.lowest, none.chance.highest) == (0, 0.0, 1.0)
    assert (none.claim.holds, none.claim.more) == (False, 59)


def test_a_run_that_proved_nothing_is_counted_against_the_claim() -> None:
    found = statistics([KEPT] * 60 + [UNKNOWN], LIMIT)
    assert (found.runs, found.met, found.inconclusive, found.endless) == (61, 60, 1, 1)
    assert (found.claim.holds, found.claim.more) == (False, 93 - 61)
    assert found.claim_at_best.holds
    assert found.chance_at_best.highest < 0.05 < found.chance.highest


@settings(max_examples=100, deadline=None)
@given(runs=st.lists(observations, max_size=70))
def test_the_claim_is_what_the_quantile_says(runs: list[Observation]) -> None:
    """Two ways to one answer, where neither damage nor doubt speaks against a run whatever its length."""
    runs = [Observation(each.lower_seconds, each.upper_seconds) for each in runs]
    found = statistics(runs, LIMIT)
    upper = quantile(runs, 0.95).upper_seconds
    assert found.claim.holds == (upper is not None and upper <= LIMIT)
    assert found.claim.holds == (found.chance.highest <= 0.05)


@settings(max_examples=60, deadline=None)
@given(runs=st.lists(observations, min_size=1, max_size=4))
def test_no_value_inside_the_intervals_gives_more_than_was_said(runs: list[Observation]) -> None:
    """Every corner of what may have been: lower ends, upper ends, and for an endless one a very long time."""
    found = statistics(runs, LIMIT, share=0.5, confidence=0.6, quantiles=(0.5,))
    ends = [(each.lower_seconds, 1e9 if each.upper_seconds is None else each.upper_seconds) for each in runs]
    for lengths_ in product(*ends):
        exactly = [
            Observation(length, length, each.damaged, each.doubted)
            for length, each in zip(lengths_, runs, strict=True)
        ]
        truth = statistics(exactly, LIMIT, share=0.5, confidence=0.6, quantiles=(0.5,))
        _expect_no_more(found, truth)


def _expect_no_more(found: Statistics, truth: Statistics) -> None:
    said, true = found.quantiles[0], truth.quantiles[0]
    assert found.missed <= truth.missed <= found.missed + found.inconclusive
    assert found.chance_at_best.highest <= truth.chance.highest <= found.chance.highest
    assert found.chance_at_best.lowest <= truth.chance.lowest <= found.chance.lowest
    assert truth.claim.holds or not found.claim.holds
    assert found.claim_at_best.holds or not truth.claim.holds
    if true.lower_seconds is not None:
        assert said.lower_seconds is not None
        assert said.lower_seconds <= true.lower_seconds
    if said.upper_seconds is not None:
        assert true.upper_seconds is not None
        assert true.upper_seconds <= said.upper_seconds


@settings(max_examples=60, deadline=None)
@given(runs=st.lists(observations, max_size=30), more=observations)
def test_a_run_more_never_goes_missing(runs: list[Observation], more: Observation) -> None:
    before, after = statistics(runs, LIMIT), statistics([*runs, more], LIMIT)
    assert after.runs == before.runs + 1 == after.met + after.missed + after.inconclusive
    if more.verdict(LIMIT) != "met":
        assert after.claim.more >= before.claim.more


@pytest.mark.parametrize("runs", [10, 59, 80])
def test_bounds_of_quantiles_hold_as_often_as_they_say(runs: int) -> None:
    """A seeded simulation with a coarse clock, so that many values tie, and intervals of varying width."""
    chosen, trials = random.Random(runs), 2000  # noqa: S311 - no secret
    right = {(p, side): 0 for p in (0.5, 0.9) for side in "lu"}
    for _ in range(trials):
        found = [chosen.randint(1, 100) for _ in range(runs)]
        seen = [Observation(each - chosen.random(), each + chosen.random()) for each in found]
        for share in (0.5, 0.9):
            truth, said = share * 100, quantile(seen, share, 0.9)
            right[share, "l"] += said.lower_seconds is None or said.lower_seconds <= truth
            right[share, "u"] += said.upper_seconds is None or said.upper_seconds >= truth
    assert min(right.values()) / trials > 0.88


def test_the_simulation_can_fail() -> None:
    """The negative control: the largest of 20 does not cover the 95th percentile 95 times in 100."""
    chosen, trials = random.Random(1), 2000  # noqa: S311 - no secret
    right = sum(max(chosen.randint(1, 100) for _ in range(20)) >= 95 for _ in range(trials))
    assert right / trials < 0.88
