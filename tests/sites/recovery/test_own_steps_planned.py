"""The user's own steps and approvals in the planned changes, and where the sites have changed places."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime
from typing import Any

import pytest

from flows.recovery.runbook import document, rendered
from flows.recovery.switching import preview
from sites.estate import Estate
from sites.recovery import failback as planned
from sites.recovery.asking import Questions
from sites.recovery.own_steps import runbook_of
from sites.recovery.runbook import Run
from sites.recovery.standing import Standing
from tests.sites.recovery.light import light_estate
from tests.sites.recovery.test_failback import NewPair, _kept, _write, change, expect, lose, quiet

pytestmark = [pytest.mark.postgres, pytest.mark.campaign]


def touch(name: str, **place: list[str]) -> dict[str, Any]:
    return {"do": ["sh", "-c", f'echo "{name} $$BLACKSTART_FROM $$BLACKSTART_SITE" >> said'], **place}


OWN: dict[str, Any] = {
    "steps": {"tell": touch("tell", after=["fence primary"])},
    "switchover": {
        "steps": {
            "warn": touch("warn", before=["stop orders"]),
            "after": touch("after", after=["promote orders"], before=["rejoin orders at primary"]),
        },
        "approvals": {"go": {"ask": "Switch now?", "before": ["run warn"]}},
    },
    "failback": {
        "steps": {
            "look": touch("look", after=["protect orders at primary"], before=["stop orders"]),
            "first": touch("first", before=["rejoin orders at primary"]),
            "last": touch("last", after=["unfence dr"]),
            "quiet": touch("quiet", after=["run look"]),
        },
    },
}


def said(estate: Estate) -> list[str]:
    path = estate.plan.folder / "said"
    return path.read_text().splitlines() if path.exists() else []


def switched(estate: Estate, decision: Any) -> Run:
    """Switch over in a thread, and answer what it asks."""
    ended: list[Run] = []
    resume = Standing(estate.state).under_way is not None
    thread = threading.Thread(target=lambda: ended.append(change(estate, "switchover", resume=resume)))
    thread.start()
    while not [each for each in Questions(estate.state).open() if each.name == "approve go"]:
        assert not ended, ended
        thread.join(0.01)
    Questions(estate.state).answer("approve go", decision, "ann", "root", None)
    thread.join(60)
    return ended[0]


def test_they_run_where_they_stand_and_an_approval_is_waited_for(new_pair: NewPair) -> None:
    estate = light_estate(new_pair(synchronous=True), **OWN)
    asyncio.run(_write(estate, "primary", 1))
    refused = switched(estate, "refused")
    assert "stop orders" in refused.blocked
    assert estate.postgres("orders").writable("primary") is True
    assert said(estate) == []
    assert switched(estate, "approved").complete
    assert said(estate) == ["warn primary dr", "after primary dr"]
    expect(estate, serving="dr", standby="primary")
    steps = {step.name: step for step in runbook_of(estate, quiet)}
    assert steps["run tell"].needs == ("fence dr",), "the sites have changed places"
    assert change(estate, "failback").complete
    assert said(estate)[2:4] == ["first dr primary", "look dr primary"]
    assert sorted(said(estate)[4:]) == ["last dr primary", "quiet dr primary"]
    expect(estate, serving="primary", standby="dr")
    assert asyncio.run(_kept(estate, "primary")) == {1}


def test_what_is_read_beforehand_has_them(new_pair: NewPair) -> None:
    estate = light_estate(new_pair(synchronous=True), **OWN)
    shown = [step.step for step in preview(estate, "switchover")]
    assert shown.index("approve go") < shown.index("run warn") < shown.index("stop orders")
    assert shown.index("promote orders") < shown.index("run after") < shown.index("rejoin orders at primary")
    back = [step.step for step in preview(estate, "failback")]
    assert back[0] == "run first"
    assert back.index("protect orders at primary") < back.index("run look") < back.index("stop orders")
    book = document(estate, datetime(2026, 1, 1, tzinfo=UTC))
    told = rendered(book, "md").decode()
    assert {"approve go", "run warn", "run look", "run tell"} <= {
        step.name for chapter in book.chapters for step in chapter.steps
    }
    assert "Switch now?" in told
    assert estate.plan.sha256[:12] in told


def test_a_failover_home_leaves_out_what_has_no_place_in_protecting_again(new_pair: NewPair) -> None:
    estate = light_estate(new_pair(synchronous=True), **OWN)
    standing = Standing(estate.state)
    lose(estate)  # a fence stands: else it would be as in normal times
    standing.path.unlink()
    for act in ("switchover", "failover"):
        standing.begin(act)  # type: ignore[arg-type]
        standing.end(act)  # type: ignore[arg-type]
    assert standing.now == "failed over home"
    names = [step.name for step in planned.failback(estate, quiet).steps]
    assert "run first" in names
    assert "run look" not in names
