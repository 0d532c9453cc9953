"""The user's own steps and approvals: where they stand, what they run, and what their exit codes mean."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from sites.errors import CommandError, GateRefused, PlanError
from sites.estate import Estate
from sites.plan import OwnSteps, read_plan
from sites.recovery.asking import Questions
from sites.recovery.direction import Direction
from sites.recovery.own_steps import Weaving, runbook_of
from sites.recovery.runbook import Step, in_order

PLAN: dict[str, Any] = {
    "name": "light",
    "environment": "test",
    "sites": {
        name: {"kind": "processes", "path": name, "processes": {"web": {"command": ["sleep", "60"]}}}
        for name in ("here", "there")
    },
    "services": {"web": {"process": "web"}, "shop": {"needs": ["web"], "process": "web"}},
    "failover": {"from": "here", "to": "there", "decide": "automatic"},
}


def steps_of(folder: Path, **failover: Any) -> dict[str, Step]:
    seen: list[tuple[str, object]] = []
    declared = {**PLAN, "failover": {**PLAN["failover"], **failover}}
    path = folder / "plan.yaml"
    estate = Estate(read_plan(path, yaml.safe_dump(declared).encode(), {}))
    return {step.name: step for step in in_order(runbook_of(estate, lambda *what: seen.append(what)))}


def own(folder: Path, **keys: Any) -> Step:
    return steps_of(folder, steps={"x": {"after": ["fence here"], "do": ["true"], **keys}})["run x"]


def test_they_stand_after_and_before_what_the_plan_says(tmp_path: Path) -> None:
    steps = steps_of(
        tmp_path,
        steps={"tell": {"before": ["fence here"], "do": ["true"]}},
        approvals={"go": {"after": ["start web"], "before": ["start shop"], "ask": "Go?"}},
    )
    assert list(steps) == ["run tell", "fence here", "start web", "approve go", "start shop"]
    assert steps["fence here"].needs == ("run tell",)


@pytest.mark.parametrize(
    ("failover", "said"),
    [
        ({"steps": {"x": {"do": ["true"]}}}, '"run x" of the failover has no place'),
        ({"steps": {"x": {"do": ["true"], "after": ["fence her"]}}}, 'no step is named "fence her"'),
        ({"approvals": {"x": {"ask": "?", "before": ["run y"]}}}, 'no step is named "run y"'),
    ],
)
def test_a_step_without_a_place_is_refused(tmp_path: Path, failover: dict[str, Any], said: str) -> None:
    with pytest.raises(PlanError, match=said):
        steps_of(tmp_path, **failover)


def test_its_command_finds_both_sites_and_its_secrets(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("hunter2")
    (tmp_path / "token").chmod(0o600)
    script = 'echo "$$BLACKSTART_FROM $$BLACKSTART_SITE $$TOKEN" > said'
    step = own(tmp_path, do=["sh", "-c", script], env={"TOKEN": {"file": "token"}})
    step.do(5.0)
    assert (tmp_path / "said").read_text() == "here there hunter2\n"
    assert "hunter2" not in step.by_hand


def test_a_command_that_fails_fails_the_step(tmp_path: Path) -> None:
    with pytest.raises(CommandError):
        own(tmp_path, do=["false"]).do(5.0)


def test_done_is_a_question_with_two_answers(tmp_path: Path) -> None:
    assert own(tmp_path, done=["true"]).done()
    assert not own(tmp_path, done=["false"]).done()
    assert not own(tmp_path).done()
    with pytest.raises(CommandError):
        own(tmp_path, done=["sh", "-c", "exit 2"]).done()


def test_what_has_no_undo_cannot_be_taken_back(tmp_path: Path) -> None:
    assert own(tmp_path).undo is None
    undo = own(tmp_path, undo=["touch", "undone"]).undo
    assert undo is not None
    undo(5.0)
    assert (tmp_path / "undone").exists()


def test_a_person_reads_how_to_do_it_by_hand(tmp_path: Path) -> None:
    told = f"(cd {tmp_path} && BLACKSTART_SITE=there BLACKSTART_FROM=here true)"
    assert own(tmp_path).by_hand == told
    assert own(tmp_path, by_hand="call the bank").by_hand == "call the bank"


@pytest.mark.parametrize("decision", ["approved", "refused"])
def test_an_approval_waits_for_its_answer(tmp_path: Path, decision: Any) -> None:
    approvals = {"go": {"after": ["fence here"], "ask": "Go?"}}
    step = steps_of(tmp_path, approvals=approvals)["approve go"]
    questions = Questions(tmp_path / ".blackstart")
    ended: list[object] = []

    def act() -> None:
        try:
            ended.append(step.do(60.0)["by"])
        except GateRefused as error:
            ended.append(str(error))

    waiting = threading.Thread(target=act)
    waiting.start()
    while not questions.open():
        waiting.join(0.01)
    assert not ended
    questions.answer("approve go", decision, "ann", "root", None)
    waiting.join(20)
    assert ended == (["ann"] if decision == "approved" else ['"Go?": refused by ann'])


def test_an_approval_that_lapses_is_a_no(tmp_path: Path) -> None:
    approvals = {"go": {"after": ["fence here"], "ask": "Go?", "limit": "1ms"}}
    with pytest.raises(GateRefused, match="lapsed by nobody"):
        steps_of(tmp_path, approvals=approvals)["approve go"].do(60.0)


def in_tables(folder: Path, *, in_part: bool = False, **own: Any) -> list[list[str]]:
    """How a failback of two small tables looks with them."""
    estate = Estate(read_plan(folder / "plan.yaml", yaml.safe_dump(PLAN).encode(), {}))

    def table(*names: str) -> list[Step]:
        made = [Step(name, "", lambda _: {}, lambda: True, 1.0, "") for name in names]
        return [replace(step, needs=names[:at]) for at, step in enumerate(made)]

    way = Direction("there", "here", home=True)
    weaving = Weaving(estate, "failback", OwnSteps.model_validate(own), way, lambda *_: None, in_part=in_part)
    both = weaving.woven(table("rejoin db at here", "protect db at here"), table("drain web", "fence there"))
    return [[step.name for step in in_order(steps)] for steps in both]


def test_in_two_tables_each_stands_in_the_one_that_it_belongs_to(tmp_path: Path) -> None:
    do = {"do": ["true"]}
    steps = {
        "a": {**do, "before": ["rejoin db at here"]},
        "b": {**do, "after": ["protect db at here"], "before": ["drain web"]},
        "c": {**do, "after": ["run b", "drain web"]},
        "d": {**do, "before": ["run c"]},
    }
    first, then = in_tables(tmp_path, steps=steps, approvals={"go": {"ask": "?", "before": ["drain web"]}})
    assert first == ["run a", "rejoin db at here", "protect db at here", "run b"]
    assert set(then[:2]) == {"approve go", "run d"}
    assert then.index("drain web") < then.index("run c")


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ({}, '"run x" of the failback has no place'),
        ({"after": ["drain nobody"]}, 'of the failback: no step is named "drain nobody"'),
        (
            {"after": ["drain web"], "before": ["rejoin db at here"]},
            '"run x" of the failback would come after all of what it is to be before',
        ),
    ],
)
def test_a_step_without_a_place_in_a_planned_change_is_refused(
    tmp_path: Path, step: dict[str, Any], said: str
) -> None:
    with pytest.raises(PlanError, match=said):
        in_tables(tmp_path, steps={"x": {"do": ["true"], **step}})


def test_where_an_act_is_not_whole_what_has_no_neighbour_is_left_out(tmp_path: Path) -> None:
    steps = {"x": {"do": ["true"], "after": ["drain nobody"]}, "y": {"do": ["true"], "after": ["drain web"]}}
    _, then = in_tables(tmp_path, in_part=True, steps=steps)
    assert "run y" in then
    assert "run x" not in then


def test_where_sites_have_changed_places_so_have_their_names(tmp_path: Path) -> None:
    first, _ = in_tables(tmp_path, steps={"x": {"do": ["true"], "after": ["rejoin db at there"]}})
    assert first.index("rejoin db at here") < first.index("run x")
