from __future__ import annotations

import pytest

from rto_rpo.column import ACKNOWLEDGED, Column
from rto_rpo.lag import lag

SECOND = 10**9


def column_of(*lags: int, unsettled: int = 0) -> Column:
    column = Column()
    column.intend(0, len(lags) + unsettled, 100 * SECOND, SECOND)
    for slot, each in enumerate(lags):
        due = column.due_ns(slot)
        column.settle(slot, due, due + each, due + each, ACKNOWLEDGED, 0)
    return column


def test_half_and_nearly_all_and_the_most() -> None:
    found = lag([column_of(*(each * 100_000 for each in range(1, 101)))], 7 * SECOND)
    assert found.sent_p50_seconds == pytest.approx(0.005, abs=1.1e-6)
    assert found.sent_p99_seconds == pytest.approx(0.0099, abs=1.1e-6)
    assert (found.sent_max_seconds, found.stall_max_seconds) == (0.01, 7.0)


def test_quantiles_are_rounded_up_and_never_beyond_the_most() -> None:
    found = lag([column_of(1000)], 0)
    assert (found.sent_p50_seconds, found.sent_p99_seconds, found.sent_max_seconds) == (1e-6, 1e-6, 1e-6)
    found = lag([column_of(1000, 1000, 5000)], 0)
    assert found.sent_p50_seconds == 1023 / 1e9


def test_what_was_sent_early_was_not_late() -> None:
    assert lag([column_of(-5 * SECOND, -1, 0)], 0).sent_max_seconds == 0.0


def test_what_was_sent_very_late_is_among_the_latest() -> None:
    found = lag([column_of(*[0] * 97, 3 * SECOND, 3 * SECOND, 4 * SECOND)], 0)
    assert found.sent_max_seconds == 4.0
    assert found.sent_p50_seconds == pytest.approx(0, abs=1.1e-6)
    assert found.sent_p99_seconds == pytest.approx(2.147, abs=0.001)


def test_what_was_never_sent_has_no_lag() -> None:
    assert lag([column_of(2000, unsettled=100)], 0).sent_p50_seconds == 2e-6
    assert lag([column_of(unsettled=3), Column()], 0).sent_p50_seconds is None
