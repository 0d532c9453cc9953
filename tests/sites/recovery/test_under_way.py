"""An act, its journal and where the plan stands: whatever a crash parts of them, the next one can tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from sites.errors import GuardError, RunbookError
from sites.recovery.fence import Fences
from sites.recovery.standing import Act, Standing
from sites.recovery.under_way import UnderWay, cut_off, journal_of, under_way


def step(begun: UnderWay, name: str = "fence primary") -> None:
    begun.journal.started(name)
    begun.journal.done(name, {})


def whole(state: Path, act: Act) -> None:
    with under_way(state, act) as begun:
        step(begun)
        begun.end()


def test_an_act_that_ended_leaves_nothing_under_way(tmp_path: Path) -> None:
    whole(tmp_path, "switchover")
    assert Standing(tmp_path).now == "switched over"
    assert cut_off(tmp_path) is None
    with journal_of(tmp_path) as journal:
        assert journal.states == {}


def test_a_switchover_does_not_follow_on_a_switchover_but_a_failover_home_does(tmp_path: Path) -> None:
    whole(tmp_path, "switchover")
    with (
        pytest.raises(RunbookError, match='cannot begin a switchover: the plan stands at "switched over"'),
        under_way(tmp_path, "switchover"),
    ):
        raise AssertionError
    Fences(tmp_path).raise_("dr", "failover")
    whole(tmp_path, "failover")
    assert Standing(tmp_path).now == "failed over home"
    whole(tmp_path, "failback")
    assert Standing(tmp_path).now == "serving at home"


def test_a_site_lost_amid_its_switchover_is_failed_over_from(tmp_path: Path) -> None:
    with under_way(tmp_path, "switchover") as begun:
        step(begun, "drain web")
        begun.journal.started("stop orders")
    assert cut_off(tmp_path) == "switchover"
    Fences(tmp_path).raise_("primary", "failover")
    with under_way(tmp_path, "failover") as begun:
        assert begun.journal.states == {}, "the switchover's journal is kept apart"
        step(begun)
        begun.end()
    assert Standing(tmp_path).now == "failed over"
    assert len(list(begun.journal.path.parent.glob("20*.jsonl"))) == 2


def test_cut_off_before_its_first_step_it_is_resumed(tmp_path: Path) -> None:
    with under_way(tmp_path, "failback" if Standing(tmp_path).now != "serving at home" else "failover"):
        pass
    assert cut_off(tmp_path) == "failover"
    with (
        pytest.raises(RunbookError, match="an earlier failover was cut off"),
        under_way(tmp_path, "failover"),
    ):
        raise AssertionError
    with under_way(tmp_path, "failover", resume=True) as begun:
        begun.end()


def test_cut_off_between_two_steps_nothing_else_begins(tmp_path: Path) -> None:
    with under_way(tmp_path, "switchover") as begun:
        step(begun)
    for act in ("switchover", "failback"):
        with pytest.raises(RunbookError), under_way(tmp_path, act):  # type: ignore[arg-type]
            raise AssertionError
    with pytest.raises(RunbookError, match="there is no failover to resume") as caught:
        under_way(tmp_path, "failover", resume=True).__enter__()
    assert caught.value.hint == "`blackstart switchover --resume`"


def test_what_ended_and_was_not_put_away_is_put_away_by_the_next(tmp_path: Path) -> None:
    with under_way(tmp_path, "switchover") as begun:
        step(begun)
        begun.standing.end("switchover")  # and dies
    assert cut_off(tmp_path) is None
    with under_way(tmp_path, "failback") as begun:
        assert begun.journal.states == {}


def test_a_journal_that_nothing_explains_is_looked_at_by_a_person(tmp_path: Path) -> None:
    with journal_of(tmp_path) as journal:
        journal.started("fence primary")
    for act in (lambda: cut_off(tmp_path), lambda: under_way(tmp_path, "failover").__enter__()):
        with pytest.raises(RunbookError, match="but nothing is under way"):
            act()
    journal_of(tmp_path).close()  # the lock was given back


def test_who_is_not_ready_changes_nothing(tmp_path: Path) -> None:
    def refuse() -> None:
        raise GuardError("not now")

    with pytest.raises(GuardError), under_way(tmp_path, "switchover", ready=refuse):
        raise AssertionError
    assert Standing(tmp_path).now == "serving at home"
    journal_of(tmp_path).close()


def test_only_one_at_a_time(tmp_path: Path) -> None:
    with (
        under_way(tmp_path, "failover"),
        pytest.raises(RunbookError, match="another process holds its journal"),
        under_way(tmp_path, "failover", resume=True),
    ):
        raise AssertionError
