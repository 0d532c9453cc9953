"""The failback that ends a drill, on a real pair: what moved is brought back, and what did not is said."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from drills.after import fail_back
from rto_rpo.objective import parse_duration
from sites.estate import Estate
from sites.plan import Drill
from sites.recovery.failover import Failover
from sites.recovery.fence import Fences
from sites.recovery.respond import fail_over
from sites.recovery.under_way import journal_of
from tests.drills.test_undo_without_us import drilled
from tests.sites.drivers.pairs import Pair

pytestmark = [pytest.mark.postgres, pytest.mark.campaign]


def drill_of(estate: Estate, within: str = "30m") -> Drill:
    changes = {"after": "fail_back", "back_within": parse_duration(within)}
    return estate.plan.drills["kill"].model_copy(update=changes)


def test_what_was_failed_over_is_brought_back(new_pair: Callable[..., Pair]) -> None:
    pair = new_pair()
    estate = drilled(pair)
    told: list[str] = []
    assert fail_back(estate, drill_of(estate), told.append) == (
        "inconclusive",
        'nothing was failed over, so nothing was brought back: "serving at home"',
    )
    estate.site("primary").kill()
    assert fail_over(estate, Failover(estate, lambda *_: None).steps(), lambda *_: None).complete
    with journal_of(estate.state):
        verdict, reason = fail_back(estate, drill_of(estate), told.append)
    assert (verdict, "another process holds its journal" in reason) == ("missed", True)
    verdict, reason = fail_back(estate, drill_of(estate, within="1ms"), told.append)
    assert verdict == "missed", "it took longer than declared"
    assert 'site "primary" serves again, but declared were 1ms' in reason
    assert (pair.dataset.writable("primary"), pair.dataset.writable("dr")) == (True, False)
    assert not Fences(estate.state).raised("primary")
    assert told == ["Failing back: the lost site becomes a standby, then it serves again"] * 2
