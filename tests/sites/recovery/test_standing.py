"""Where a plan stands: every act in every state, and what outlives a crash."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from sites.errors import RunbookError
from sites.recovery.fence import Fences
from sites.recovery.standing import TRANSITIONS, Act, Standing, State


def standing_at(folder: Path, stands: State) -> Standing:
    """Come there on a legal way."""
    Fences(folder).raise_("primary", "failover")
    standing = Standing(folder)
    ways: dict[State, tuple[tuple[Act, bool], ...]] = {
        "serving at home": (),
        "failing over": (("failover", False),),
        "failed over": (("failover", True),),
        "switching over": (("switchover", False),),
        "switched over": (("switchover", True),),
        "failing back": (("failover", True), ("failback", False)),
        "failing over home": (("switchover", True), ("failover", False)),
        "failed over home": (("switchover", True), ("failover", True)),
        "failing back home": (("switchover", True), ("failover", True), ("failback", False)),
    }
    for act, ended in ways[stands]:
        standing.begin(act)
        if ended:
            standing.end(act)
    assert Standing(folder).now == stands
    return standing


def _again(folder: Path) -> Path:
    Standing(folder).path.unlink()
    return folder


@pytest.mark.parametrize("stands", get_args(State))
@pytest.mark.parametrize("act", get_args(Act))
def test_an_act_begins_only_where_the_table_says_so(tmp_path: Path, stands: State, act: Act) -> None:
    standing = standing_at(tmp_path, stands)
    legal = [each for each in TRANSITIONS if each.act == act and stands in (each.stands, each.meanwhile)]
    for each in legal:
        standing.begin(act, home=each.home)
        going_on = stands == each.meanwhile
        assert standing.now == each.meanwhile
        standing.end(act)
        assert standing.now == each.then
        standing = standing_at(_again(tmp_path), stands) if not going_on else standing
        if going_on:
            break
    if not legal:
        with pytest.raises(RunbookError, match=f'cannot begin a {act}: the plan stands at "{stands}"'):
            standing.begin(act)
        with pytest.raises(RunbookError, match=f"no {act} is under way"):
            standing.end(act)
        assert standing.now == stands


def test_what_is_abandoned_stands_where_it_stood(tmp_path: Path) -> None:
    standing = standing_at(tmp_path, "failed over")
    standing.begin("failback")
    standing.abandon("failback")
    assert standing.now == "failed over"
    with pytest.raises(RunbookError, match="no failback is under way"):
        standing.abandon("failback")


def test_who_lifts_the_fence_by_hand_says_that_all_is_as_before(tmp_path: Path) -> None:
    standing = standing_at(tmp_path, "failed over")
    Fences(tmp_path).lift("primary")
    standing.begin("failover")
    assert standing.now == "failing over"


@pytest.mark.parametrize("content", ["", "[]", '{"stands": "asleep", "before": "asleep"}', '{"stands": 1}'])
def test_a_file_that_makes_no_sense_is_refused_with_a_way_out(tmp_path: Path, content: str) -> None:
    standing = Standing(tmp_path)
    standing.path.parent.mkdir()
    standing.path.write_text(content)
    with pytest.raises(RunbookError, match=f"{standing.path} does not say where the plan stands"):
        standing.begin("failover")


def test_the_document_has_the_same_table() -> None:
    document = (Path(__file__).parents[3] / "docs/failover.md").read_text()
    table = document.partition("| stands at | act | meanwhile | then |\n")[2].partition("\n\n")[0]
    rows = [tuple(row) for row in re.findall(r"^\| (.+) \| (.+) \| (.+) \| (.+) \|$", table, re.MULTILINE)]
    assert rows == [(each.stands, each.act, each.meanwhile, each.then) for each in TRANSITIONS]
