"""The table of the failover, as the trading desk's plan declares it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from sites.errors import GuardError, RunbookError, SiteDown
from sites.estate import Estate
from sites.plan import read_plan
from sites.recovery.abandon import abandon
from sites.recovery.failover import ATTEST, Failover
from sites.recovery.fence import Fences
from sites.recovery.respond import fail_over
from sites.recovery.runbook import Step, in_order
from sites.recovery.watching import watch_over, watched

EXAMPLE = Path(__file__).parents[3] / "examples" / "trading_desk" / "plan.yaml"


@pytest.fixture
def desk(tmp_path: Path) -> dict[str, str]:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    for name in ("restic", "blackstart", "gateway", "evidence.pem"):
        (secrets / name).touch(mode=0o600)
        (secrets / name).write_text("not-a-real-one")
    ports = ("PRIMARY_PG", "DR_PG", "PRIMARY_GATEWAY", "DR_GATEWAY", "PUBLIC", "VENUE")
    return {
        "DESK": str(tmp_path),
        "PG_BIN": "/nowhere",
        **{f"{name}_PORT": str(4000 + i) for i, name in enumerate(ports)},
    }


def estate(variables: dict[str, str], **changes: object) -> Estate:
    declared = yaml.safe_load(EXAMPLE.read_text())
    declared |= changes
    text = yaml.safe_dump({key: value for key, value in declared.items() if value is not None})
    return Estate(read_plan(EXAMPLE, text.encode(), variables))


def table(variables: dict[str, str]) -> dict[str, Step]:
    return {step.name: step for step in in_order(Failover(estate(variables), lambda *_: None).steps())}


def before(steps: dict[str, Step], name: str) -> set[str]:
    """All that has to be done before a step, directly or not."""
    found: set[str] = set()
    todo = [name]
    while todo:
        for need in steps[todo.pop()].needs:
            if need not in found:
                found.add(need)
                todo.append(need)
    return found


def test_nothing_happens_before_the_fence(desk: dict[str, str]) -> None:
    steps = table(desk)
    assert next(iter(steps)) == "fence primary"
    assert all("fence primary" in before(steps, name) for name in steps if name != "fence primary")


def test_clients_come_first(desk: dict[str, str]) -> None:
    """What clients wait for needs the fence, the promotion and its own start, and no restore."""
    steps = table(desk)
    assert before(steps, "redirect gateway") == {"fence primary", "promote orders", "start gateway"}
    assert "redirect gateway" in before(steps, "restore ticks")


def test_no_strategy_starts_before_every_order_is_known(desk: dict[str, str]) -> None:
    steps = table(desk)
    assert {"gate engine", ATTEST, "restore strategies", "restore ticks"} <= before(steps, "start engine")
    assert {"redirect gateway", "promote orders"} <= before(steps, "gate engine")
    assert "gate engine" in before(steps, ATTEST)


def test_a_gated_service_may_need_another_one(tmp_path: Path) -> None:
    gated = {"process": "web", "gate": {"command": ["true"]}}
    web = {"processes": {"web": {"command": ["true"]}}, "kind": "processes"}
    plan = {
        "name": "light",
        "environment": "test",
        "sites": {name: {**web, "path": name} for name in ("here", "there")},
        "services": {"first": gated, "second": {**gated, "needs": ["first"]}},
        "failover": {"from": "here", "to": "there", "decide": "automatic"},
    }
    here = Estate(read_plan(tmp_path / "plan.yaml", yaml.safe_dump(plan).encode(), {}))
    steps = {step.name: step for step in in_order(Failover(here, lambda *_: None).steps())}
    assert {"gate first", ATTEST} <= before(steps, "start first")
    assert {"start first", "gate second"} <= before(steps, "start second")


def test_the_gate_does_not_wait_for_files(desk: dict[str, str]) -> None:
    assert not {"restore strategies", "restore ticks"} & before(table(desk), "gate engine")


def test_milestones_are_those_of_the_timeline(desk: dict[str, str]) -> None:
    milestones = {step.milestone for step in table(desk).values()} - {None}
    assert milestones == {"fenced", "promoted", "restored", "started", "redirected", "safe"}


def test_every_step_can_be_done_by_hand(desk: dict[str, str]) -> None:
    assert all(step.by_hand and step.says for step in table(desk).values())


def test_a_plan_without_failover_is_refused(desk: dict[str, str]) -> None:
    plain = estate(desk, failover=None, drills=None)
    with pytest.raises(GuardError, match="declares no failover"):
        Failover(plain, lambda *_: None)


def test_detection_looks_where_the_clients_look(desk: dict[str, str]) -> None:
    assert watched(estate(desk)) == ["http://127.0.0.1:4004/health"]


def test_an_unfinished_failover_is_resumed_not_begun_again(desk: dict[str, str]) -> None:
    here = estate(desk)

    def refuse(_limit_seconds: float) -> dict[str, object]:
        raise RunbookError("no")

    shut = [Step("fence primary", "", refuse, lambda: False, 1.0, "")]
    open_ = [Step("fence primary", "", lambda _: {}, lambda: False, 1.0, "")]
    assert not fail_over(here, shut, lambda *_: None).complete
    with pytest.raises(RunbookError, match="an earlier failover was cut off"):
        fail_over(here, open_, lambda *_: None)
    assert fail_over(here, open_, lambda *_: None, resume=True).complete
    with pytest.raises(RunbookError, match="no failover to resume"):
        fail_over(here, open_, lambda *_: None, resume=True)


def test_a_second_failover_does_not_follow_on_the_first(desk: dict[str, str]) -> None:
    here = estate(desk)
    steps = [Step("fence primary", "", lambda _: Fences(here.state).raise_("primary", "") or {}, no, 1.0, "")]
    assert fail_over(here, steps, lambda *_: None).complete
    with pytest.raises(RunbookError, match='the plan stands at "failed over"') as caught:
        fail_over(here, steps, lambda *_: None)
    assert "blackstart failback" in str(caught.value.hint)


def test_a_failover_is_abandoned_while_nothing_irrevocable_was_done(desk: dict[str, str]) -> None:
    here, marks = estate(desk), {"fenced"}

    def lift(_limit_seconds: float) -> dict[str, object]:
        marks.clear()
        return {}

    def refuse(_limit_seconds: float) -> dict[str, object]:
        raise RunbookError("the gate is shut")

    fence = Step("fence primary", "", lambda _: {}, no, 1.0, "", undo=lift)
    gate = Step("gate engine", "", refuse, no, 1.0, "", ("fence primary",), undo=lambda _: {})
    start = Step("start engine", "", lambda _: {}, no, 1.0, "", ("gate engine",))
    steps = [fence, gate, start]
    with pytest.raises(RunbookError, match="no failover to abandon"):
        abandon(here, steps, lambda *_: None)
    assert not fail_over(here, steps, lambda *_: None).complete
    assert abandon(here, steps, lambda *_: None) == ("gate engine", "fence primary")
    assert not marks
    assert not fail_over(here, steps, lambda *_: None).complete, "it stands where it stood: one may begin"


def no() -> bool:
    return False


def test_room_for_a_fence_is_made_before_anybody_waits_for_one(desk: dict[str, str]) -> None:
    made = estate(desk)
    watch_over(made)
    assert (made.state / "fenced").is_dir()


def test_a_watch_that_is_refused_leaves_nothing(desk: dict[str, str]) -> None:
    made = estate(desk, failover=None, drills=None)
    with pytest.raises(GuardError, match="declares no failover"):
        watch_over(made)
    assert not (made.state / "fenced").exists()


READERS = {"reader": {"process": "reader", "rto": "1m"}, "writer": {"process": "writer", "rto": "1m"}}


@pytest.fixture
def readers(tmp_path: Path) -> Iterator[Estate]:
    """Two services without a database, at two sites that are not up."""
    site = {"kind": "processes", "processes": {name: {"command": ["/bin/sleep", "600"]} for name in READERS}}
    declared = {
        "name": "files",
        "environment": "test",
        "sites": {name: {**site, "path": name} for name in ("primary", "dr")},
        "services": READERS,
        "failover": {"from": "primary", "to": "dr", "fence": "required", "decide": "automatic"},
        "state": "state",
    }
    plan = read_plan(tmp_path / "plan.yaml", yaml.safe_dump(declared).encode(), {})
    made = Estate(plan, until_pid=os.getpid())
    yield made
    made.site("dr").kill()


def test_a_service_starts_at_a_site_where_nothing_had_to_run_until_then(readers: Estate) -> None:
    step = next(step for step in Failover(readers, lambda *_: None).steps() if step.name == "start reader")
    assert not step.done()
    assert step.do(30) == {"service": "reader", "site": "dr"}
    assert step.done()
    assert list(readers.site("dr").running()) == ["reader"]


def test_a_site_that_is_lost_amid_the_failover_is_not_brought_up_with_half_of_it(readers: Estate) -> None:
    steps = {step.name: step for step in Failover(readers, lambda *_: None).steps()}
    steps["start reader"].do(30)
    readers.site("dr").kill()
    with pytest.raises(SiteDown, match="is not up"):
        steps["start writer"].do(30)
    assert not readers.site("dr").running()


def test_a_site_that_has_to_run_a_database_is_not_brought_up_without_it(desk: dict[str, str]) -> None:
    step = table(desk)["start gateway"]
    with pytest.raises(SiteDown, match="is not up"):
        step.do(30)
