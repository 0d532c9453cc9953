"""Why a drill was not run is told beside it, of the right day, and not before it was known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rto_rpo.dossier.dossier import Dossier, beside_runs
from rto_rpo.dossier.shelf import read_shelf
from rto_rpo.evidence.lines.record import Note
from tests.rto_rpo.dossier.stories import NAME, Story, by, run_of
from tests.rto_rpo.report.runs import MET


def note(text: str, what: str = "deviation") -> Note:
    return Note.model_validate({"what": what, "by": by("Bo"), "text": text})


@pytest.fixture
def story(tmp_path: Path) -> Story:
    made = Story(tmp_path / "evidence")
    made.drill(run_of(MET, 1))
    made.drill(replace(run_of(MET, 2), drill="cut-sites"))
    return made


def told(story: Story) -> list[Dossier]:
    return list(beside_runs(read_shelf(story.root), NAME, []))


def whys(dossier: Dossier) -> dict[int, str | None]:
    return {one.due.day: one.why for one in dossier.not_run}


def test_a_reason_is_told_beside_what_was_not_run(story: Story) -> None:
    story.say(note("not run: 400 s late; more than 5m is not run"))
    story.say(note("not run: of another mind"))  # the first one is the reason
    story.drill(run_of(MET, 4))
    assert whys(told(story)[-1]) == {24: "400 s late; more than 5m is not run", 25: None}


@pytest.mark.parametrize("entry", [note("late, as ever"), note("not run: hearsay", "note")])
def test_other_words_are_no_reason(story: Story, entry: Note) -> None:
    story.say(entry)
    story.drill(run_of(MET, 4))
    assert whys(told(story)[-1]) == {24: None, 25: None}


def test_what_was_said_later_was_not_known_then(story: Story) -> None:
    story.drill(run_of(MET, 3))
    before = whys(told(story)[-1])
    story.say(note("not run: found out much later"))
    assert whys(told(story)[-1]) == before == {24: None}
