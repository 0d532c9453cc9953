"""A failover on two real servers, killed again and again and resumed: one writer, and nothing lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

import pytest

from sites.estate import Estate
from sites.recovery import failback as planned
from sites.recovery.failback import check_writer
from sites.recovery.journal import Journal
from sites.recovery.standing import Standing
from tests.sites.drivers.pairs import Pair
from tests.sites.recovery.killed import OWN_STEPS, POINTS, Kill, go_on, killed, kills_of, quiet, watch
from tests.sites.recovery.light import light_estate

pytestmark = pytest.mark.postgres

NewPair = Callable[..., Pair]
KILLS, SLICES, KILLS_A_ROUND = 200, 10, 4


def fresh(new_pair: NewPair) -> tuple[Pair, Estate]:
    pair = new_pair(synchronous=True)
    estate = light_estate(pair, steps=OWN_STEPS)
    asyncio.run(estate.postgres("orders").client("primary", limit_seconds=10).prepare())
    return pair, estate


def survive(pair: Pair, estate: Estate, kills: Sequence[Kill], number: int) -> tuple[int, int]:
    """Lose the primary, fail over through those kills and resume; how often it died, and the writes kept.

    A first kill at a boundary has to come: the runbook has all of them before it.
    """
    for name in OWN_STEPS:
        (estate.plan.folder / name).unlink(missing_ok=True)
    watched = watch(pair, pair.folder / f"run-{number}")
    watched.lose(estate)
    died = [killed(estate, kill) for kill in kills]
    assert died[0] or not kills[0].point, kills[0]
    run = go_on(estate)
    assert run is None or run.complete, run.failed
    expect_one_writer(estate)
    return sum(died), watched.end(estate.site("primary"))


def expect_one_writer(estate: Estate) -> None:
    orders = estate.postgres("orders")
    assert (orders.writable("dr"), orders.refuses_write("primary").holds) == (True, True)
    assert Standing(estate.state).now == "failed over"
    assert all((estate.plan.folder / name).exists() for name in OWN_STEPS)
    kept = sorted((estate.state / "failover").glob("20*.jsonl"))
    kept[-1].rename(kept[-1].with_name("looked-at.jsonl"))
    with Journal(kept[-1].with_name("looked-at.jsonl")) as journal:  # refuses what the engine cannot write
        assert set(journal.states.values()) == {"done"}, journal.states


def come_back(estate: Estate) -> None:
    tables = planned.failback(estate, quiet)
    ready = partial(check_writer, estate, "dr", "primary")
    assert planned.perform(estate.state, tables, quiet, ready, resume=False).complete


def test_the_slices_begin_a_failover_with_a_kill_at_each_boundary() -> None:
    """A slice has as many rounds at least as it takes with all kills of a round."""
    planned, rounds = KILLS // SLICES, KILLS // SLICES // KILLS_A_ROUND
    slices = [kills_of(seed, planned)[::KILLS_A_ROUND] for seed in range(SLICES)]
    firsts = [kill.point for kills in slices for kill in kills[:rounds]]
    assert set(firsts) == set(range(1, POINTS + 1))


def test_a_failover_killed_twice_ends_with_one_writer_and_nothing_lost(new_pair: NewPair) -> None:
    pair, estate = fresh(new_pair)
    died, kept = survive(pair, estate, [Kill(6), Kill(0, 0.05)], 0)
    assert died >= 1
    assert kept > 0


@pytest.mark.campaign
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(SLICES))
def test_killed_at_every_boundary_and_at_any_moment(new_pair: NewPair, seed: int) -> None:
    pair, estate = fresh(new_pair)
    died = kept = rounds = 0
    fresh_at = set[int]()
    planned_kills = iter(kills_of(seed, 4 * KILLS // SLICES))
    while died < KILLS // SLICES:
        round_kills = [next(planned_kills) for _ in range(KILLS_A_ROUND)]
        more, acknowledged = survive(pair, estate, round_kills, rounds)
        fresh_at.add(round_kills[0].point)
        died, kept, rounds = died + more, kept + acknowledged, rounds + 1
        come_back(estate)
    assert kept > 0
    boundaries = ", ".join(map(str, sorted(fresh_at)))
    print(  # noqa: T201
        f"proof: slice {seed}: {died} SIGKILLs in {rounds} failovers, one writer after each, "
        f"0 of {kept} writes lost; the first of a failover at boundary {boundaries} of {POINTS}"
    )
