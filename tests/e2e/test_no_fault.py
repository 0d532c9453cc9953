"""A drill on nothing but a real PostgreSQL pair: what was not tested is told to be inconclusive."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import pytest
import yaml

from drills import drill
from drills.calibration.record import file_of, save
from drills.closing import Closed
from drills.preview import preview
from rto_rpo.evidence.checking.verify import verify
from rto_rpo.report.model import Report
from rto_rpo.report.safety import safety
from sites.estate import Estate
from sites.plan import read_plan
from tests.drills.test_window import closed
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
    assert "window" not in {check["name"] for check in run.report["checks"]}


def test_a_drill_in_its_window_keeps_what_the_calendar_said(
    new_pair: Callable[..., Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "exchange_calendars", closed())
    pair = new_pair(synchronous=False)
    declared = yaml.safe_load(observed(pair, synchronous=False, fault={"kind": "none"}).plan.raw)
    declared["drills"]["lose-primary"]["window"] = {"calendar": "XNYS"}
    path = pair.folder / "plan.yaml"
    path.write_text(yaml.safe_dump(declared))
    run = drilled(Estate(read_plan(path, path.read_bytes(), {}), until_pid=os.getpid()))
    [row] = [one for one in safety(Report.model_validate(run.report)) if one.why.startswith("window: ")]
    assert row.what == "The market was closed, with a margin"
    assert row.state == "met, in doubt"  # as all of a run in which nothing happened
    assert "XNYS does not trade from" in row.why
