"""Proofs of a whole site: a provider's power-off that works, lies or hangs; and a person's word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from sites.errors import CommandError, FenceError
from sites.estate import Estate
from sites.fences import Fences
from sites.plan import read_plan
from sites.recovery.asking import Answer
from sites.recovery.whole_site import fence_limit_seconds, fence_proofs, typed_for, wholes_of

PLAN: dict[str, Any] = {
    "name": "light",
    "environment": "test",
    "sites": {name: {"kind": "processes", "path": name} for name in ("here", "there")},
    "failover": {"from": "here", "to": "there", "decide": "approval"},
}
SHELL = ["sh", "-c"]


def nobody(name: str, says: str, typed: str | None = None) -> Answer:
    raise AssertionError(f"nobody should have been asked: {name}, {says}, {typed}")


def estate(folder: Path, **failover: Any) -> Estate:
    declared = {**PLAN, "failover": {**PLAN["failover"], **failover}}
    return Estate(read_plan(folder / "plan.yaml", yaml.safe_dump(declared).encode(), {}))


def power_off(folder: Path, command: str, confirm: str, limit: str = "5s") -> Any:
    declared = {"command": [*SHELL, command], "confirm": [*SHELL, confirm], "limit": limit}
    here = estate(folder, power_off=declared)
    (whole,) = wholes_of(here, "here", Fences(folder), nobody)
    return whole


def test_off_and_confirmed_is_proof(tmp_path: Path) -> None:
    whole = power_off(tmp_path, 'echo "$$BLACKSTART_SITE" > off', "test -e off")
    assert not whole.holds().holds, "it only looks"
    assert whole.raise_().holds
    assert (tmp_path / "off").read_text() == "here\n"
    assert whole.holds().holds


def test_a_confirmation_that_takes_its_time_is_waited_for(tmp_path: Path) -> None:
    count = 'echo x >> asked; test "$$(wc -l < asked)" -ge 3'
    assert power_off(tmp_path, "true", count).raise_().holds


def test_what_is_never_confirmed_is_no_proof(tmp_path: Path) -> None:
    assert not power_off(tmp_path, "true", "false", limit="1s").raise_().holds


@pytest.mark.parametrize(("command", "confirm"), [("false", "true"), ("true", "exit 2")])
def test_a_provider_that_fails_proves_nothing(tmp_path: Path, command: str, confirm: str) -> None:
    with pytest.raises(CommandError):
        power_off(tmp_path, command, confirm).raise_()


def test_a_person_who_types_it_is_proof_and_is_named(tmp_path: Path) -> None:
    asked: list[str] = []

    def ask(name: str, says: str, typed: str | None = None) -> Answer:
        asked.append(name)
        assert "here" in says
        return Answer("approved", "ann", "root", typed)

    fences = Fences(tmp_path)
    fences.raise_("here", "failover")
    (whole,) = wholes_of(estate(tmp_path, fence="operator"), "here", fences, ask)
    assert not whole.holds().holds
    proof = whole.raise_()
    assert proof.detail == {"operator": {"by": "ann", "account": "root", "typed": typed_for("here")}}
    fences.note("here", proof)
    assert whole.holds().holds, "who resumes does not ask again"
    assert asked == ["fence here"]


def test_a_person_who_does_not_is_none(tmp_path: Path) -> None:
    (whole,) = wholes_of(
        estate(tmp_path, fence="operator"), "here", Fences(tmp_path), lambda *_: Answer("lapsed")
    )
    with pytest.raises(FenceError, match="nobody did not confirm"):
        whole.raise_()


def test_the_proofs_that_a_plan_can_have_are_told(tmp_path: Path) -> None:
    declared = {"command": ["true"], "confirm": ["true"]}
    assert fence_proofs(estate(tmp_path)) == []
    told = fence_proofs(estate(tmp_path, power_off=declared, fence="operator"))
    assert [each.split()[1] for each in told] == ["provider's", "person"]


def test_a_fence_may_take_as_long_as_what_is_declared_for_it(tmp_path: Path) -> None:
    """Else a runbook for people promises a site that is off within half a minute."""

    def limit(**declared: object) -> float:
        failover = estate(tmp_path, **declared).plan.failover
        assert failover is not None
        return fence_limit_seconds(failover, "here")

    alone = limit()
    off = {"command": ["true"], "confirm": ["true"], "limit": "5m"}
    assert limit(power_off=off) >= alone + 300
    assert limit(fence="operator", decide_by="15m") == alone + 900
