"""What is resumed goes on as it was begun, whatever is typed then and whatever the plan says by now."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import yaml

from flows.recovery import failover as acts
from sites.errors import GuardError, RunbookError
from sites.estate import Estate
from sites.plan import read_plan
from sites.recovery.abandon import abandon
from sites.recovery.failback import Tables, perform
from sites.recovery.own_steps import runbook_of
from sites.recovery.respond import fail_over
from sites.recovery.runbook import Step
from sites.recovery.sentinel import Said, Sentinel
from sites.recovery.under_way import confirm_plan
from tests.sites.recovery.test_failover import EXAMPLE, desk, estate

__all__ = ["desk"]


def quiet(*_: object) -> None:
    """Nobody is told."""


def refusing() -> list[Step]:
    def refuse(_limit_seconds: float) -> dict[str, object]:
        raise RunbookError("no")

    return [Step("fence primary", "", refuse, lambda: False, 1.0, "", undo=lambda _: {})]


def changed(variables: dict[str, str]) -> Estate:
    declared = yaml.safe_load(EXAMPLE.read_text())
    declared["failover"]["decide_by"] = "77m"
    return Estate(read_plan(EXAMPLE, yaml.safe_dump(declared).encode(), variables))


def loads(here: Estate, *, cold: bool = False) -> bool:
    return any(step.name == "load orders" for step in runbook_of(here, quiet, cold=cold))


@pytest.mark.parametrize("began", [True, False])
def test_cold_or_not_it_goes_on_as_it_was_begun(desk: dict[str, str], began: bool) -> None:
    here = estate(desk)
    assert not fail_over(here, refusing(), quiet, cold=began).complete
    assert [loads(here), loads(here, cold=True)] == [began, began]
    abandon(here, refusing(), quiet)
    assert [loads(here), loads(here, cold=True)] == [False, True]


def test_who_types_cold_for_one_that_began_warm_means_another(desk: dict[str, str]) -> None:
    here = estate(desk)
    assert not fail_over(here, refusing(), quiet).complete
    with pytest.raises(GuardError, match="began with the replicas"):
        acts.perform(here, environment="demo", resume=True, tell=quiet, cold=True)


def test_another_plan_is_refused_until_its_hash_is_named(desk: dict[str, str]) -> None:
    here, other = estate(desk), changed(desk)
    assert not fail_over(here, refusing(), quiet).complete
    for act in (lambda: fail_over(other, refusing(), quiet, resume=True), lambda: abandon(other, [], quiet)):
        with pytest.raises(GuardError, match="is not the one with which this failover began") as caught:
            act()
        assert str(caught.value.hint).endswith(f"--confirm {other.plan.sha256[:12]}")
    for wrong in ("", other.plan.sha256[:4], "0" * 12):
        with pytest.raises(GuardError, match=f"the SHA-256 of the plan is {other.plan.sha256[:12]}"):
            confirm_plan(other.state, other.plan.sha256, wrong)
    confirm_plan(other.state, other.plan.sha256, other.plan.sha256[:12])
    assert not fail_over(other, refusing(), quiet, resume=True).complete


def test_the_sentinel_goes_on_with_no_other_plan_and_says_so(desk: dict[str, str]) -> None:
    assert not fail_over(estate(desk), refusing(), quiet).complete
    said: list[Said] = []
    with pytest.raises(GuardError):
        Sentinel(changed(desk), quiet, said.append).stand(threading.Event())
    assert "NOT gone on with" in said[-1].reason


def test_a_planned_change_is_bound_to_its_plan_too(tmp_path: Path) -> None:
    def switch(plan: str, *, resume: bool) -> bool:
        steps = [Step("drain web", "", refusing()[0].do, lambda: False, 1.0, "")]
        return perform(tmp_path, Tables("switchover", [], steps, plan), quiet, quiet, resume=resume).complete

    assert not switch("a" * 64, resume=False)
    with pytest.raises(GuardError, match="with which this switchover began"):
        switch("b" * 64, resume=True)
    assert not switch("a" * 64, resume=True)
