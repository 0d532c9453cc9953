"""What a person sees while things happen: one line a fact, on standard error.

Works without colour and without a terminal; lines are facts in the past tense, except the step under way.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Literal, TextIO

Style = Literal["plain", "green", "red", "yellow", "dim", "bold"]
_CODES = {"plain": "", "green": "32", "red": "31", "yellow": "33", "dim": "2", "bold": "1"}
_MARKS = {"step": "·", "passed": "✓", "error": "✗", "warning": "!"}
_ASCII = {"step": "-", "passed": "+", "error": "x", "warning": "!"}


class Console:
    """Every line carries the seconds since the console was made, where `timed`."""

    def __init__(self, stream: TextIO | None = None, *, timed: bool = False) -> None:
        self._stream = stream or sys.stderr
        self._began = time.monotonic() if timed else None
        self._coloured = (
            self._stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        )
        self._marks = _MARKS if _takes(self._stream, "✓·✗") else _ASCII

    def step(self, text: str) -> None:
        """Something begins."""
        self._line("step", "dim", text)

    def passed(self, text: str) -> None:
        self._line("passed", "green", text)

    def warning(self, text: str) -> None:
        self._line("warning", "yellow", text)

    def error(self, text: str) -> None:
        self._line("error", "red", text)

    def outcome(self, exit_code: int, text: str) -> None:
        """Something ended the way a command ends with `exit_code`."""
        {0: self.passed, 3: self.warning}.get(exit_code, self.error)(text)

    def hint(self, text: str) -> None:
        self._write(self._paint("yellow", "hint: ") + text)

    def progress(self, text: str) -> None:
        """How far something is: the same line over and over, where somebody sits at a terminal."""
        if self._stream.isatty():
            self._stream.write(f"\r\x1b[K{text}")
            self._stream.flush()

    def progress_over(self) -> None:
        self.progress("")

    def completed(self, text: str) -> None:
        """The last line: what it all came to."""
        self._write(self._paint("bold", text))

    def _line(self, kind: str, style: Style, text: str) -> None:
        since = "" if self._began is None else f"{time.monotonic() - self._began:5.1f} s  "
        self._write(self._paint("dim", since) + self._paint(style, self._marks[kind]) + " " + text)

    def _paint(self, style: Style, text: str) -> str:
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self._coloured and text and _CODES[style] else text

    def _write(self, text: str) -> None:
        encoding = self._stream.encoding or "ascii"
        print(text.encode(encoding, "replace").decode(encoding), file=self._stream, flush=True)


def _takes(stream: TextIO, text: str) -> bool:
    try:
        text.encode(stream.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
