"""What is due at a milestone comes with it, once; and a verdict knows when it did not."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from drills.recording import Recording
from drills.response import Response
from sites.capability import Proof
from tests.drills.test_guard import an_estate


class Told:
    """Keeps every event that it is told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []

    def event(self, name: str, *, source: str = "drill", detail: dict[str, Any]) -> None:
        assert source
        self.events.append((name, detail))

    def checks(self) -> dict[str, str]:
        return {told["name"]: told["verdict"] for name, told in self.events if name == "check"}


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def response(tmp_path: Path, told: Told) -> Response:
    (tmp_path / "secrets").mkdir()
    for name in ("blackstart", "replicator", "restic"):
        (tmp_path / "secrets" / name).write_text("secret")
        (tmp_path / "secrets" / name).chmod(0o600)
    return Response(an_estate(tmp_path), cast(Recording, told))


@pytest.mark.parametrize("holds", [True, False])
def test_a_second_blow_comes_with_its_milestone_and_is_told(
    response: Response, told: Told, holds: bool
) -> None:
    struck: list[str] = []

    def act() -> Proof:
        struck.append(told.events[-1][0])
        return Proof(holds, "as it went")

    response.strike_at("promoted", act)
    for milestone in ("fenced", "promoted", "promoted"):
        response._observe(milestone, {})
    assert struck == ["promoted"], "not before its milestone is in the ledger, and once"
    (note,) = [detail for name, detail in told.events if name == "note"]
    assert (note["about"], note["milestone"], note["holds"]) == ("second fault", "promoted", holds)
    response.conclude()
    assert told.checks().get("second fault") == (None if holds else "inconclusive")


def test_a_milestone_that_never_came_is_inconclusive(response: Response, told: Told) -> None:
    response.strike_at("promoted", lambda: Proof(True, "struck"))
    response._observe("fenced", {})
    response.conclude()
    assert told.checks()["second fault"] == "inconclusive"


def test_a_drill_that_was_stopped_strikes_no_more(response: Response, told: Told) -> None:
    """The failover that it lets end comes to its milestones all the same."""
    response.strike_at("promoted", lambda: pytest.fail("there is nobody left to undo it"))
    response._observe("fenced", {})
    response.stop(1.0)
    response._observe("promoted", {})
    assert [name for name, _ in told.events] == ["fenced", "promoted"]
    response.conclude(broken_off=True)
    assert told.checks()["second fault"] == "inconclusive"


def test_where_nothing_is_due_nothing_is_said_of_it(response: Response, told: Told) -> None:
    response._observe("promoted", {})
    response.conclude()
    assert "second fault" not in told.checks()


@pytest.mark.parametrize(("broken_off", "verdict"), [(False, "missed"), (True, "inconclusive")])
def test_no_outage_declared_says_nothing_where_the_drill_was_broken_off(
    response: Response, told: Told, *, broken_off: bool, verdict: str
) -> None:
    response.conclude(broken_off=broken_off)
    assert told.checks()["runbook"] == verdict
