from __future__ import annotations

import asyncio
import time
from itertools import chain, repeat
from typing import Any, cast

import pytest

from drills.recorder import pulse
from drills.recorder.ledger_thread import LedgerThread

HOUR_NS = 3600 * 10**9


class Told:
    """Keeps what is put down; the first record ends the loop that is tested."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []
        self.first = asyncio.Event()

    def put(self, kind: str, **fields: Any) -> None:
        self.records.append({"kind": kind, **fields})
        self.first.set()


async def felt(told: Told, seconds: float) -> None:
    """Feel until something is told, or for so long."""
    at_work = asyncio.create_task(pulse.feel(cast("LedgerThread", told), lambda: 10**9))
    try:
        await asyncio.wait_for(told.first.wait(), seconds)
    finally:
        at_work.cancel()


def test_a_machine_that_slept_is_a_stall_as_long_as_it_slept(monkeypatch: pytest.MonkeyPatch) -> None:
    asleep = chain([0, HOUR_NS], repeat(HOUR_NS))
    monkeypatch.setattr(pulse, "_asleep_ns", lambda: next(asleep))
    monkeypatch.setattr(time, "monotonic_ns", lambda: 2 * HOUR_NS)
    told = Told()
    asyncio.run(felt(told, 10))
    assert told.records == [{"kind": "stall", "from_ns": HOUR_NS, "to_ns": 2 * HOUR_NS}]


def test_a_machine_that_slept_longer_than_its_clock_has_run(monkeypatch: pytest.MonkeyPatch) -> None:
    asleep = chain([0, HOUR_NS], repeat(HOUR_NS))
    monkeypatch.setattr(pulse, "_asleep_ns", lambda: next(asleep))
    monkeypatch.setattr(time, "monotonic_ns", lambda: 5)
    told = Told()
    asyncio.run(felt(told, 10))
    assert told.records == [{"kind": "stall", "from_ns": 0, "to_ns": 5}]


def test_a_machine_that_is_awake_feels_nothing() -> None:
    told = Told()
    with pytest.raises(TimeoutError):
        asyncio.run(felt(told, 0.3))
    assert told.records == []


def test_how_long_it_slept_does_not_move_while_it_is_awake() -> None:
    assert abs(pulse._asleep_ns() - pulse._asleep_ns()) < 10**9
