"""Answers on standard output: lines for people, JSON for programs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.terminal.answer import ago, answer, columns
from sites.errors import SiteError


@dataclass(frozen=True)
class Found:
    where: Path
    when: datetime
    names: tuple[str, ...]
    wrong: SiteError


FOUND = Found(Path("/a/b"), datetime(2026, 11, 22, 6, tzinfo=UTC), ("x", "y"), SiteError("gone", hint="look"))


def test_people_get_the_lines(capsys: pytest.CaptureFixture[str]) -> None:
    answer(["one", "two"], FOUND, as_json=False)
    assert capsys.readouterr().out == "one\ntwo\n"


def test_programs_get_the_same_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    answer(["one"], {"found": FOUND}, as_json=True)
    assert json.loads(capsys.readouterr().out) == {
        "found": {
            "where": "/a/b",
            "when": "2026-11-22T06:00:00+00:00",
            "names": ["x", "y"],
            "wrong": {"error": "gone", "hint": "look"},
        }
    }


def test_columns_are_aligned_and_have_no_blanks_at_their_end() -> None:
    assert columns([("name", "rpo", ""), ("orders", "0 s", ""), ("ticks", "15 min", "EXCEEDED")]) == [
        "name    rpo",
        "orders  0 s",
        "ticks   15 min  EXCEEDED",
    ]


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (None, "never"),
        (0, "0 s"),
        (119, "119 s"),
        (121, "2 min"),
        (7100, "118 min"),
        (7300, "2 h"),
        (200000, "2 d"),
    ],
)
def test_an_age_is_told_as_people_do(seconds: float | None, told: str) -> None:
    assert ago(seconds) == told
