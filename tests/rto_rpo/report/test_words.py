from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rto_rpo.report import words
from rto_rpo.report.visible import visible


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (30, "30 s"),
        (0.25, "250 ms"),
        (900, "15 min"),
        (3600, "1 h"),
        (86400, "1 day"),
        (172800, "2 days"),
    ],
)
def test_declared_lengths_read_as_in_the_plan(seconds: float, text: str) -> None:
    assert words.declared(seconds) == text


@pytest.mark.parametrize(
    ("text", "told"), [("30s", "30 s"), ("1h 30m", "90 min"), ("6y", "6 years"), ("soon", "soon")]
)
def test_a_promise_of_a_plan_reads_as_everywhere_else(text: str, told: str) -> None:
    assert words.promised(text) == told


@pytest.mark.parametrize(
    ("seconds", "down", "nearest", "up"),
    [
        (0.0, "0 s", "0 s", "0 s"),
        (0.00012, "0.1 ms", "0.1 ms", "0.2 ms"),
        (0.6031, "603 ms", "603 ms", "604 ms"),
        (0.9999, "999 ms", "1 s", "1 s"),
        (2.3456, "2.345 s", "2.346 s", "2.346 s"),
        (30.0004, "30 s", "30 s", "30.01 s"),
        (192.34, "3 min 12.3 s", "3 min 12.3 s", "3 min 12.4 s"),
        (3725.0, "1 h 2 min 5 s", "1 h 2 min 5 s", "1 h 2 min 5 s"),
    ],
)
def test_bounds_are_rounded_outwards(seconds: float, down: str, nearest: str, up: str) -> None:
    assert (words.at_least(seconds), words.length(seconds), words.at_most(seconds)) == (down, nearest, up)


def _read(text: str) -> Fraction:
    units = {"h": 3600, "min": 60, "s": 1, "ms": Fraction(1, 1000)}
    parts = text.split()
    return sum((Fraction(n) * units[u] for n, u in zip(parts[::2], parts[1::2], strict=True)), Fraction(0))


@given(st.integers(min_value=0, max_value=10**15))
def test_no_rounding_ever_flatters(ns: int) -> None:
    exact = Fraction(ns, 10**9)
    assert _read(words.at_least(ns / 1e9)) <= exact <= _read(words.at_most(ns / 1e9))


@pytest.mark.parametrize(
    ("lower", "upper", "text"),
    [
        (None, None, "not measured"),
        (0.5, None, "at least 500 ms, no upper bound"),
        (None, 0.5, "at most 500 ms"),
        (0.0, 0.0, "0 s"),
        (0.25, 1.5, "250 ms to 1.5 s"),
    ],
)
def test_bounds_say_what_is_missing(lower: float | None, upper: float | None, text: str) -> None:
    assert words.bounds(lower, upper) == text


def test_numbers_are_drawn_together_and_limited() -> None:
    assert words.numbers([]) == ""
    assert words.numbers([9, 7, 8, 4, 12]) == "4, 7\N{EN DASH}9, 12"
    assert words.numbers(list(range(0, 100, 2)), limit=3) == "0, 2, 4 and 47 more"


def test_moments_read_as_dates() -> None:
    assert words.when("2026-11-02T06:00:12.345678Z") == "2 November 2026, 06:00:12 UTC"
    assert words.when(None) == "an unknown day"


@pytest.mark.parametrize(("number", "text"), [(0, "0 writes"), (1, "1 write"), (12345, "12,345 writes")])
def test_counts_agree_with_their_noun(number: int, text: str) -> None:
    assert words.count(number, "write") == text


@given(st.text())
def test_nothing_hides_in_visible_text(text: str) -> None:
    shown = visible(text)
    assert not {"\n", "\r", "\x00", "\u202e", "\u200b"} & set(shown)


def test_what_would_hide_is_spelled_out() -> None:
    assert (
        visible("a\nb\u202ec\x00")
        == "a\N{DOWNWARDS ARROW WITH TIP LEFTWARDS}b\N{REPLACEMENT CHARACTER}202Ec\N{REPLACEMENT CHARACTER}0"
    )


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("late_ns", 100_000_000, "late: 100 ms"),
        ("limit_seconds", 0.25, "limit: 250 ms"),
        ("begun_ns", 5_000_000_000_000, "begun_ns: 5000000000000"),
        ("seconds", 1.5, "lasted: 1.5 s"),
        ("kill_and_proof_ms", 34.969, "kill and proof: 35 ms"),
        ("late_ns", True, "late_ns: true"),
        ("late_ns", None, "late_ns: null"),
        ("site", "primary", "site: primary"),
    ],
)
def test_a_length_in_an_events_detail_has_its_unit(name: str, value: object, text: str) -> None:
    assert words.told(name, value) == text
