"""The user's own questions: a no is missed, and what could not be answered is inconclusive."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sites.restored import Answer, CommandQuestion, QueryQuestion, Question, answers
from tests.fakes.dumped import FakeDumped

COUNT = "SELECT count(*) FROM fills"


def asked(question: Question, tmp_path: Path, dataset: object | None = None) -> Answer:
    fake = FakeDumped("fills", {"primary": ["one", "two"]})
    fake.dump("primary", tmp_path / "dump")
    (answer,) = answers([question], fake if dataset is None else dataset, tmp_path / "dump", tmp_path)
    return answer


def program(code: str, limit_seconds: float = 20.0, **secret_env: str) -> CommandQuestion:
    return CommandQuestion(
        "q", (sys.executable, "-c", code), secret_env=secret_env, limit_seconds=limit_seconds
    )


@pytest.mark.parametrize(
    ("question", "verdict", "said"),
    [
        (QueryQuestion("q", COUNT, "2"), "met", "answers '2'"),
        (QueryQuestion("q", COUNT, "3"), "missed", "answers '2', expected '3'"),
        (QueryQuestion("q", "SELECT", "3"), "inconclusive", "not answered: no such query"),
        (program("import os; print(os.environ['BLACKSTART_RESTORED'][-5:])"), "met", "/dump"),
        (program("import sys; sys.exit('a gap')"), "missed", "a gap"),
        (program("print('said on stdout'); raise SystemExit(2)"), "missed", "said on stdout"),
        (program("raise SystemExit(75)"), "inconclusive", "75"),
        (program("import os; os.kill(os.getpid(), 9)"), "inconclusive", "Killed"),
        (program("import time; time.sleep(3600)", 0.3), "inconclusive", "not done within"),
        (CommandQuestion("q", ("/nowhere/at/all",)), "inconclusive", "not installed"),
    ],
)
def test_each_answer_has_its_verdict(tmp_path: Path, question: Question, verdict: str, said: str) -> None:
    answer = asked(question, tmp_path)
    assert answer.verdict == verdict, answer
    assert said in answer.said


def test_what_cannot_be_opened_cannot_be_asked(tmp_path: Path) -> None:
    assert asked(QueryQuestion("q", COUNT, "2"), tmp_path, object()).verdict == "inconclusive"
    (answer,) = answers(
        [QueryQuestion("q", COUNT, "2")], FakeDumped("fills"), tmp_path / "nothing", tmp_path / "scratch"
    )
    assert answer.verdict == "inconclusive"
    assert "cannot be asked" in answer.said


def test_what_is_said_is_short_on_one_line_and_without_secrets(tmp_path: Path) -> None:
    code = "import os, sys; sys.exit('a\\x1b[31m' + os.environ['TOKEN'] + 'b' * 1000)"
    answer = asked(program(code, TOKEN="planted-token"), tmp_path)
    assert answer.verdict == "missed"
    assert "planted" not in answer.said
    assert len(answer.said) < 400
    assert "\x1b" not in answer.said
