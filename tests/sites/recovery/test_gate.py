"""A gate is open, shut, or gave no answer: three outcomes, three verdicts, and only one that opens."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from sites.errors import GateRefused
from sites.recovery.gate import GateCommand, pass_gate

SECRET = "nobody-may-read-this"
SHUT = 'print(\'{"summary": "1 order unknown", "unknown": ["c-17"]}\'); raise SystemExit(1)'


def ask(
    folder: Path, program: str, limit_seconds: float = 20.0, answers: tuple[str, ...] = ()
) -> list[tuple[str, Mapping[str, object]]]:
    seen: list[tuple[str, Mapping[str, object]]] = []
    try:
        pass_gate(
            "engine",
            GateCommand(
                (sys.executable, "-c", program), {"ORDERS": "all"}, {"TOKEN": SECRET}, folder, answers
            ),
            limit_seconds,
            lambda event, detail: seen.append((event, detail)),
        )
    except GateRefused as error:
        seen.append(("refused", {"error": str(error)}))
    return seen


def test_an_open_gate(tmp_path: Path) -> None:
    program = "import json, os; print(json.dumps({'summary': os.environ['ORDERS'] + ' known'}))"
    [(event, detail)] = ask(tmp_path, program)
    assert (event, detail["verdict"], detail["reason"]) == ("check", "met", "all known")


def test_a_shut_gate_names_what_it_found(tmp_path: Path) -> None:
    check, refused = ask(tmp_path, SHUT)
    assert check[1]["verdict"] == "missed"
    assert check[1]["said"] == {"summary": "1 order unknown", "unknown": ["c-17"]}
    assert 'gate "engine" is shut: 1 order unknown' in str(refused[1]["error"])


@pytest.mark.parametrize(
    ("program", "limit_seconds"),
    [
        ("raise SystemExit(2)", 20.0),
        ("print('all good')", 20.0),
        ("print('[]')", 20.0),
        ("import signal; signal.pause()", 0.3),
    ],
)
def test_no_answer_is_no_yes(tmp_path: Path, program: str, limit_seconds: float) -> None:
    check, refused = ask(tmp_path, program, limit_seconds)
    assert check[1]["verdict"] == "inconclusive"
    assert "gave no answer" in str(refused[1]["error"])


@pytest.mark.parametrize(
    "program",
    ["print('{}')", SHUT, "raise SystemExit(2)", 'print(\'{"answers": ["cash"]}\')'],
)
def test_each_outcome_carries_what_the_gate_was_declared_to_answer(tmp_path: Path, program: str) -> None:
    [(_, declared), *_] = ask(tmp_path, program, answers=("orders", "fills"))
    assert declared["answers"] == ["orders", "fills"]
    [(_, silent), *_] = ask(tmp_path, program)
    assert "answers" not in silent


def test_a_gate_that_prints_its_secret_is_masked(tmp_path: Path) -> None:
    program = "import json, os; print(json.dumps({'summary': 'used ' + os.environ['TOKEN']}))"
    [(_, detail)] = ask(tmp_path, program)
    assert detail["reason"] == "used ***"
    assert SECRET not in str(detail)
