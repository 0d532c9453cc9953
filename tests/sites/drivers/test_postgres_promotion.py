"""A promotion: when it is asked for, when it counts as done, and when somebody else's overtakes it."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from psycopg import errors

from sites.drivers.postgres import promotion
from sites.drivers.postgres.session import Session


class FakeStandby:
    """Promoted by one that was killed since: it leaves recovery between our looking and our asking."""

    recovering = True
    writes = 0

    async def rows(self, _query: str) -> list[Any]:
        return []

    async def value(self, query: str) -> int:
        if "pg_promote" in query:
            assert self.recovering
            self.recovering = False
            raise errors.ObjectNotInPrerequisiteState("recovery is not in progress")
        return 5000


def test_a_promotion_that_was_asked_for_already_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    async def in_recovery(standby: FakeStandby) -> bool:
        return standby.recovering

    async def write(standby: FakeStandby) -> None:
        standby.writes += 1

    monkeypatch.setattr(promotion, "in_recovery", in_recovery)
    monkeypatch.setattr(promotion, "write", write)
    standby = FakeStandby()
    asyncio.run(promotion.promote(cast("Session", standby)))
    assert (standby.recovering, standby.writes) == (False, 1)


class LiveStandby:
    """Its receiver of changes lives for so many looks; then writes are refused for so many more."""

    def __init__(self, *, interval_ms: int, receiver_looks: int = 0, refusals: int = 0) -> None:
        self.interval_ms, self.receiver_looks, self.refusals = interval_ms, receiver_looks, refusals
        self.recovering = True
        self.said: list[str] = []

    async def rows(self, _query: str) -> list[Any]:
        self.receiver_looks -= 1
        self.said.append("receiver" if self.receiver_looks >= 0 else "no receiver")
        return [(1,)] if self.receiver_looks >= 0 else []

    async def value(self, query: str) -> int:
        if "pg_promote" in query:
            assert query == "SELECT pg_promote(false)", "with true it looks only every 100 ms"
            self.said.append("promote")
            self.recovering = False
            return 1
        return self.interval_ms

    async def write(self) -> None:
        self.refusals -= 1
        if self.refusals >= 0:
            self.said.append("refused")
            raise errors.ReadOnlySqlTransaction
        self.said.append("written")


def promoted(standby: LiveStandby, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    async def in_recovery(asked: LiveStandby) -> bool:
        return asked.recovering

    monkeypatch.setattr(promotion, "in_recovery", in_recovery)
    monkeypatch.setattr(promotion, "write", LiveStandby.write)
    asyncio.run(promotion.promote(cast("Session", standby)))
    return standby.said


def test_where_the_server_may_sleep_long_its_receiver_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Promoted within milliseconds of the primary's death it may have gone to sleep for all of it."""
    said = promoted(LiveStandby(interval_ms=5000, receiver_looks=3), monkeypatch)
    assert said == ["receiver"] * 3 + ["no receiver", "promote", "written"]
    assert promoted(LiveStandby(interval_ms=50, receiver_looks=3), monkeypatch) == ["promote", "written"]


def test_it_counts_as_promoted_once_it_has_taken_a_write(monkeypatch: pytest.MonkeyPatch) -> None:
    said = promoted(LiveStandby(interval_ms=50, refusals=2), monkeypatch)
    assert said == ["promote", "refused", "refused", "written"]
