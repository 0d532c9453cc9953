"""A stranger runs docs/check_evidence.py: in this process, compiled once, and as new each time."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path
from types import CodeType
from typing import NamedTuple
from unittest.mock import patch

SCRIPT = Path(__file__).resolve().parents[3] / "docs" / "check_evidence.py"


class Answer(NamedTuple):
    """`code`: what it exits with; `said`: all that it prints, errors last."""

    code: int
    said: str


@cache
def _compiled() -> CodeType:
    return compile(SCRIPT.read_text(), str(SCRIPT), "exec")


def stranger(root: Path, *more: str) -> Answer:
    """What it answers about this folder; an exception that it lets through is raised."""
    told = StringIO()
    with redirect_stdout(told), patch.object(sys, "argv", [str(SCRIPT), str(root), *more]):
        try:
            exec(_compiled(), {"__name__": "__main__", "__doc__": ""})  # noqa: S102 - as python3 runs it
        except SystemExit as ended:
            error = f"{ended.code}\n" if isinstance(ended.code, str) else ""
            code = 1 if error else int(ended.code or 0)
            return Answer(code, told.getvalue() + error)
    raise AssertionError("it did not say how it ended")
