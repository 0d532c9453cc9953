"""Looking only as far as an answer can lie finds what a walk over everything finds: that walk stands here."""

from __future__ import annotations

import random
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any, Final, cast

import pytest

from rto_rpo.column import ACKNOWLEDGED, FAILED, INDETERMINATE, OUTCOME_MASK, UNSETTLED, Column
from rto_rpo.first_answer import _between, _earliest, _firsts
from rto_rpo.operations import StreamHistory
from rto_rpo.recovery_point import reading_problem
from rto_rpo.recovery_time import Bracket, _bad, _first_stable, _Gaps, _gaps
from rto_rpo.stall import _gap
from rto_rpo.timeline import Timeline
from tests.rto_rpo.ledgers import stream

ADDRESSES: Final[dict[str | None, int]] = {None: 0, "old": 1, "new": 2, "other": 3}
START: Final = 1000
INTERVAL: Final = 7
Settled = tuple[int, int, int, int]
SEEDS = range(8)
dice_of = pytest.mark.parametrize("dice", [random.Random(each) for each in SEEDS], ids=SEEDS)  # noqa: S311
TRIES: Final = 100


def made(dice: random.Random) -> StreamHistory:
    """Operations of all acts, sent and answered soon or late; batches that overlap in their times, and gaps.

    Some are sent before their time, too, which a column could hold and no ledger may say.
    """
    history = StreamHistory(cast("Any", stream(interval_ns=INTERVAL)))
    history.addresses = dict(ADDRESSES)
    tame = dice.random() < 0.5
    for column in history.columns[: dice.choice([1, 1, 3])]:
        due, number = START + dice.randrange(60), 0
        for _ in range(dice.randrange(1, 7)):
            count, step = dice.randrange(1, 9), INTERVAL if tame else dice.randrange(1, 12)
            slot = column.intend(number, count, due, step)
            for each in range(count):
                _settle(column, slot + each, dice, tame=tame)
            number += count
            due = due + count * step + (0 if tame else dice.randrange(-30, 40))
    return history


def _settle(column: Column, slot: int, dice: random.Random, *, tame: bool) -> None:
    outcome = dice.choice([ACKNOWLEDGED] * (20 if tame else 4) + [FAILED, INDETERMINATE, UNSETTLED])
    if outcome:
        sent = column.due_ns(slot) + (0 if tame else dice.choice([0, 0, 1, 5, 30, -6]))
        done = sent + dice.choice([0, 1, 2, 9] + [40] * (not tame))
        column.settle(slot, column.due_ns(slot), sent, done, outcome, dice.choice([0, 1, 1, 2, 3]))


def everything(history: StreamHistory) -> list[Settled]:
    return [one for column in history.columns for one in column.settled()]


def acknowledged(history: StreamHistory) -> Iterator[tuple[int, int, int]]:
    """(arrived, sent, address)"""
    return ((c, s, a) for s, c, state, a in everything(history) if state & OUTCOME_MASK == ACKNOWLEDGED)


@dice_of
def test_the_first_answers_of_each_server(dice: random.Random) -> None:
    for _ in range(TRIES):
        history = made(dice)
        changes = [*history.writes.settled(), *history.deletes.settled()]
        wanted: dict[int, tuple[int, int]] = {}
        for sent, arrived, state, address in changes:
            if address and state & OUTCOME_MASK == ACKNOWLEDGED:
                first = wanted.get(address, (arrived, sent))
                wanted[address] = min(first[0], arrived), min(first[1], sent)
        assert _firsts(history) == wanted


@dice_of
def test_the_first_arrival_and_the_first_sending_since_an_instant(dice: random.Random) -> None:
    for _ in range(TRIES):
        history, since = made(dice), START + dice.randrange(200)
        answers = [(arrived, sent) for arrived, sent, _ in acknowledged(history) if sent >= since]
        for b in answers:
            wanted = min(arrived for arrived, _ in answers), min(sent for _, sent in answers)
            assert _earliest(_between(history, since, b[0])) == wanted


def _all_bad(history: StreamHistory, watch: int, late: int, *, ours: bool) -> list[int]:
    return sorted(
        sent
        for sent, completed, state, _ in everything(history)
        if not (state & OUTCOME_MASK == ACKNOWLEDGED and completed - sent <= late)
        and (sent >= watch or (completed >= watch and ours))
    )


def _all_gaps(history: StreamHistory, bad: Sequence[int], watch: int) -> _Gaps:
    first, last = array("q", [-1]) * (len(bad) + 1), array("q", [-1]) * (len(bad) + 1)
    for sent, _, _, _ in everything(history):
        gap = bisect_left(bad, sent)
        if sent >= watch and sent not in bad:
            last[gap] = max(last[gap], sent)
            first[gap] = sent if first[gap] < 0 else min(first[gap], sent)
    return _Gaps(first, last)


@dice_of
def test_the_bad_ones_and_the_first_stable_run_between_them(dice: random.Random) -> None:
    stable_after_all = 0
    for _ in range(TRIES):
        history, watch, ours = made(dice), START + dice.randrange(150), dice.random() < 0.7
        late, stable = dice.choice([1, 5, 100]), dice.choice([1, 20, 60])
        timeline = cast("Timeline", SimpleNamespace(watch_ns=watch, no_fault_of_ours=not ours))
        bad = _bad(history, timeline, late)
        assert list(bad) == _all_bad(history, watch, late, ours=ours)
        bracket = Bracket(watch, watch, watch + dice.choice([0, 3, 40]), ours)
        found, wanted = _gaps(history, bad, bracket, stable), _all_gaps(history, bad, watch)
        run = _first_stable(wanted, bracket, stable, bad)
        assert found.first == wanted.first
        assert found.last[:-1] == wanted.last[:-1]
        assert _first_stable(found, bracket, stable, bad) == run
        stable_after_all += run == len(bad)
    assert 0 < stable_after_all < TRIES


def _any_gap(history: StreamHistory, span: tuple[int, int], late: int) -> str | None:
    """By sorting all that was sent each interval."""
    begin, end = span
    width = INTERVAL + late // 2
    if max(0, end - begin) // width + 1 > sum(len(column) for column in history.columns) + 2:
        return "operations are missing from the schedule"
    sent = sorted(each for column in history.columns[:2] for each, _, _, _ in column.settled())
    previous = max((each for each in sent if each <= begin), default=begin)
    later = [each for each in sent if each > begin]
    after = next((each for each in later if each >= end), None)
    for each in [each for each in later if each < end] + ([] if after is None else [after]):
        if each - previous > width:
            return f"nothing was sent for {each - previous}, where {INTERVAL} is due"
        previous = each
    return f"nothing was sent for the last {end - previous}" if end - previous > width else None


@dice_of
def test_a_stretch_without_any_sending(dice: random.Random, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rto_rpo.stall.in_seconds", str)
    for _ in range(TRIES):
        history, begin = made(dice), START + dice.randrange(150)
        span, late = (begin, begin + dice.choice([0, 10, 60])), dice.choice([2, 10, 40])
        assert _gap(history, span, late) == _any_gap(history, span, late)


@pytest.mark.parametrize(
    ("span", "late", "lagging", "on_time", "gap"),
    [((1000, 1010), 2, (1048, 30), 1050, 50), ((1000, 1004), 10, (1009, 5), 1010, None)],
)
def test_what_is_sent_next_after_a_span_may_have_been_due_later_than_what_was_sent_after_that(
    monkeypatch: pytest.MonkeyPatch,
    span: tuple[int, int],
    late: int,
    lagging: tuple[int, int],
    on_time: int,
    gap: int | None,
) -> None:
    monkeypatch.setattr("rto_rpo.stall.in_seconds", str)
    history = StreamHistory(cast("Any", stream(interval_ns=INTERVAL)))
    for due, lag in ((span[0], 0), lagging, (on_time, 0)):
        slot = history.writes.intend(len(history.writes), 1, due, INTERVAL)
        history.writes.settle(slot, due, due + lag, due + lag, ACKNOWLEDGED, 0)
    assert _gap(history, span, late) == _any_gap(history, span, late)
    assert _gap(history, span, late) == (gap and f"nothing was sent for {gap}, where {INTERVAL} is due")


@dice_of
@pytest.mark.parametrize("where", [*ADDRESSES, "elsewhere"])
def test_whether_clients_were_served_where_it_was_read(dice: random.Random, where: str | None) -> None:
    for _ in range(TRIES):
        history, since = made(dice), START + dice.randrange(200)
        history.reading_problem, history.readback_address = None, where
        served_by = {address for _, sent, address in acknowledged(history) if sent >= since}
        fits = where is None or 0 in served_by or ADDRESSES.get(where) in served_by
        assert (reading_problem(history, since) is None) == fits
