"""A failover that is taken back leaves alone what a cut-off switchover has raised, and who serves since."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from sites.errors import RunbookError
from sites.estate import Estate
from sites.fences import Fences
from sites.recovery.abandon import abandon
from sites.recovery.injection import KilledAt
from sites.recovery.own_steps import runbook_of
from sites.recovery.respond import fail_over
from sites.recovery.standing import Standing
from sites.recovery.under_way import under_way
from tests.sites.recovery.light import light_estate
from tests.sites.recovery.test_failback import NewPair, _kept, _write, change, expect, killed_at, quiet

FENCED, PROMOTED = 4, 6  # entries of the switchover's journal
STOPPED = {
    "no": {"after": ["fence primary"], "before": ["promote orders"], "do": ["false"], "undo": ["true"]}
}


def cut_off(new_pair: NewPair, entry: int) -> Estate:
    """A switchover that was killed there, and a failover in its place that stops before it promotes."""
    estate = light_estate(new_pair(synchronous=True), steps=STOPPED)
    asyncio.run(_write(estate, "primary", 1))
    assert killed_at(estate, "switchover", entry, written=True, resume=False)
    assert not fail_over(estate, runbook_of(estate, quiet), quiet).complete
    return estate


@pytest.mark.postgres
@pytest.mark.campaign
def test_it_lifts_no_fence_that_a_switchover_raised(new_pair: NewPair) -> None:
    estate = cut_off(new_pair, FENCED)
    told: list[object] = []
    abandon(estate, runbook_of(estate, quiet), lambda _, detail: told.append(detail.get("left")))
    assert told[-1] == 'the fence of site "primary" stands: a switchover raised it'
    assert Fences(estate.state).raised("primary")
    assert Standing(estate.state).now == "switching over"
    assert change(estate, "switchover", resume=True).complete
    expect(estate, serving="dr", standby="primary")
    assert asyncio.run(_kept(estate, "dr")) == {1}


@pytest.mark.postgres
@pytest.mark.campaign
def test_once_the_other_site_takes_writes_nothing_is_taken_back(new_pair: NewPair) -> None:
    estate = cut_off(new_pair, PROMOTED)
    with pytest.raises(RunbookError, match=r'dataset "orders" at site "dr": .* takes writes') as caught:
        abandon(estate, runbook_of(estate, quiet), quiet)
    assert caught.value.hint == "go on with --resume"
    assert Fences(estate.state).raised("primary")
    assert Standing(estate.state).now == "failing over"


def test_its_own_fence_it_lifts(tmp_path: Path) -> None:
    fences = Fences(tmp_path)
    with under_way(tmp_path, "switchover") as begun:
        begun.journal.started("promote orders")
        fences.raise_("primary", "switchover", begun.standing.begun.run)
    with under_way(tmp_path, "failover") as begun:
        run, replaced = begun.standing.begun.run, begun.standing.replaced
    assert not fences.raised_by("primary", run)
    assert replaced is not None
    assert fences.raised_by("primary", replaced.run)
    assert replaced.promoted, "the switchover's journal is put away, and what it had begun is still known"
    Standing(tmp_path).abandon("failover")
    assert Standing(tmp_path).begun == replaced
    Standing(tmp_path).abandon("switchover")
    assert Standing(tmp_path).now == "serving at home"


def abandoned(estate: Estate, point: int) -> None:
    """Take it back in a process that is killed at that point."""
    child = os.fork()
    if child == 0:
        try:
            abandon(estate, runbook_of(estate, quiet), quiet, at=KilledAt(point))
        finally:
            os._exit(3)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


@pytest.mark.postgres
@pytest.mark.campaign
def test_a_primary_that_it_killed_serves_again_though_it_is_killed_too(new_pair: NewPair) -> None:
    estate = light_estate(new_pair(synchronous=True), steps=STOPPED)
    asyncio.run(_write(estate, "primary", 1))
    assert not fail_over(estate, runbook_of(estate, quiet), quiet).complete
    assert not estate.site("primary").running()
    for point in range(1, 4):  # of four: the step of one's own, and the fence
        abandoned(estate, point)
        with pytest.raises(RunbookError, match="was being taken back") as caught:
            fail_over(estate, runbook_of(estate, quiet), quiet, resume=True)
        assert caught.value.hint == "blackstart failover --abandon"
    told: list[object] = []
    abandon(estate, runbook_of(estate, quiet), lambda _, detail: told.append(detail.get("left")))
    assert not any(told), told
    assert Standing(estate.state).now == "serving at home"
    orders = estate.postgres("orders")
    orders.wait_until_answering("primary", limit_seconds=20)
    assert orders.wait_until_in_sync(limit_seconds=20, standby="dr").holds
    expect(estate, serving="primary", standby="dr")
    assert asyncio.run(_kept(estate, "primary")) == {1}


@pytest.mark.postgres
@pytest.mark.campaign
def test_what_the_outage_stopped_is_left_to_its_operator_and_said(new_pair: NewPair) -> None:
    estate = light_estate(new_pair(synchronous=True), steps=STOPPED)
    estate.site("primary").kill()
    assert not fail_over(estate, runbook_of(estate, quiet), quiet).complete
    told: list[object] = []
    abandon(estate, runbook_of(estate, quiet), lambda _, detail: told.append(detail.get("left")))
    assert told[-1] == 'site "primary" was down before; not started: postgres'
    assert Standing(estate.state).now == "serving at home"
