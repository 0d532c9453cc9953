"""A drill on nothing but a real PostgreSQL pair: what was not tested is told to be inconclusive."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
import yaml

from rto_rpo.report.model import Report
from rto_rpo.report.safety import safety
from tests.drills.test_window import closed
from tests.e2e.small_drills import drilled, written
from tests.e2e.test_revived_primary import observed
from tests.sites.drivers.conftest import new_pair, template
from tests.sites.drivers.pairs import Pair

__all__ = ["new_pair", "template"]

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(240), pytest.mark.campaign]


@pytest.mark.cell("none", "processes", "any", verdict="inconclusive")
def test_where_nothing_is_done_and_nothing_happens_nothing_was_tested(new_pair: Callable[..., Pair]) -> None:
    estate = observed(new_pair(synchronous=False), synchronous=False, fault={"kind": "none"})
    run = drilled(estate)
    assert run.verdict == "inconclusive", run.report["reasons"]
    assert "window" not in {check["name"] for check in run.report["checks"]}


def test_a_drill_in_its_window_keeps_what_the_calendar_said(
    new_pair: Callable[..., Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "exchange_calendars", closed())
    pair = new_pair(synchronous=False)
    declared = yaml.safe_load(observed(pair, synchronous=False, fault={"kind": "none"}).plan.raw)
    declared["drills"]["lose-primary"]["window"] = {"calendar": "XNYS"}
    run = drilled(written(pair.folder / "plan.yaml", declared))
    [row] = [one for one in safety(Report.model_validate(run.report)) if one.why.startswith("window: ")]
    assert row.what == "The market was closed, with a margin"
    assert row.state == "met, in doubt"  # as all of a run in which nothing happened
    assert "XNYS does not trade from" in row.why
