"""A long proof falls when a file changes that its test can reach, and stays when another does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.campaign import ROOT, blobs
from tests.reach import reach, state

FILES = {
    "pyproject.toml": "",
    "rto_rpo/judge.py": "",
    "rto_rpo/style.css": "",
    "rto_rpo/unused.py": "",
    "sites/plan.py": "def load():\n    from rto_rpo import judge\n",
    "sites/other.py": "",
    "drills/watch.py": "from sites.plan import load\n",
    "flows/cli.py": "import drills.watch\n",
    "tests/conftest.py": "from tests import engine\n",
    "tests/engine.py": "",
    "tests/rto_rpo/test_judge.py": "from rto_rpo.judge import judge\n",
    "tests/sites/test_plan.py": "from sites.plan import load\n",
    "tests/drills/test_started.py": 'ARGV = ["-m", "flows.cli"]\n',
    "tests/drills/test_called.py": 'ARGV = [where.with_name("blackstart")]\n',
    "tests/drills/test_watch.py": 'USER = "blackstart"\n',
    "tests/drills/test_suites.py": 'SUITES = ["tests/drills/test_watch.py"]\n',
    "tests/drills/test_stranger.py": "from tests.drills.stranger import SCRIPT\n",
    "tests/drills/stranger.py": 'SCRIPT = "docs", "check.py"\nNOT = "tests/e2e/test_story.py", "plan.yaml"\n',
    "tests/e2e/test_story.py": "",
    "docs/check.py": "",
    "docs/plan.yaml": "",
    "examples/plan.yaml": "",
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for path, source in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(source)
    return tmp_path


@pytest.fixture
def reached(tree: Path) -> Callable[[str], set[str]]:
    return lambda test: reach(tree, test, frozenset(FILES))


def test_a_test_rests_on_what_it_imports_and_one_of_the_judge_on_its_whole_room(
    reached: Callable[[str], set[str]],
) -> None:
    pytests = {"pyproject.toml", "tests/conftest.py", "tests/engine.py"}
    judge = {"rto_rpo/judge.py", "rto_rpo/style.css"}
    room = {*judge, "rto_rpo/unused.py", "tests/rto_rpo/test_judge.py"}
    assert reached("tests/rto_rpo/test_judge.py") == {*pytests, *room}
    imported = {"sites/plan.py", "tests/sites/test_plan.py"}
    assert reached("tests/sites/test_plan.py") == {*pytests, *judge, *imported}


@pytest.mark.parametrize("test", ["tests/drills/test_started.py", "tests/drills/test_called.py"])
def test_what_is_started_counts_as_imported(reached: Callable[[str], set[str]], test: str) -> None:
    assert {"flows/cli.py", "examples/plan.yaml"} <= reached(test)


def test_what_a_test_names_counts_too(reached: Callable[[str], set[str]]) -> None:
    assert "tests/drills/test_watch.py" in reached("tests/drills/test_suites.py")
    found = reached("tests/drills/test_stranger.py")
    assert "docs/check.py" in found
    assert not {"tests/e2e/test_story.py", "docs/plan.yaml"} & found


def test_a_name_alone_starts_nothing(reached: Callable[[str], set[str]]) -> None:
    assert not {"flows/cli.py", "examples/plan.yaml"} & reached("tests/drills/test_watch.py")


def test_a_whole_story_rests_on_the_whole_product(reached: Callable[[str], set[str]]) -> None:
    product = {path for path in FILES if not path.startswith(("tests/", "docs/"))}
    assert reached("tests/e2e/test_story.py") >= product


def test_the_state_changes_with_what_is_reached_alone(tree: Path) -> None:
    test, blobs = "tests/sites/test_plan.py", dict.fromkeys(FILES, "1")
    now = state(tree, test, blobs)
    assert state(tree, test, {**blobs, "flows/cli.py": "2"}) == now
    assert state(tree, test, {**blobs, "rto_rpo/judge.py": "2"}) != now
    assert state(tree, test, {**blobs, "tests/engine.py": "2"}) != now


def test_here_a_story_reaches_every_room_and_the_judge_only_its_own() -> None:
    paths = frozenset(blobs())
    of_product = {path for path in paths if path.startswith(("rto_rpo/", "sites/", "drills/", "flows/"))}
    assert of_product <= reach(ROOT, "tests/e2e/test_kill_primary.py", paths)
    assert "docs/check_evidence.py" in reach(ROOT, "tests/rto_rpo/evidence/test_tampering.py", paths)
    assert not {
        path for path in reach(ROOT, "tests/rto_rpo/test_oracle.py", paths) if path.startswith("flows/")
    }
