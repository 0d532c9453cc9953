"""The engine killed at every boundary of every step, and resumed: nothing is lost, nothing done twice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sites.errors import RunbookError
from sites.recovery.injection import MOMENTS
from sites.recovery.journal import Journal
from sites.recovery.runbook import Engine, Step
from tests.sites.recovery import small_runbook

STEPS = len(small_runbook.NEEDS)
POINTS = STEPS * len(MOMENTS)


def killed_at(folder: Path, point: int) -> int:
    """Run the small runbook in a process of its own; the exit code, -9 when it was killed."""
    program = [sys.executable, "-m", "tests.sites.recovery.small_runbook", str(folder), str(point)]
    return subprocess.run(program, check=False).returncode


def expect_whole(folder: Path) -> None:
    acts = (folder / "acts").read_text().split()
    assert sorted(acts) == sorted(small_runbook.NEEDS), "each step was done once"
    assert acts.index("fence") < acts.index("promote") < acts.index("start")
    assert not (folder / "journal.jsonl").exists()


@pytest.mark.parametrize("point", range(1, POINTS + 1, 3))
def test_killed_at_any_boundary_it_is_resumed_and_ends_whole(tmp_path: Path, point: int) -> None:
    assert killed_at(tmp_path, point) == -9
    assert killed_at(tmp_path, 0) == 0
    expect_whole(tmp_path)


@pytest.mark.campaign
def test_killed_at_every_boundary_and_again_while_it_resumes(tmp_path: Path) -> None:
    rounds = 0
    for first in range(1, POINTS + 1):
        for second in range(1, POINTS + 1):
            folder = tmp_path / f"{first}-{second}"
            folder.mkdir()
            assert killed_at(folder, first) == -9
            killed_at(folder, second)  # it may end before it comes to that point
            assert killed_at(folder, 0) in (0, small_runbook.NOTHING_TO_DO)
            expect_whole(folder)
            rounds += 1
    print(f"proof: {rounds} runbooks killed twice, at every pair of boundaries, each resumed to its end")  # noqa: T201


def test_points_beyond_the_last_one_kill_nobody(tmp_path: Path) -> None:
    assert killed_at(tmp_path, POINTS + 1) == 0


class Taken:
    """Steps that leave a mark in a set and can take it back."""

    def __init__(self) -> None:
        self.marks: set[str] = set()

    def step(self, name: str, *needs: str, undo: bool = True, fails: bool = False) -> Step:
        def do(_limit_seconds: float) -> dict[str, object]:
            self.marks.add(name)
            if fails:
                raise RunbookError(f"{name} cannot be done")
            return {}

        def take_back(_limit_seconds: float) -> dict[str, object]:
            self.marks.discard(name)
            return {}

        return Step(
            name, name, do, lambda: name in self.marks, 5.0, name, needs, undo=take_back if undo else None
        )


def test_what_was_begun_is_taken_back_the_last_first(tmp_path: Path) -> None:
    world = Taken()
    steps = [
        world.step("fence"),
        world.step("ask", "fence", fails=True),
        world.step("start", "ask", undo=False),
    ]
    with Journal(tmp_path / "j") as journal:
        engine = Engine(steps, journal, lambda *_: None)
        assert engine.run().blocked == ("start",)
        assert engine.undo() == ("ask", "fence")
        assert world.marks == set()
        assert not journal.unfinished
        assert engine.undo() == ()


def test_past_the_point_of_no_return_nothing_is_taken_back(tmp_path: Path) -> None:
    world = Taken()
    steps = [world.step("fence"), world.step("promote", "fence", undo=False, fails=True)]
    with Journal(tmp_path / "j") as journal:
        engine = Engine(steps, journal, lambda *_: None)
        engine.run()
        with pytest.raises(RunbookError, match='step "promote" was begun, and has no undo'):
            engine.undo()
    assert world.marks == {"fence", "promote"}


def test_what_is_half_taken_back_does_not_start_again(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        journal.started("fence")
        journal.undoing("fence")
        with pytest.raises(RunbookError, match="cannot become started: it is undoing"):
            journal.started("fence")
