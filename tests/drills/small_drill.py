"""The least plan that declares a drill: two sites of sleepers, of which the primary may be struck."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from drills.fault import Fault
from drills.faults import fault_of
from drills.undo import Undo, UndoIntents, left_of, room_of
from sites.estate import Estate
from tests.drills.faults.conftest import estate_of

DRILL = "strike"
URL = "http://127.0.0.1:9"  # nobody listens there


def small_estate(folder: Path, *, fault: dict[str, Any] | None = None, **changes: Any) -> Estate:
    """Nothing of it is up. `changes` are keys of the drill."""
    (folder / "files").mkdir(exist_ok=True)
    drill: dict[str, Any] = {
        "fault": fault or {"kind": "kill_site", "site": "primary"},
        "respond": "observe",
        "after": "stay",
        "judge": {"web": ["rto"]},
        "canary": {"kind": "http", "service": "web", "dataset": "files", "rate": "10/s"},
        "stable": "2s",
        "deadline": "40s",
    }
    return estate_of(
        folder,
        datasets={"files": {"kind": "files", "site": "primary", "path": str(folder / "files")}},
        services={"web": {"endpoint": URL, "needs": ["files"], "rto": "30s"}},
        drills={DRILL: drill | changes},
    )


def fault_and_intent(estate: Estate, run: str = "a-run") -> tuple[Fault, Undo]:
    """As a drill has them right before it injects."""
    fault = fault_of(estate, estate.plan.drills[DRILL])
    targets = [target.name for target in fault.ready() if target.kind == "process"]
    undo = Undo(
        run=run,
        drill=DRILL,
        utc="2026-11-22T06:00:00+00:00",
        fault=estate.plan.drills[DRILL].fault.model_dump(mode="json"),
        undo=fault.undo(),
        targets=targets,
        data=fault.arm(room_of(estate.state, run)),
        plan_path=str(estate.plan.path),
        plan_text=estate.plan.raw.decode(),
        variables={},
    )
    return fault, undo


def struck_now(estate: Estate, run: str = "a-run") -> Undo:
    """As far as a drill comes: the intent is on disk, and the site is gone."""
    fault, undo = fault_and_intent(estate, run)
    UndoIntents(estate.state).write(undo)
    assert fault.inject(left_of(undo, estate.state)).holds
    return undo
