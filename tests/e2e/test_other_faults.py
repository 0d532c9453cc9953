"""Whole drills with other faults than the loss of a site: judged, and undone without a second writer."""

from __future__ import annotations

from typing import Any

import pytest

from rto_rpo.evidence.checking.verify import verify
from tests.e2e.desks import RunningDesk, ledger

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240), pytest.mark.campaign]


def drilled(desk: RunningDesk, **fault: Any) -> tuple[str, str]:
    """The verdict, and what the undo came to."""
    run = desk.with_(drill={"fault": fault}).drill()
    (undo,) = [line["detail"] for line in ledger(run) if line.get("event") == "undo"]
    assert verify(desk.plan.evidence.path).intact
    writers = [site for site in ("primary", "dr") if desk.estate.postgres("orders").writable(site)]
    assert writers == ["dr"], run.report["reasons"]
    return run.verdict, undo["undone"]


@pytest.mark.cell("pause_site", "processes", "postgres", verdict="met")
def test_a_site_that_stands_still_is_failed_over_and_never_wakes(desk: RunningDesk) -> None:
    assert drilled(desk, kind="pause_site", site="primary") == ("met", "reverted, fenced")


@pytest.mark.cell("kill_service", "processes", "postgres", verdict="met")
def test_a_site_that_lost_its_database_is_failed_over(desk: RunningDesk) -> None:
    fault = {"kind": "kill_service", "site": "primary", "process": "postgres"}
    assert drilled(desk, **fault) == ("met", "reverted, fenced")


@pytest.mark.cell("stop_service", "processes", "postgres", verdict="met")
def test_a_service_that_was_stopped_is_failed_over(desk: RunningDesk) -> None:
    fault = {"kind": "stop_service", "site": "primary", "process": "gateway"}
    assert drilled(desk, **fault) == ("met", "reverted, fenced")
