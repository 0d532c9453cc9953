"""The rules of the lease: whatever happens to the holder, its door is shut once the taker says so."""

from __future__ import annotations

import random

import pytest

from sites.errors import BucketUnreachable, FenceError
from sites.lease.term import Record, Term, give_back, take, taken
from tests.sites.lease.witnesses import Clock, FakeWitness

SECONDS, MARGIN, HISTORIES = 10.0, 0.0, 2000


def held(witness: FakeWitness, clock: Clock, *, pace: float = 1.0, seconds: float = SECONDS) -> Term:
    return Term(witness, "primary", "me", seconds, clock.at(pace, offset=1e6))


def test_the_door_is_shut_before_the_first_renewal_and_after_the_last() -> None:
    clock = Clock()
    term = held(FakeWitness(), clock)
    assert not term.open
    assert term.renew() is None
    clock.now = 9.999
    assert term.open
    clock.now = 10.0
    assert not term.open
    assert term.renew() is None
    assert term.open


def test_what_was_taken_is_not_renewed_and_shuts_at_once() -> None:
    witness, clock = FakeWitness(), Clock()
    term = held(witness, clock)
    term.renew()
    taker = clock.at(1.0)
    record = take(witness, "failover", 2.0, taker, taker.sleep)
    assert (record.state, taken(witness)) == ("taken", True)
    assert clock.now >= SECONDS + 2.0
    assert term.renew() == 'it was taken from site "primary" by failover'
    assert not term.open
    give_back(witness, "failover")
    assert not taken(witness)
    assert term.renew() is None
    assert term.open


def test_nobody_ever_held_it() -> None:
    with pytest.raises(FenceError, match="nobody ever held the lease"):
        take(FakeWitness(), "failover", 2.0)
    give_back(FakeWitness(), "failover")  # nothing to give back
    assert not taken(FakeWitness())


def test_a_lease_that_is_none_of_ours() -> None:
    witness = FakeWitness()
    witness.write(b"[]", None)
    with pytest.raises(FenceError, match="no lease"):
        take(witness, "failover", 2.0)


def test_who_was_replaced_is_waited_for_by_its_own_term() -> None:
    witness, clock = FakeWitness(), Clock()
    slow, quick = held(witness, clock, seconds=60.0), held(witness, clock, seconds=5.0)
    slow.renew()
    quick.renew()
    assert slow.open
    taker = clock.at(1.0)
    take(witness, "failover", 0.0, taker, taker.sleep)
    assert not slow.open
    assert Record.of(witness.read().content).seconds == 60.0  # type: ignore[union-attr]


def left_open(seed: int) -> bool:
    """A random history of renewals, late and lost answers and pauses; is the door open once it was taken?"""
    chance, witness, clock = random.Random(seed), FakeWitness(), Clock()  # noqa: S311 - no secret
    term = held(witness, clock, pace=chance.uniform(0.998, 1.002))
    for _ in range(chance.randint(1, 12)):
        clock.now += chance.uniform(0.0, 6.0)
        witness.lose = chance.random() < 0.2
        try:
            term.renew()
        except BucketUnreachable:
            continue
    taker = clock.at(chance.uniform(0.998, 1.002))
    if witness.read() is None:
        return False
    take(witness, "failover", MARGIN, taker, taker.sleep)
    return term.open


@pytest.mark.parametrize("part", range(4))
def test_it_is_never_open_once_it_was_taken(part: int) -> None:
    assert not any(left_open(seed) for seed in range(part, HISTORIES, 4))


def test_a_taker_that_does_not_wait_would_be_seen() -> None:
    found = 0
    for seed in range(200):
        clock, witness = Clock(), FakeWitness()
        term = held(witness, clock)
        clock.now = seed / 10
        term.renew()
        jumps = iter((0.0, 1e9))
        take(witness, "failover", MARGIN, lambda jumps=jumps: next(jumps), lambda _: None)  # type: ignore[misc]
        found += term.open
    assert found == 200
