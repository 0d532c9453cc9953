"""The intent to undo is on disk before the damage, whole, and works by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from drills.undo import Undo, UndoIntents
from sites.errors import BlackstartError


def intent(run: str, utc: str = "2026-11-22T06:00:00.000000+00:00") -> Undo:
    return Undo(
        run=run,
        drill="kill-primary",
        utc=utc,
        fault={"kind": "kill_site", "site": "primary"},
        undo="start what ran at site primary",
        targets=["postgres", "gateway"],
        plan_path="/desk/plan.yaml",
        plan_text="name: desk\n",
        variables={"PORT": "5432"},
    )


def test_an_intent_is_read_back_whole(tmp_path: Path) -> None:
    UndoIntents(tmp_path).write(intent("a"))
    assert UndoIntents(tmp_path).pending() == [intent("a")]


def test_nothing_is_pending_where_nothing_was_written(tmp_path: Path) -> None:
    assert UndoIntents(tmp_path).pending() == []


def test_the_oldest_comes_first(tmp_path: Path) -> None:
    intents = UndoIntents(tmp_path)
    intents.write(intent("a", "2026-11-22T07:00:00.000000+00:00"))
    intents.write(intent("b", "2026-11-22T06:00:00.000000+00:00"))
    assert [undo.run for undo in intents.pending()] == ["b", "a"]


def test_what_is_carried_out_is_forgotten(tmp_path: Path) -> None:
    intents = UndoIntents(tmp_path)
    intents.write(intent("a"))
    intents.remove(intent("a"))
    assert intents.pending() == []
    intents.remove(intent("a"))


def test_a_crash_between_write_and_rename_leaves_no_intent(tmp_path: Path) -> None:
    intents = UndoIntents(tmp_path)
    intents.write(intent("a"))
    (tmp_path / "undo" / "b.json.new").write_text('{"run": "b"')
    assert [undo.run for undo in intents.pending()] == ["a"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"run": "a"}', '{"schema": "blackstart/undo/9"}'])
def test_a_file_that_is_no_intent_is_named(tmp_path: Path, content: str) -> None:
    UndoIntents(tmp_path).write(intent("a"))
    (tmp_path / "undo" / "a.json").write_text(content)
    with pytest.raises(BlackstartError, match=r"cannot read undo intent .*a\.json"):
        UndoIntents(tmp_path).pending()
