"""What a person sees: plain lines wherever they go."""

from __future__ import annotations

import io

import pytest

from flows.terminal.console import Console


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_lines_are_plain_where_nobody_looks() -> None:
    stream = io.StringIO()
    console = Console(stream)
    console.step("Building")
    console.passed("Built")
    console.warning("Odd")
    console.error("Broken")
    console.hint("mend it")
    console.completed("Over")
    assert stream.getvalue().splitlines() == [
        "- Building",
        "+ Built",
        "! Odd",
        "x Broken",
        "hint: mend it",
        "Over",
    ]


@pytest.mark.parametrize(
    ("variable", "value", "coloured"),
    [("TERM", "xterm", True), ("NO_COLOR", "", False), ("TERM", "dumb", False)],
)
def test_colour_is_for_terminals_that_want_it(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, coloured: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv(variable, value)
    stream = Terminal()
    Console(stream).passed("Built")
    assert ("\x1b[" in stream.getvalue()) == coloured


def test_a_stream_gets_only_what_it_can_take() -> None:
    raw = io.BytesIO()
    console = Console(io.TextIOWrapper(raw, encoding="ascii", write_through=True))
    console.passed("Gebäude fertig")
    assert raw.getvalue() == b"+ Geb?ude fertig\n"
    raw = io.BytesIO()
    console = Console(io.TextIOWrapper(raw, encoding="utf-8", write_through=True))
    console.passed("Gebäude fertig")
    assert raw.getvalue().decode() == "✓ Gebäude fertig\n"


def test_a_timed_console_says_when() -> None:
    stream = io.StringIO()
    Console(stream, timed=True).step("Building")
    assert stream.getvalue() == "  0.0 s  - Building\n"


@pytest.mark.parametrize(("code", "mark"), [(0, "+"), (1, "x"), (2, "x"), (3, "!")])
def test_an_outcome_is_marked_by_its_exit_code(code: int, mark: str) -> None:
    stream = io.StringIO()
    Console(stream).outcome(code, "orders")
    assert stream.getvalue() == f"{mark} orders\n"
