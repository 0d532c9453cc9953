"""Drills on nothing but a real PostgreSQL pair: what is no outage is told to be none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from drills import drill
from drills.calibration.record import file_of, save
from drills.closing import Closed
from drills.preview import preview
from rto_rpo.evidence.checking.verify import verify
from sites.estate import Estate
from tests.e2e.desks import calibration
from tests.e2e.test_other_faults import undone
from tests.e2e.test_revived_primary import observed
from tests.sites.drivers.conftest import new_pair, template
from tests.sites.drivers.pairs import Pair
from tests.sites.wire import no_wire, wired_address

__all__ = ["new_pair", "template"]

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(240), pytest.mark.campaign]


def drilled(estate: Estate) -> Closed:
    save(calibration(), file_of(estate.state))
    confirm = preview(estate, "lose-primary").confirm
    run = drill.run(estate, "lose-primary", environment="test", confirm=confirm)
    assert verify(estate.plan.evidence.path).intact
    return run


@pytest.mark.skipif(no_wire() is not None, reason=str(no_wire()))
@pytest.mark.parametrize("slow", [{"latency": "60ms"}, {"loss": 1}], ids=["latency", "loss"])
def test_a_network_that_is_a_little_slow_is_no_outage(
    new_pair: Callable[..., Pair], slow: dict[str, Any]
) -> None:
    """The objectives leave room for it: every write is acknowledged in time, later than before."""
    fault = {"kind": "slow_network", "site": "primary", **slow}
    pair = new_pair(synchronous=False, wired=wired_address())
    estate = observed(pair, synchronous=False, fault=fault)
    run = drilled(estate)
    assert (run.verdict, undone(run)) == ("met", "reverted"), run.report["reasons"]
    assert estate.postgres("orders").writable("primary") is True
    assert not estate.site("primary").slowed().holds  # type: ignore[attr-defined]


def test_where_nothing_is_done_and_nothing_happens_nothing_was_tested(new_pair: Callable[..., Pair]) -> None:
    estate = observed(new_pair(synchronous=False), synchronous=False, fault={"kind": "none"})
    run = drilled(estate)
    assert run.verdict == "inconclusive", run.report["reasons"]
