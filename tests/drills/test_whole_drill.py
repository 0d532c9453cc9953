"""A whole drill on a real pair, with its recorder, its dead-man and those that watch; nothing answers it."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
import yaml

from drills import drill
from drills.calibration.record import file_of, save
from drills.preview import preview
from rto_rpo.evidence.checking.verify import verify
from rto_rpo.report.forms.summary import summary
from sites.errors import GuardError
from sites.estate import Estate
from sites.plan import read_plan
from sites.strikable import KillingOne
from tests.drills.test_undo_without_us import drilled
from tests.e2e.desks import calibration, ledger
from tests.sites.drivers.pairs import Pair

pytestmark = [pytest.mark.postgres, pytest.mark.campaign]


def changed(estate: Estate, **changes: object) -> Estate:
    declared = yaml.safe_load(estate.plan.raw)
    declared["datasets"]["orders"]["rpo"] = "0s"
    declared["drills"]["kill"] |= changes
    return Estate(read_plan(estate.plan.path, yaml.safe_dump(declared).encode(), {}))


def test_where_nothing_serves_the_primary_returns_and_nobody_else_was_harmed(
    new_pair: Callable[..., Pair],
) -> None:
    pair = new_pair()
    estate = changed(drilled(pair), judge={"orders": ["rpo"]}, give_up="2s", bystanders=["dr"])
    save(calibration(), file_of(estate.state))
    confirm = preview(estate, "kill").confirm
    run = drill.run(estate, "kill", environment="test", confirm=confirm)
    checks = {check["name"]: check["verdict"] for check in run.report["checks"]}
    assert checks == {"give-up": "missed", "bystanders": "met"}
    said = "nothing served within 2s, no other site was promoted, and the fault was undone"
    assert said in summary(run.report)[0]
    assert pair.dataset.writable("primary")
    assert verify(estate.plan.evidence.path).intact


def with_a_third(pair: Pair, **keys: object) -> Estate:
    """Beside the pair a site that has nothing to do with it, and must stay as it is."""
    light = drilled(pair)
    declared = yaml.safe_load(light.plan.raw)
    declared["sites"]["third"] = {
        "kind": "processes",
        "path": str(pair.folder / "third"),
        "processes": {name: {"command": ["sleep", "600"]} for name in ("one", "two")},
    }
    path = light.plan.path
    path.write_text(yaml.safe_dump(declared))
    estate = Estate(read_plan(path, path.read_bytes(), {}), until_pid=os.getpid())
    estate = changed(estate, judge={"orders": ["rpo"]}, bystanders=["third"], **keys)
    save(calibration(), file_of(estate.state))
    return estate


def test_a_bystander_that_comes_to_harm_ends_the_drill_and_the_fault_is_undone(
    new_pair: Callable[..., Pair],
) -> None:
    """Long before the drill would have given up: it has a deadline of 40 s and nothing fails over."""
    pair = new_pair()
    estate = with_a_third(pair)
    third = Estate(estate.plan, until_pid=os.getpid()).site("third")
    third.up()
    confirm = preview(estate, "kill").confirm

    def tell(said: str) -> None:
        if said.startswith("Injected"):
            assert isinstance(third, KillingOne)
            assert third.kill_process("two").holds

    try:
        run = drill.run(estate, "kill", environment="test", confirm=confirm, tell=tell)
    finally:
        third.kill()
    assert run.verdict != "met"
    (check,) = [one for one in run.report["checks"] if one["name"] == "bystanders"]
    assert check["verdict"] == "missed"
    assert 'site "third" was not well for 3 s: ended there: two' in check["reason"]
    events = {line["event"]: line for line in ledger(run) if line["kind"] == "event"}
    assert "a bystander came to harm" in events["aborted"]["detail"]["reason"]
    assert events["undo"]["detail"]["undone"] == "reverted"
    assert (events["aborted"]["ns"] - events["fault_end"]["ns"]) / 1e9 < 20
    assert pair.dataset.writable("primary")
    assert verify(estate.plan.evidence.path).intact


def test_a_bystander_that_is_not_well_beforehand_lets_nothing_begin(new_pair: Callable[..., Pair]) -> None:
    pair = new_pair()
    estate = with_a_third(pair)
    before = dict(estate.site("primary").running())
    confirm = preview(estate, "kill").confirm
    with pytest.raises(GuardError, match='site "third": nothing runs there'):
        drill.run(estate, "kill", environment="test", confirm=confirm)
    assert (dict(estate.site("primary").running()), pair.dataset.writable("dr")) == (before, False)
