"""A node is lost amid a planned change of sites: which way a failover goes then, and what it brings back."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from sites.estate import Estate
from sites.fences import Fences
from sites.recovery import failback as planned
from sites.recovery.direction import direction
from sites.recovery.failback import check_writer
from sites.recovery.own_steps import runbook_of
from sites.recovery.promotable import NotPromotable
from sites.recovery.respond import fail_over
from sites.recovery.runbook import Run
from sites.recovery.standing import Standing
from tests.sites.recovery.light import light_estate
from tests.sites.recovery.test_failback import (
    NewPair,
    _kept,
    _write,
    change,
    expect,
    killed_at,
    lose,
    quiet,
)

pytestmark = [pytest.mark.postgres, pytest.mark.campaign]
STOPPED, PROMOTED = 2, 6  # entries of the switchover's journal
PROTECTED, PROMOTED_HOME = 4, 10  # of the failback's


def go(estate: Estate) -> Run:
    return fail_over(estate, runbook_of(estate, quiet), quiet)


def ways(estate: Estate) -> tuple[str, str]:
    return direction(estate).old, direction(estate).new


def protect(estate: Estate) -> None:
    ready = partial(check_writer, estate, "primary", "dr")
    tables = planned.failback(estate, quiet)
    assert planned.perform(estate.state, tables, quiet, ready, resume=False).complete


def switching(new_pair: NewPair, entry: int) -> Estate:
    estate = light_estate(new_pair(synchronous=True))
    asyncio.run(_write(estate, "primary", 1))
    assert killed_at(estate, "switchover", entry, written=True, resume=False)
    assert Standing(estate.state).now == "switching over"
    return estate


def failing_back(new_pair: NewPair, entry: int) -> Estate:
    estate = light_estate(new_pair(synchronous=True))
    asyncio.run(_write(estate, "primary", 1))
    lose(estate)
    assert killed_at(estate, "failback", entry, written=True, resume=False)
    assert Standing(estate.state).now == "failing back"
    return estate


def test_amid_a_switchover_the_new_side_that_was_promoted_and_lost_gives_back(new_pair: NewPair) -> None:
    estate = switching(new_pair, PROMOTED)
    assert ways(estate) == ("primary", "dr"), "the new side answers: it is finished there"
    estate.site("dr").kill()
    assert ways(estate) == ("dr", "primary")
    assert go(estate).complete
    assert Standing(estate.state).now == "failed over home"
    assert not Fences(estate.state).raised("primary")
    asyncio.run(_write(estate, "primary", 2))  # and commits wait for nobody
    assert asyncio.run(_kept(estate, "primary")) == {1, 2}
    protect(estate)
    expect(estate, serving="primary", standby="dr")


def test_amid_a_switchover_the_old_side_is_lost(new_pair: NewPair) -> None:
    estate = switching(new_pair, PROMOTED)
    estate.site("primary").kill()
    assert ways(estate) == ("primary", "dr")
    assert go(estate).complete
    assert Standing(estate.state).now == "failed over"
    assert change(estate, "failback").complete
    expect(estate, serving="primary", standby="dr")
    assert asyncio.run(_kept(estate, "primary")) == {1}


def test_a_copy_that_is_half_made_takes_over_nothing(new_pair: NewPair) -> None:
    estate = switching(new_pair, PROMOTED)
    (estate.room("primary") / "data.rejoining").touch()
    estate.site("dr").kill()
    with pytest.raises(NotPromotable, match="cut off, so what is in its folder is worth nothing") as caught:
        go(estate)
    assert "`blackstart switchover --resume`" in str(caught.value.hint)
    assert Standing(estate.state).now == "switching over"
    assert not Fences(estate.state).raised("dr"), "nothing was done"
    estate.site("dr").up()
    estate.postgres("orders").wait_until_answering("dr", limit_seconds=20)
    assert change(estate, "switchover", resume=True).complete
    expect(estate, serving="dr", standby="primary")


def test_amid_a_failback_home_takes_over_once_it_is_protected(new_pair: NewPair) -> None:
    estate = failing_back(new_pair, PROTECTED)
    estate.site("dr").kill()
    assert ways(estate) == ("dr", "primary")
    assert go(estate).complete
    assert Standing(estate.state).now == "failed over home"
    protect(estate)
    expect(estate, serving="primary", standby="dr")
    assert asyncio.run(_kept(estate, "primary")) == {1}


def test_amid_a_failback_home_that_was_promoted_and_lost_gives_back(new_pair: NewPair) -> None:
    estate = failing_back(new_pair, PROMOTED_HOME)
    assert ways(estate) == ("dr", "primary")
    estate.site("primary").kill()
    assert ways(estate) == ("primary", "dr")
    assert go(estate).complete
    assert Standing(estate.state).now == "failed over"
    assert change(estate, "failback").complete
    expect(estate, serving="primary", standby="dr")
    assert asyncio.run(_kept(estate, "primary")) == {1}
