"""A standby that is away is told of while the primary still serves, and only once."""

from __future__ import annotations

import pytest

from sites.estate import Estate
from sites.recovery.at_hand import AWAY_SECONDS_MAX, AtHand
from sites.recovery.looking_after import BACK, LOST
from sites.recovery.under_way import alone
from tests.sites.recovery.light import light_estate
from tests.sites.recovery.test_degrading import Clock
from tests.sites.recovery.test_failback import NewPair

pytestmark = pytest.mark.postgres


def test_a_standby_that_is_away_is_told_once_it_has_lasted_and_when_it_is_back(new_pair: NewPair) -> None:
    """Of an asynchronous one, for no commit waits: nothing else shows that it is away."""
    estate, clock = light_estate(new_pair(synchronous=False)), Clock()
    at_hand = AtHand(estate, clock)
    assert at_hand.look() == []
    estate.site("dr").stop("postgres")
    assert at_hand.look() == []
    clock.seconds += AWAY_SECONDS_MAX
    [changed] = at_hand.look()
    assert (changed.dataset, changed.about) == ("orders", LOST)
    assert 'dataset "orders" does not answer at site "dr" for 30 s' in changed.said
    assert at_hand.look() == []  # nobody is told twice
    _start_standby(estate)
    assert [changed.about for changed in at_hand.look()] == [BACK]
    assert at_hand.look() == []


def test_a_password_that_is_not_right_any_more_is_told(new_pair: NewPair) -> None:
    """The server is well, and nobody could promote it."""
    estate, clock = light_estate(new_pair(synchronous=False)), Clock()
    secret = estate.plan.path.parent / "owner"
    secret.write_text("not it")
    at_hand = AtHand(estate, clock)
    assert at_hand.look() == []
    clock.seconds += AWAY_SECONDS_MAX
    [changed] = at_hand.look()
    assert "password" in changed.said
    assert "not it" not in changed.said


def test_who_is_changing_the_sites_may_have_stopped_it(new_pair: NewPair) -> None:
    estate, clock = light_estate(new_pair(synchronous=False)), Clock()
    at_hand = AtHand(estate, clock)
    estate.site("dr").stop("postgres")
    assert at_hand.look() == []
    clock.seconds += AWAY_SECONDS_MAX
    with alone(estate.state) as ours:
        assert ours
        assert at_hand.look() == []
    assert at_hand.look() == []  # counted from then on
    clock.seconds += AWAY_SECONDS_MAX
    assert len(at_hand.look()) == 1


def _start_standby(estate: Estate) -> None:
    estate.site("dr").start("postgres")
    estate.postgres("orders").wait_until_answering("dr", limit_seconds=30)
