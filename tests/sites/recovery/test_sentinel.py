"""Detection counts signs in a row, refusal and silence apart."""

from __future__ import annotations

import threading

import pytest

from sites.recovery.sentinel import Sign, Tally, Thresholds, watch

THRESHOLDS = Thresholds(every_seconds=0.001, refused=3, silent=4)


def declared_at(signs: list[Sign]) -> tuple[int, str] | None:
    tally = Tally(THRESHOLDS)
    for number, sign in enumerate(signs, 1):
        if declaration := tally.add(sign):
            return number, declaration.why
    return None


@pytest.mark.parametrize(
    ("signs", "expected"),
    [
        (["refused"] * 3, (3, "refused")),
        (["silent"] * 4, (4, "silent")),
        (["silent"] * 3, None),
        (["refused"] * 2, None),
        (["refused", "refused", "good", "refused", "refused"], None),
        (["silent", "refused", "silent", "silent"], (4, "silent")),
        (["silent", "refused", "refused", "refused"], (4, "refused")),
        (["good"] * 50, None),
    ],
)
def test_rows_of_bad_signs(signs: list[Sign], expected: tuple[int, str] | None) -> None:
    assert declared_at(signs) == expected


def test_watching_ends_with_the_declaration() -> None:
    signs: list[Sign] = ["good", "good", "refused", "good", "refused", "refused", "refused"]
    row = iter(signs)
    declaration = watch(lambda: next(row), THRESHOLDS, threading.Event())
    assert declaration is not None
    assert declaration.signs == ("refused", "refused", "refused")


def test_watching_stops_when_told() -> None:
    stop = threading.Event()

    def probe() -> Sign:
        stop.set()
        return "good"

    assert watch(probe, THRESHOLDS, stop) is None
