"""What a restore from backup lost, told by marks in the files themselves; beside a control that answers."""

from __future__ import annotations

import pytest

from flows.protection.protect import back_up, replicate_all
from rto_rpo.evidence.checking.verify import verify
from sites.drivers.marks import FOLDER
from tests.drills.recorder.running import wait_for
from tests.e2e.desks import RunningDesk, ledger
from tests.fakes.orders import OrdersService

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


@pytest.mark.cell("kill_site", "processes", "files", verdict="met")
def test_marks_in_restored_files_tell_what_was_lost(desk: RunningDesk) -> None:
    outside = OrdersService()
    keys = {
        "judge": {"gateway": ["rto"], "orders": ["rpo"], "strategies": ["rpo"]},
        "marks": [{"kind": "files", "dataset": "strategies", "rate": "10/s", "lead": "1s"}],
        "control": outside.url,
    }
    try:
        marked = desk.with_(drill=keys)
        source = desk.desk.folder / "primary" / "strategies" / FOLDER
        taken: list[int] = []

        def back_up_meanwhile(said: str) -> None:
            """The scheduled backup that happens to run while marks are being written."""
            if said.startswith("Lead"):
                assert wait_for(lambda: len(list(source.glob("*/[0-9]*"))) > 5)
                taken.append(len(list(source.glob("*/[0-9]*"))))
                outcomes = [*back_up(marked.estate, ["strategies"]), *replicate_all(marked.estate)]
                assert [outcome.error for outcome in outcomes if outcome.error] == []

        run = marked.drill(tell=back_up_meanwhile)

        restored = desk.desk.folder / "dr" / "strategies" / FOLDER
        there = {int(path.name) for path in restored.glob("*/[0-9]*")}
        point = next(p for p in run.report["recovery_points"] if p["stream"] == "strategies")
        operations = [r for r in ledger(run) if r["kind"] == "operation" and r["stream"] == "strategies"]
        acknowledged = {o["number"] for o in operations if o["outcome"] == "acknowledged"}
        assert run.verdict == "met", run.report["reasons"]
        assert {write["number"] for write in point["lost"]} == acknowledged - there
        assert len(there) >= taken[0] > 5
        assert 0.5 < point["lower_seconds"] < point["upper_seconds"] < 60
        assert verify(desk.plan.evidence.path, head=run.head).intact
    finally:
        outside.close()
