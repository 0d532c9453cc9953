"""The engine: order, parallel steps, failures that block only what needs them, and resuming."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from sites.errors import RunbookError
from sites.recovery.journal import Journal
from sites.recovery.runbook import Engine, Run, Step, in_order


class World:
    """What the steps change: a set of things done, and the order in which that happened."""

    def __init__(self) -> None:
        self.acts: list[str] = []

    def step(self, name: str, *needs: str, fails: bool = False, milestone: str | None = None) -> Step:
        def do(_limit_seconds: float) -> dict[str, object]:
            if fails:
                raise RunbookError(f"{name} cannot be done")
            self.acts.append(name)
            return {"did": name}

        return Step(name, name, do, lambda: name in self.acts, 5.0, f"do {name}", needs, milestone)


def run(steps: list[Step], folder: Path) -> tuple[Run, list[str]]:
    seen: list[str] = []
    with Journal(folder / "journal.jsonl") as journal:
        return Engine(steps, journal, lambda event, _detail: seen.append(event)).run(), seen


def test_steps_run_after_what_they_need(tmp_path: Path) -> None:
    world = World()
    steps = [world.step("start", "promote"), world.step("promote", "fence"), world.step("fence")]
    result, _ = run(steps, tmp_path)
    assert world.acts == ["fence", "promote", "start"]
    assert result.complete


def test_independent_steps_run_side_by_side(tmp_path: Path) -> None:
    both = threading.Barrier(2, timeout=10)

    def meet(_limit_seconds: float) -> dict[str, object]:
        both.wait()  # breaks unless the other step runs at the same time
        return {}

    steps = [Step(name, name, meet, lambda: False, 5.0, name) for name in ("a", "b")]
    result, _ = run(steps, tmp_path)
    assert sorted(result.completed) == ["a", "b"]


def test_a_failure_blocks_what_needs_it_and_nothing_else(tmp_path: Path) -> None:
    world = World()
    steps = [
        world.step("fence"),
        world.step("promote", "fence", fails=True),
        world.step("start", "promote"),
        world.step("restore", "fence"),
    ]
    result, _ = run(steps, tmp_path)
    assert set(result.completed) == {"fence", "restore"}
    assert set(result.failed) == {"promote"}
    assert result.blocked == ("start",)
    assert not result.complete


def test_milestones_are_observed_with_their_step(tmp_path: Path) -> None:
    world = World()
    steps = [world.step("fence primary", milestone="fenced"), world.step("note", "fence primary")]
    _, seen = run(steps, tmp_path)
    assert seen == ["fenced"]


def test_what_is_done_in_the_world_is_skipped_on_resuming(tmp_path: Path) -> None:
    world = World()
    steps = [world.step("fence"), world.step("promote", "fence", fails=True)]
    run(steps, tmp_path)
    steps = [world.step("fence"), world.step("promote", "fence")]
    result, _ = run(steps, tmp_path)
    assert world.acts == ["fence", "promote"]
    assert result.skipped == ("fence",)


def test_a_step_that_breaks_is_a_failure_with_its_name(tmp_path: Path) -> None:
    def broken(_limit_seconds: float) -> dict[str, object]:
        raise ZeroDivisionError("by zero")

    result, _ = run([Step("x", "x", broken, lambda: False, 1.0, "x")], tmp_path)
    assert 'step "x" broke: ZeroDivisionError' in str(result.failed["x"])


@pytest.mark.parametrize(
    ("needs", "said"),
    [({"a": ("b",), "b": ("a",)}, "in a circle"), ({"a": ("ghost",)}, "which is no step")],
)
def test_an_impossible_order_is_refused(needs: dict[str, tuple[str, ...]], said: str) -> None:
    world = World()
    with pytest.raises(RunbookError, match=said):
        in_order([world.step(name, *need) for name, need in needs.items()])


def test_two_steps_of_one_name_are_refused() -> None:
    world = World()
    with pytest.raises(RunbookError, match="two steps of one name"):
        in_order([world.step("a"), world.step("a")])


KILLED = """
import os, signal, sys
from pathlib import Path
from sites.recovery.journal import Journal
from sites.recovery.runbook import Engine, Step

folder, at = Path(sys.argv[1]), sys.argv[2]

def step(name, *needs):
    def do(_limit):
        if at == f"before {name}":
            os.kill(os.getpid(), signal.SIGKILL)
        with (folder / "acts").open("a") as out:
            out.write(name + chr(10))
        if at == f"after {name}":
            os.kill(os.getpid(), signal.SIGKILL)
        return {}
    def done():
        acts = folder / "acts"
        return acts.exists() and name in acts.read_text().split()
    return Step(name, name, do, done, 5.0, name, needs)

with Journal(folder / "journal.jsonl") as journal:
    steps = [step("fence"), step("promote", "fence"), step("start", "promote")]
    sys.exit(0 if Engine(steps, journal, lambda *_: None).run().complete else 1)
"""


@pytest.mark.parametrize(
    "at", [f"{when} {step}" for step in ("fence", "promote", "start") for when in ("before", "after")]
)
def test_a_kill_at_any_step_is_survived_and_nothing_is_done_twice(tmp_path: Path, at: str) -> None:
    program = [sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path)]
    killed = subprocess.run([*program, at], check=False)
    assert killed.returncode == -9
    assert subprocess.run([*program, "never"], check=False).returncode == 0
    assert (tmp_path / "acts").read_text().split() == ["fence", "promote", "start"]


def test_a_journal_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    with Journal(tmp_path / "j"), pytest.raises(RunbookError, match="another process holds"):
        Journal(tmp_path / "j")


def test_a_torn_last_line_is_cut_off(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        journal.started("fence")
    with (tmp_path / "j").open("ab") as out:
        out.write(b'{"step": "fence", "sta')
    with Journal(tmp_path / "j") as journal:
        assert journal.states == {"fence": "started"}
        journal.done("fence", {})
    with Journal(tmp_path / "j") as journal:
        assert journal.states == {"fence": "done"}


@pytest.mark.parametrize("line", ["not json", '{"step": "a"}', '{"step": "a", "state": "done"}', "[]"])
def test_a_journal_that_makes_no_sense_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "j").write_text(line + "\n")
    with pytest.raises(RunbookError, match="line 1 makes no sense"):
        Journal(tmp_path / "j")
    with pytest.raises(RunbookError, match="line 1 makes no sense"):  # and not: held by another
        Journal(tmp_path / "j")


def test_illegal_transitions_are_refused(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal, pytest.raises(RunbookError, match="cannot become done"):
        journal.done("fence", {})


def test_a_lock_that_a_killed_holder_left_to_what_it_was_starting_is_waited_for(tmp_path: Path) -> None:
    """Between its birth and its becoming a command, a child has all that its parent had open."""
    held = Journal(tmp_path / "j")
    hear, tell = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(hear, 1)
        os._exit(0)
    held.close()
    with pytest.raises(RunbookError, match="another process holds"):
        Journal(tmp_path / "j")
    end = threading.Timer(0.1, os.write, (tell, b"x"))
    end.start()
    with Journal(tmp_path / "j") as journal:
        assert journal.states == {}
    os.waitpid(child, 0)
