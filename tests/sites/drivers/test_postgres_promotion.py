"""A promotion that somebody else's promotion overtakes."""

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
