"""A failover that is taken back leaves alone what a cut-off switchover has raised, and who serves since."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sites.errors import RunbookError
from sites.estate import Estate
from sites.fences import Fences
from sites.recovery.abandon import abandon
from sites.recovery.own_steps import runbook_of
from sites.recovery.respond import fail_over
from sites.recovery.standing import Standing
from sites.recovery.under_way import under_way
from tests.sites.recovery.light import light_estate
from tests.sites.recovery.test_failback import NewPair, _kept, _write, change, expect, killed_at, quiet

pytestmark = pytest.mark.postgres
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
