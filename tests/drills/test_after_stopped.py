"""A stop lever pulled amid the failback of a drill: in time nothing is moved, too late nothing is broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from drills import after
from drills.lever import Lever
from sites.fences import Fences
from sites.recovery.failback import Tables
from sites.recovery.runbook import Detail, Step
from sites.recovery.standing import Standing
from tests.drills.test_guard import an_estate

STEPS = ("rejoin orders", "protect orders", "fence dr", "promote orders")


@pytest.mark.parametrize(
    ("pulled_in", "done", "verdict"),
    [
        ("rejoin orders", STEPS[:1], "inconclusive"),
        ("protect orders", STEPS[:2], "inconclusive"),
        ("fence dr", STEPS, "met"),
    ],
)
def test_a_failback_is_stopped_before_it_moves_the_service_and_not_amid_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pulled_in: str, done: tuple[str, ...], verdict: str
) -> None:
    estate = an_estate(tmp_path)
    did: list[str] = []

    def step(name: str, *needs: str) -> Step:
        def do(_limit_seconds: float) -> Detail:
            did.append(name)
            if name == pulled_in:
                Lever(estate.state).pull("enough")
            return {}

        return Step(name, name, do, lambda: False, 5.0, name, needs)

    first = [step(STEPS[0]), step(STEPS[1], STEPS[0])]
    then = [step(STEPS[2]), step(STEPS[3], STEPS[2])]
    Standing(estate.state).begin("failover")
    Standing(estate.state).end("failover")
    Fences(estate.state).raise_("primary", "failover")
    monkeypatch.setattr(after.failback, "failback", lambda *_: Tables("failback", first, then))
    monkeypatch.setattr(after.failback, "check_writer", lambda *_: None)
    monkeypatch.setattr(estate, "replicated", dict)
    found, why = after.fail_back(estate, estate.plan.drills["kill-primary"], lambda _: None)
    assert (tuple(did), found) == (done, verdict), why
    if verdict == "inconclusive":
        assert "the stop lever was pulled: enough" in why
        assert "`blackstart failback --resume` goes on" in why
