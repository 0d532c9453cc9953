"""The site that was switched over to is lost: home takes over, killed and resumed, and is protected again."""

from __future__ import annotations

import asyncio
import os
import signal
from functools import partial
from typing import Any

import pytest
import yaml

from sites.errors import GuardError, RunbookError
from sites.estate import Estate
from sites.plan import read_plan
from sites.recovery import failback as planned
from sites.recovery.abandon import abandon
from sites.recovery.cold import ColdRecovery
from sites.recovery.direction import direction
from sites.recovery.failback import check_writer
from sites.recovery.failover import Failover
from sites.recovery.fence import Fences
from sites.recovery.injection import KilledAt, nothing
from sites.recovery.respond import fail_over
from sites.recovery.runbook import Run, Step
from sites.recovery.standing import Standing
from tests.sites.recovery.light import light_estate
from tests.sites.recovery.test_failback import NewPair, _kept, _write, change, expect, quiet

pytestmark = pytest.mark.postgres
POINTS = 8  # two steps, four points each


def switched(new_pair: NewPair) -> Estate:
    estate = light_estate(new_pair(synchronous=True))
    asyncio.run(_write(estate, "primary", 1))
    assert change(estate, "switchover").complete
    asyncio.run(_write(estate, "dr", 2))
    assert (direction(estate).old, direction(estate).new) == ("dr", "primary")
    return estate


def go_home(estate: Estate, *, point: int = 0, resume: bool = False) -> Run:
    at = KilledAt(point) if point else nothing
    return fail_over(estate, Failover(estate, quiet).steps(), quiet, resume=resume, at=at)


def protect(estate: Estate) -> Run:
    tables = planned.failback(estate, quiet)
    ready = partial(check_writer, estate, "primary", "dr")
    return planned.perform(estate.state, tables, quiet, ready, resume=False)


def killed(estate: Estate, point: int, *, resume: bool) -> bool:
    child = os.fork()
    if child == 0:
        try:
            code = 0 if go_home(estate, point=point, resume=resume).complete else 1
        except BaseException:  # noqa: BLE001 - a copy of the test must not go on
            code = 2
        os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, -signal.SIGKILL), code
    return code != 0


def test_home_takes_over_after_kills_and_is_protected_again(new_pair: NewPair) -> None:
    estate = switched(new_pair)
    estate.site("dr").kill()
    died = 0
    for point in range(2, POINTS + 1):
        stands = Standing(estate.state).now
        if stands == "failed over home":
            break
        died += killed(estate, point, resume=stands == "failing over home")
    if Standing(estate.state).now == "failing over home":
        assert go_home(estate, resume=True).complete
    assert died >= POINTS // 2
    orders = estate.postgres("orders")
    assert (orders.writable("primary"), orders.refuses_write("dr").holds) == (True, True)
    assert Fences(estate.state).raised("dr")
    assert not Fences(estate.state).raised("primary")
    assert Standing(estate.state).now == "failed over home"
    asyncio.run(_write(estate, "primary", 3))
    with pytest.raises(RunbookError, match='cannot begin a failover: the plan stands at "failed over home"'):
        go_home(estate)
    assert protect(estate).complete
    assert Standing(estate.state).now == "serving at home"
    expect(estate, serving="primary", standby="dr")
    assert asyncio.run(_kept(estate, "primary")) == {1, 2, 3}
    assert (direction(estate).old, direction(estate).new) == ("primary", "dr")


def test_what_was_only_fenced_is_taken_back(new_pair: NewPair) -> None:
    estate = switched(new_pair)
    estate.site("dr").kill()
    assert killed(estate, 3, resume=False)  # the fence stands, nothing is promoted
    assert Standing(estate.state).now == "failing over home"
    assert abandon(estate, Failover(estate, quiet).steps(), quiet) == ("fence dr",)
    assert Standing(estate.state).now == "switched over"
    assert not Fences(estate.state).raised("dr")
    estate.site("dr").up()
    estate.postgres("orders").wait_until_answering("dr", limit_seconds=20)
    assert change(estate, "failback").complete
    expect(estate, serving="primary", standby="dr")


def test_files_at_home_are_taken_as_they_were_left_and_nothing_comes_from_backup(
    new_pair: NewPair,
) -> None:
    pair = new_pair(synchronous=True)
    there = pair.folder / "primary" / "files"
    declared = yaml.safe_load(light_estate(pair).plan.path.read_text())
    repository = {
        "site": "dr",
        "url": str(pair.folder / "repo"),
        "password": {"file": str(pair.folder / "owner")},
    }
    files: dict[str, Any] = {
        "kind": "files",
        "site": "primary",
        "path": str(there),
        "backup": {"to": "far", "every": "1h"},
        "restore": {"site": "dr", "path": str(pair.folder / "dr" / "files")},
    }
    declared |= {"repositories": {"far": repository}, "datasets": {**declared["datasets"], "files": files}}
    estate = Estate(read_plan(pair.folder / "plan.yaml", yaml.safe_dump(declared).encode(), {}))
    standing = Standing(estate.state)
    standing.begin("switchover")
    standing.end("switchover")
    restore = _named(Failover(estate, quiet).steps(), "restore files")
    assert restore.says == 'take dataset "files" at site "primary" as it was when the other site took over'
    with pytest.raises(RunbookError, match='dataset "files" is not at site "primary"'):
        restore.do(1.0)
    there.mkdir()
    assert restore.do(1.0)["as"] == "it was when the other site took over"
    with pytest.raises(GuardError, match='cannot recover cold at site "primary"'):
        ColdRecovery(estate, quiet)


def _named(steps: list[Step], name: str) -> Step:
    return next(step for step in steps if step.name == name)
