"""Whole drills with other faults than the loss of a site: judged, and undone without a second writer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from drills.closing import Closed
from rto_rpo.evidence.checking.verify import verify
from tests.e2e.desks import RunningDesk, ledger, running_desk

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240), pytest.mark.campaign]


def drilled(desk: RunningDesk, **fault: Any) -> tuple[str, str]:
    """The verdict, and what the undo came to."""
    run = desk.with_(drill={"fault": fault}).drill()
    assert verify(desk.plan.evidence.path).intact
    writers = [site for site in ("primary", "dr") if desk.estate.postgres("orders").writable(site)]
    assert writers == ["dr"], run.report["reasons"]
    return run.verdict, undone(run)


def undone(run: Closed) -> str:
    """What the undo came to; what was measured is told for whoever reads the proof."""
    (undo,) = [line["detail"] for line in ledger(run) if line.get("event") == "undo"]
    kind = run.report["drill"]["fault"]["kind"]
    times = [(each["lower_seconds"], each["upper_seconds"]) for each in run.report["recovery_times"]]
    lost = [len(each["lost"]) for each in run.report["recovery_points"]]
    print(f"proof: {kind}: {run.verdict}, RTO {times} s, lost {lost}, undo {undo['undone']}")  # noqa: T201
    return str(undo["undone"])


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


@pytest.mark.cell("lose_volume", "processes", "postgres", verdict="met")
def test_a_database_that_lost_its_files_is_failed_over(desk: RunningDesk) -> None:
    path = str(desk.desk.folder / "primary" / "pgdata")
    fault = {"kind": "lose_volume", "site": "primary", "process": "postgres", "path": path}
    assert drilled(desk, **fault) == ("met", "reverted, fenced")
    assert (desk.desk.folder / "primary/pgdata/PG_VERSION").exists()


@pytest.mark.cell("dr_not_ready", "processes", "postgres", verdict="missed")
@pytest.mark.parametrize("standby", ["gone", "stale"])
def test_what_cannot_take_over_is_not_promoted_and_the_drill_says_so(desk_folder: Path, standby: str) -> None:
    """Nobody serves then: the old primary is fenced, and whether it may come back is for people to say."""
    with running_desk(desk_folder) as built:
        fault = {"kind": "dr_not_ready", "site": "primary", "dataset": "orders", "standby": standby}
        drill = {"fault": fault, "caps": {"sites": 2}}
        run = built.with_(drill=drill, sites={"dr": {"drills": True}}).drill()
        assert run.verdict == "missed", run.report["reasons"]
        assert "promoted" not in {line.get("event") for line in ledger(run)} or standby == "stale"
        assert undone(run) == "reverted, fenced"
        assert set(built.estate.site("dr").running()) >= {"postgres"}
        assert built.estate.site("primary").proven_gone().holds
        assert verify(built.plan.evidence.path).intact


@pytest.mark.cell("second_fault_during_recovery", "processes", "postgres", verdict="missed")
def test_a_second_blow_while_the_runbook_is_at_work(desk_folder: Path) -> None:
    second = {"kind": "kill_service", "site": "dr", "process": "postgres"}
    fault = {
        "kind": "second_fault_during_recovery",
        "site": "primary",
        "at": "promoted",
        "second": second,
    }
    with running_desk(desk_folder) as built:
        drill = {"fault": fault, "caps": {"sites": 2}}
        run = built.with_(drill=drill, sites={"dr": {"drills": True}}).drill()
        assert run.verdict == "missed", run.report["reasons"]
        (note,) = [
            line["detail"] for line in ledger(run) if line.get("detail", {}).get("about") == "second fault"
        ]
        assert note["holds"] is True
        assert undone(run) == "reverted, fenced"
        assert built.estate.postgres("orders").writable("dr") is True
        assert built.estate.site("primary").proven_gone().holds
        assert verify(built.plan.evidence.path).intact
