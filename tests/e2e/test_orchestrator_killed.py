"""The orchestrator is killed at any moment of a drill: its dead-man undoes, and recover closes the run."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from drills.undo import UndoIntents
from rto_rpo.evidence.checking.verify import verify
from rto_rpo.evidence.keeping import chain
from rto_rpo.evidence.keeping.run_folder import held
from tests.e2e.desks import RunningDesk

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

BLACKSTART = str(Path(sys.executable).with_name("blackstart"))
CAMPAIGN_KILLS = 50
# A lease, then all of the dead-man's patience, on a machine that may be busy.
UNDONE_SECONDS_MAX = 120


def drill_in_the_background(desk: RunningDesk, plan: Path) -> subprocess.Popen[bytes]:
    """`blackstart drill`, as an operator would start it."""
    preview = blackstart(desk, plan, "drill", "kill-primary", "--preview", "--json")
    confirm = json.loads(preview.stdout)["confirm"]
    argv = [BLACKSTART, "drill", "kill-primary", "--plan", str(plan), "--environment", "demo"]
    return subprocess.Popen([*argv, "--confirm", confirm], env=environ(desk), stderr=subprocess.DEVNULL)


def blackstart(desk: RunningDesk, plan: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    argv = [BLACKSTART, *words, "--plan", str(plan)]
    return subprocess.run(argv, env=environ(desk), capture_output=True, check=False, timeout=120)


def environ(desk: RunningDesk) -> dict[str, str]:
    return {**os.environ, **desk.plan.variables}


def wait_until(holds: Callable[[], bool], limit_seconds: float) -> None:
    deadline = time.monotonic() + limit_seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to be in time"
        time.sleep(0.02)


def happened(desk: RunningDesk, event: str) -> Callable[[], bool]:
    def look() -> bool:
        ledgers = desk.plan.evidence.path.glob("*/ledger.jsonl")
        return any(f'"event":"{event}"' in ledger.read_text() for ledger in ledgers)

    return look


def not_held(run: Path) -> bool:
    return not held(run)


def check_nothing_is_left_after_a_kill(desk: RunningDesk, event: str | None, later_seconds: float) -> str:
    """Kill the orchestrator some time after an event (None: its start); return how that ended.

    Nothing but its dead-man undoes. No fault is left, no second writer, and the ledger verifies.
    """
    plan = desk.plan_beside_the_example()
    try:
        orchestrator = drill_in_the_background(desk, plan)
        if event is not None:
            wait_until(happened(desk, event), 60)
        time.sleep(later_seconds)
        orchestrator.kill()
        orchestrator.wait()
        wait_until(lambda: not UndoIntents(desk.estate.state).pending(), UNDONE_SECONDS_MAX)
        runs = chain.unfinished(desk.plan.evidence.path)
        for run in runs:
            wait_until(partial(not_held, run.path), 150)
        recovered = blackstart(desk, plan, "recover")
        resumed = b"failover --resume" in recovered.stdout
        if resumed:
            gone_on = blackstart(desk, plan, "failover", "--resume", "--environment", "demo")
            assert gone_on.returncode == 0, gone_on.stdout + gone_on.stderr
        else:
            assert recovered.returncode == 0, recovered.stdout + recovered.stderr
        again = blackstart(desk, plan, "recover")
        assert again.stdout.strip() == b"nothing was left behind"
    finally:
        plan.unlink()
    writers = [site for site in ("primary", "dr") if desk.estate.postgres("orders").writable(site)]
    assert len(writers) == 1, f"writers: {writers}"
    return f"{writers[0]} serves{' after resuming' if resumed else ''}, {ledger_of_it(desk, bool(runs))}"


def ledger_of_it(desk: RunningDesk, opened: bool) -> str:
    """What the evidence says of the run: intact, closed, and no writes taken at both sites."""
    if not opened:
        assert not desk.plan.evidence.path.exists() or verify(desk.plan.evidence.path).intact
        return "no run was open"
    checked = verify(desk.plan.evidence.path)
    assert checked.intact, checked.findings
    (run,) = checked.runs
    assert run.state == "closed"
    report = desk.plan.evidence.path / run.folder / "report.json"
    if not report.exists():
        return "closed without a ledger"
    content = json.loads(report.read_text())
    split = [one for one in content["split_brain"] if one["verdict"] == "missed"]
    assert split == [], "two sites took writes"
    begun = content["timeline"]["fault_begin_at_seconds"] is not None
    return f"ledger {content['ledger']['ended'] or 'cut off'}, {'struck' if begun else 'not struck yet'}"


def test_a_killed_orchestrator_leaves_nothing_behind(desk: RunningDesk) -> None:
    check_nothing_is_left_after_a_kill(desk, "redirected", 0.0)


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(CAMPAIGN_KILLS))
def test_a_kill_at_any_moment_leaves_nothing_behind(desk: RunningDesk, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - the moments are to be the same each time
    event = chance.choice([None, "steady", "fault_begin", "detected", "promoted", "redirected", "stable"])
    found = check_nothing_is_left_after_a_kill(desk, event, chance.uniform(0, 3.0 if event is None else 0.6))
    print(f"proof: killed after {event or 'its start'}: {found}")  # noqa: T201


@pytest.mark.campaign
@pytest.mark.cell("kill_orchestrator", "processes", "postgres", verdict="inconclusive")
def test_a_drill_whose_fault_kills_its_own_orchestrator(desk: RunningDesk) -> None:
    """The dead-man undoes it and the recorder closes the ledger: the evidence says so, and is no success."""
    desk = desk.with_(drill={"fault": {"kind": "kill_orchestrator", "site": "primary", "later": "300ms"}})
    plan = desk.plan_beside_the_example()
    try:
        orchestrator = drill_in_the_background(desk, plan)
        assert orchestrator.wait(90) == -signal.SIGKILL
        (run,) = chain.unfinished(desk.plan.evidence.path)
        wait_until(partial(not_held, run.path), 150)
        recovered = blackstart(desk, plan, "recover")
        if b"failover --resume" in recovered.stdout:
            resumed = blackstart(desk, plan, "failover", "--resume", "--environment", "demo")
            assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    finally:
        plan.unlink()
    told = [json.loads(line) for line in (run.path / "ledger.jsonl").read_bytes().splitlines()]
    (undo,) = [line["detail"] for line in told if line.get("event") == "undo"]
    (aborted,) = [line["detail"] for line in told if line.get("event") == "aborted"]
    assert undo["by"] == "dead-man"
    assert "the orchestrator is gone; its dead-man undoes the fault" in aborted["reason"]
    report = json.loads((run.path / "report.json").read_text())
    assert report["verdict"] == "inconclusive"
    writers = [site for site in ("primary", "dr") if desk.estate.postgres("orders").writable(site)]
    assert len(writers) == 1, f"writers: {writers}"
    assert verify(desk.plan.evidence.path).intact
