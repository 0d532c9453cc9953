"""A node is killed at the boundaries of a planned change's steps; then the way out that is named is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import pytest

from sites.estate import Estate
from sites.fences import Fences
from sites.recovery import failback as planned
from sites.recovery.abandon import abandon_change
from sites.recovery.failback import Tables, check_writer
from sites.recovery.injection import Moment
from sites.recovery.own_steps import runbook_of
from sites.recovery.promotable import NotPromotable
from sites.recovery.respond import fail_over
from sites.recovery.runbook import Run, Step
from sites.recovery.standing import Standing
from tests.sites.recovery.light import light_estate
from tests.sites.recovery.test_failback import NewPair, _kept, _write, expect, lose, quiet

pytestmark = pytest.mark.postgres
STRUCK: tuple[Moment, ...] = ("begin", "acted")
IMPATIENT_SECONDS = 2.0


@dataclass
class Losing:
    """A hook that loses a site at one of the boundaries, counted from 1."""

    estate: Estate
    site: str
    point: int
    struck: str | None = None

    def __call__(self, step: str, moment: Moment) -> None:
        if moment not in STRUCK:
            return
        self.point -= 1
        if self.point == 0:
            self.struck = f"{step}, {moment}"
            self.estate.site(self.site).kill()


def impatient(tables: Tables) -> Tables:
    """It waits for what is lost no longer than a test may."""

    def short(steps: list[Step]) -> list[Step]:
        return [replace(step, limit_seconds=min(step.limit_seconds, IMPATIENT_SECONDS)) for step in steps]

    return replace(tables, first=short(tables.first), then=short(tables.then))


def tables_of(estate: Estate, kind: str) -> Tables:
    made: Callable[..., Tables] = planned.switchover if kind == "switchover" else planned.failback
    return made(estate, quiet)


def change(estate: Estate, kind: str, losing: Losing | None = None, *, resume: bool = False) -> Run:
    ready = _ready(estate, kind)
    tables = tables_of(estate, kind)
    if losing is None:
        return planned.perform(estate.state, tables, quiet, ready, resume=resume)
    return planned.perform(estate.state, impatient(tables), quiet, ready, resume=resume, at=losing)


def _ready(estate: Estate, kind: str) -> Callable[[], None]:
    home_serves = kind == "switchover" or Standing(estate.state).now == "failed over home"
    serving, other = ("primary", "dr") if home_serves else ("dr", "primary")
    return partial(check_writer, estate, serving, other)


def follow(estate: Estate, kind: str, lost: str, run: Run) -> str:
    """What the tool says is left to do once that site is gone; what it was."""
    served = "primary" if kind == "switchover" else "dr"
    if lost != served and f"`blackstart {kind} --abandon`" in run.way_out:
        abandon_change(estate, tables_of(estate, kind), quiet)
        return "abandoned"
    assert "`blackstart failover`" in run.way_out, run
    try:
        ended = fail_over(estate, runbook_of(estate, quiet), quiet)
    except NotPromotable as error:  # the only whole copy is the one that is lost
        hint = str(error.hint)
    else:
        assert ended.complete, ended.failed
        return "failed over"
    assert f"`blackstart {kind} --resume`" in hint
    estate.site(lost).up()
    estate.postgres("orders").wait_until_answering(lost, limit_seconds=20)
    ended = change(estate, kind, resume=True)
    assert ended.complete, ended.failed
    return "resumed"


def come_whole(estate: Estate, kind: str, lost: str) -> None:
    """From wherever it stands, back to where home serves and the other site stands by."""
    stands = Standing(estate.state).now
    site = estate.site(lost)
    if not site.running() and not Fences(estate.state).raised(lost):
        site.up()
        estate.postgres("orders").wait_until_answering(lost, limit_seconds=20)
    if stands != "serving at home":
        assert change(estate, "failback").complete, (kind, lost, stands)
    proof = estate.postgres("orders").wait_until_in_sync(limit_seconds=20, standby="dr")
    assert proof.holds, proof
    expect(estate, serving="primary", standby="dr")


def lose_at(estate: Estate, kind: str, lost: str, point: int, number: int) -> tuple[str, str] | None:
    """Lose the site at that boundary and follow the way out. None where there is no such boundary."""
    asyncio.run(_write(estate, "primary", 2 * number))
    if kind == "failback":
        lose(estate)
        asyncio.run(_write(estate, "dr", 2 * number + 1))
    losing = Losing(estate, lost, point)
    run = change(estate, kind, losing)
    if losing.struck is None:
        assert run.complete, run.failed
        return None
    out = "ended" if run.complete else follow(estate, kind, lost, run)
    orders = estate.postgres("orders")
    left = "dr" if lost == "primary" else "primary"
    if out != "ended":
        assert Standing(estate.state).under_way is None
        assert [orders.writable(site) for site in ("primary", "dr")].count(True) == 1
    if out in ("abandoned", "failed over"):
        assert orders.writable(left) is True
        if out == "failed over":
            asyncio.run(_write(estate, left, 10_000 + number))  # and commits wait for nobody
    come_whole(estate, kind, lost)
    written = {2 * each for each in range(number + 1)}
    assert written <= asyncio.run(_kept(estate, "primary")), losing.struck
    return losing.struck, out


def test_a_node_lost_at_a_boundary_leaves_a_way_out(new_pair: NewPair) -> None:
    assert lose_at(light_estate(new_pair(synchronous=True)), "failback", "dr", 9, 0) is not None


@pytest.mark.campaign
def test_two_histories_of_one_number_are_told_apart(new_pair: NewPair) -> None:
    """The old side, made a standby, has not heard of the new one's promotion when that is lost."""
    found = lose_at(light_estate(new_pair(synchronous=True)), "switchover", "dr", 8, 0)
    assert found is not None
    assert found[0] == "rejoin orders at primary, acted"


@pytest.mark.campaign
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("kind", ["switchover", "failback"])
@pytest.mark.parametrize("lost", ["primary", "dr"])
def test_a_node_lost_at_every_boundary_leaves_a_way_out(new_pair: NewPair, kind: str, lost: str) -> None:
    estate = light_estate(new_pair(synchronous=True))
    outs: list[str] = []
    for number in range(100):
        found = lose_at(estate, kind, lost, number + 1, number)
        if found is None:
            break
        print(*found)  # noqa: T201
        outs.append(found[1])
        if kind == "switchover" and Standing(estate.state).now == "switched over":
            assert change(estate, "failback").complete
    assert len(outs) >= 12
    told = ", ".join(f"{outs.count(out)} {out}" for out in dict.fromkeys(outs))
    print(f"proof: {kind}, {lost} lost at each of {len(outs)} boundaries: {told}")  # noqa: T201
