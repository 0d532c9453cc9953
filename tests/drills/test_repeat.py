"""A drill again and again: it ends when it must, says why, and never ends better than its worst run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from drills import repeat as repeating
from drills.closing import Closed
from drills.repeat import Repeated, repeat, wait_until_healthy
from rto_rpo.measurement import Verdict
from sites.errors import BlackstartError, GuardError

FENCED = GuardError('cannot run drill "x": site "primary" is fenced', hint="nothing was changed")


def _closed(verdict: Verdict) -> Closed:
    return Closed(Path(verdict), {}, verdict, "0" * 64)


def _series(outcomes: list[Verdict | BlackstartError], wanted: int) -> tuple[Repeated, list[str]]:
    """Repeat with these outcomes; the order in which runs and looks at the estate's health came."""
    left, course = iter(outcomes), []

    def run() -> Closed:
        course.append("run")
        outcome = next(left)
        if isinstance(outcome, BlackstartError):
            raise outcome
        return _closed(outcome)

    return repeat(run, lambda: course.append("ready"), wanted, lambda _: None), course


@pytest.mark.parametrize(
    ("verdicts", "worst", "code"),
    [
        (["met", "met", "met"], "met", 0),
        (["met", "inconclusive", "met"], "inconclusive", 3),
        (["inconclusive", "missed", "met"], "missed", 1),
    ],
)
def test_every_run_is_made_whatever_the_others_were(verdicts: list[Any], worst: str, code: int) -> None:
    found, course = _series(verdicts, 3)
    assert [run.verdict for run in found.runs] == verdicts
    assert (found.verdict, found.exit_code, found.stopped) == (worst, code, None)
    assert course == ["run", "ready", "run", "ready", "run"]


def test_a_series_that_had_to_stop_is_never_met() -> None:
    found, _ = _series(["met", FENCED], 5)
    assert (found.verdict, found.exit_code, found.stopped) == ("inconclusive", 3, FENCED)
    assert _series(["missed", FENCED], 5)[0].exit_code == 1


def test_what_refuses_the_first_run_is_raised() -> None:
    with pytest.raises(GuardError, match="is fenced"):
        _series([FENCED], 5)


def test_an_estate_that_is_not_healthy_again_ends_it_before_the_next_run() -> None:
    def sick() -> None:
        raise FENCED

    found = repeat(lambda: _closed("met"), sick, 3, lambda _: None)
    assert (len(found.runs), found.stopped) == (1, FENCED)


def test_being_interrupted_ends_everything() -> None:
    def interrupted() -> Closed:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        repeat(interrupted, lambda: None, 3, lambda _: None)


class Guards:
    """Guards that refuse so many times; `left` is what only somebody's act would put right."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, refusals: int, left: list[str]) -> None:
        self.looked = 0
        self._refusals = refusals
        monkeypatch.setattr(repeating, "check_health", self._check)
        monkeypatch.setattr(repeating, "left_over", lambda _: cast(Iterator[str], iter(left)))
        monkeypatch.setattr(repeating, "_BEAT_SECONDS", 0.001)

    def _check(self, *_: object) -> None:
        self.looked += 1
        if self.looked <= self._refusals:
            raise FENCED


ESTATE = cast(Any, SimpleNamespace())


def test_a_standby_that_catches_up_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    guards = Guards(monkeypatch, 3, [])
    wait_until_healthy(ESTATE, "x")
    assert guards.looked == 4


def test_a_fence_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    guards = Guards(monkeypatch, 3, ["fenced"])
    with pytest.raises(GuardError):
        wait_until_healthy(ESTATE, "x")
    assert guards.looked == 1


def test_the_wait_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    Guards(monkeypatch, 10**9, [])
    with pytest.raises(GuardError):
        wait_until_healthy(ESTATE, "x", limit_seconds=0.01)
