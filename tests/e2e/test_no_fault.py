"""A drill on nothing but a real PostgreSQL pair: what was not tested is told to be inconclusive."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from drills import drill
from drills.calibration.record import file_of, save
from drills.closing import Closed
from drills.preview import preview
from rto_rpo.evidence.checking.verify import verify
from sites.estate import Estate
from tests.e2e.desks import calibration
from tests.e2e.test_revived_primary import observed
from tests.sites.drivers.conftest import new_pair, template
from tests.sites.drivers.pairs import Pair

__all__ = ["new_pair", "template"]

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(240), pytest.mark.campaign]


def drilled(estate: Estate) -> Closed:
    save(calibration(), file_of(estate.state))
    confirm = preview(estate, "lose-primary").confirm
    run = drill.run(estate, "lose-primary", environment="test", confirm=confirm)
    assert verify(estate.plan.evidence.path).intact
    return run


@pytest.mark.cell("none", "processes", "any", verdict="inconclusive")
def test_where_nothing_is_done_and_nothing_happens_nothing_was_tested(new_pair: Callable[..., Pair]) -> None:
    estate = observed(new_pair(synchronous=False), synchronous=False, fault={"kind": "none"})
    run = drilled(estate)
    assert run.verdict == "inconclusive", run.report["reasons"]
