"""The main job on real components, and the same drill made to go wrong on purpose."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from drills import drill, rehearsal
from drills.closing import Closed
from drills.fault import Left
from drills.faults.kill_site import KillSite
from drills.preview import preview
from drills.records import speaker
from drills.repeat import wait_until_healthy
from drills.signing import approve
from drills.undo import UndoIntents
from flows.exposure.status import status_of
from rto_rpo.evidence.agreed.authority import authority
from rto_rpo.evidence.agreed.charter import parse_charter
from rto_rpo.evidence.checking.verify import verify
from rto_rpo.evidence.lines.heads import read_heads
from rto_rpo.evidence.lines.history import read_entries, records, run_records
from sites.capability import Proof
from sites.drivers.postgres.receiver import drop_receiver, freeze_receiver
from sites.errors import GuardError
from sites.estate import Estate
from tests.e2e.changes import change, expect_as_declared
from tests.e2e.desks import RunningDesk, ledger, running_desk
from tests.rto_rpo.evidence.stranger import stranger

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


def canary(order: str, run: str) -> int | None:
    """The number of one of the canary's orders, from its client order id; None for anybody else's."""
    prefix, _, number = order.rpartition("-")
    return int(number) if prefix == f"{run[:8]}-orders" else None


def acknowledged(run: Closed) -> set[int]:
    return {
        record["number"]
        for record in ledger(run)
        if record["kind"] == "operation"
        and record["stream"] == "orders"
        and record["outcome"] == "acknowledged"
    }


def events(run: Closed, name: str) -> list[dict[str, Any]]:
    return [record for record in ledger(run) if record["kind"] == "event" and record["event"] == name]


def lost(run: Closed) -> set[int]:
    (point,) = run.report["recovery_points"]
    return {write["number"] for write in point["lost"]}


def lost_by_brute_force(desk: RunningDesk, run: Closed) -> set[int]:
    """What the ledger says was acknowledged, less what the database itself says when it is asked."""
    there = {canary(order, run.report["run"]) for order in desk.orders("dr")}
    return acknowledged(run) - {number for number in there if number is not None}


def approve_it(desk: RunningDesk, confirm: str) -> None:
    who = speaker(desk.plan, "Risk", None, None)
    approve(desk.plan, "kill-primary", confirm, who, "accepted", "go", ticket="CHG-7", until=None)


@pytest.mark.cell("kill_site", "processes", "postgres", verdict="met")
def test_the_primary_is_killed_and_every_promise_is_kept(desk: RunningDesk) -> None:
    confirm = preview(desk.estate, "kill-primary").confirm
    with pytest.raises(GuardError, match='"0" was given'):
        approve_it(desk, "0")
    approve_it(desk, confirm)
    run = desk.drill()
    assert run.verdict == "met", "\n".join(run.report["reasons"])
    entries = read_entries((desk.plan.evidence.path / "chain.jsonl").read_bytes())
    charter = parse_charter((run.folder / "charter.json").read_bytes())
    had = authority(run_records(entries)[-1], charter, records(entries))
    assert [(each.name, each.standing, each.ticket) for each in had.approvals] == [
        ("Risk", "claimed", "CHG-7")
    ]
    assert lost(run) == lost_by_brute_force(desk, run) == set()
    assert run.report["safe"]["reached"]
    tried = {(one["what"], one["where"]) for one in run.report["versions"] if one["version"]}
    assert {("PostgreSQL server of orders", f"site {site}") for site in ("primary", "dr")} < tried
    assert {"restic", "gateway", "engine", "Prefect", "Python"} < {what for what, _ in tried}
    assert [one for one in run.report["versions"] if one["version"] is None] == []
    checks = {check["name"]: check["verdict"] for check in run.report["checks"]}
    assert checks == {"engine": "met", "runbook": "met", "bystanders": "met"}
    assert UndoIntents(desk.estate.state).pending() == []
    assert not desk.estate.site("primary").running()
    assert "engine" in desk.estate.site("dr").running()
    assert {path.name for path in run.folder.iterdir()} == {
        "plan.yaml", "charter.json", "ledger.jsonl", "report.json", "report.html", "report.md",
    }  # fmt: skip
    assert desk.plan.evidence.heads is not None
    assert [kept.head for kept in read_heads(desk.plan.evidence.heads)][1:] == [run.head]
    outcome = verify(desk.plan.evidence.path, head=run.head)
    assert outcome.intact, outcome.findings
    assert outcome.anchored
    _a_stranger_agrees(desk.plan.evidence.path, run)
    with pytest.raises(GuardError, match='site "primary" is fenced'):
        drill.run(desk.estate, "kill-primary", environment="demo", confirm="0")
    with pytest.raises(GuardError, match='site "primary" is fenced'):
        wait_until_healthy(desk.estate, "kill-primary", limit_seconds=3600)

    served_by_dr = desk.orders("dr")
    assert [row.partition(":")[0] for row in status_of(desk.estate).unprotected] == ['dataset "orders"']
    change(desk, "failback")
    expect_as_declared(desk)
    assert served_by_dr <= desk.orders("primary")


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(10))
def test_at_any_phase_nothing_acknowledged_is_lost(desk: RunningDesk, seed: int) -> None:
    run = desk.drill(seed=seed)
    assert lost(run) == lost_by_brute_force(desk, run) == set()
    (time,) = run.report["recovery_times"]
    assert run.verdict == "met", "\n".join(run.report["reasons"])
    print(f"proof: RTA at most {time['upper_seconds']:.2f} s")  # noqa: T201


@pytest.mark.campaign
def test_a_primary_that_is_revived_after_our_own_failover_acknowledges_nothing(desk: RunningDesk) -> None:
    """By somebody careless, past the fence: its commits wait for who has left it, and nobody is told of one.

    That is as much as synchrony gives. Since such a commit may have happened, the drill is not *met* by it.
    """
    run = desk.with_(drill={"revive_old_primary": True}).drill()
    (split,) = run.report["split_brain"]
    assert (split["revived"], split["revived_taken"], split["after"]) == (True, [], []), split
    assert split["revived_tried"] > 5
    assert f"after its revival: it took 0 of {split['revived_tried']}" in split["reason"]
    assert (split["verdict"], run.verdict) == ("inconclusive", "inconclusive"), run.report["reasons"]
    assert desk.estate.site("primary").proven_gone().holds
    print(f"proof: {split['revived_tried']} writes to the revived primary, none acknowledged")  # noqa: T201


def test_lost_orders_are_found_exactly_and_keep_strategies_blocked(
    desk_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asynchronous, and the standby's receiver frozen for a second before the kill."""
    with running_desk(desk_folder, synchronous=False) as desk:
        dr, receiver = desk.estate.site("dr"), desk.estate.postgres("orders").receiver_pid("dr")
        assert receiver is not None
        kill, look = KillSite.inject, rehearsal.check_health

        def look_and_freeze(estate: Estate, name: str) -> None:
            """Right after the last look at the standby, which would have noticed."""
            look(estate, name)
            freeze_receiver(dr, receiver)
            threading.Event().wait(1.0)

        def kill_for_good(fault: KillSite, left: Left) -> Proof:
            """What the kernel still holds of the primary's last words is lost with it, as with a host."""
            proof = kill(fault, left)
            drop_receiver(dr, receiver)
            return proof

        monkeypatch.setattr(rehearsal, "check_health", look_and_freeze)
        monkeypatch.setattr(KillSite, "inject", kill_for_good)
        desk.place_at_venue("0-planted")
        run = desk.drill()
        found = lost_by_brute_force(desk, run)
        assert found, "the frozen receiver lost nothing: this control would prove nothing"
        assert lost(run) == found
        verdicts = {judged["objective"]: judged["verdict"] for judged in run.report["judgements"]}
        assert verdicts["rpo"] == "missed"
        assert run.verdict == "missed"
        assert gate(run)["verdict"] == "missed"
        assert "0-planted" in gate(run)["said"]["unknown"]
        strategies_are_blocked(desk, run)


def test_no_failover_is_missed_and_then_a_stopped_recorder_is_inconclusive(
    desk: RunningDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On one desk: where nobody took over, healing brings the primary back, ready for the next drill."""
    alone = desk.with_(services={"gateway": {"rto": "4s"}}, drill={"respond": "observe", "give_up": "6s"})
    run = alone.drill()
    assert run.verdict == "missed", run.report["reasons"]
    gave_up = "nothing served within 6s, no other site was promoted, and the fault was undone"
    assert gave_up in (run.folder / "report.md").read_text().splitlines()[0]
    (time,) = run.report["recovery_times"]
    assert time["upper_seconds"] is None
    assert time["lower_seconds"] > 4
    assert [e["detail"]["undone"] for e in events(run, "undo")] == ["reverted"]
    assert {"postgres", "gateway", "engine"} <= set(desk.estate.site("primary").running())
    assert desk.estate.postgres("orders").wait_until_in_sync(limit_seconds=30).holds

    monkeypatch.setattr(KillSite, "inject", inject_behind_a_stopped_recorder)
    run = desk.drill()
    assert run.verdict == "inconclusive", run.report["reasons"]
    assert run.report["instrument"]["stall_max_seconds"] > 1.9, run.report["reasons"]
    assert verify(desk.plan.evidence.path).intact
    _a_stranger_agrees(desk.plan.evidence.path, run)


def _a_stranger_agrees(evidence: Path, run: Closed) -> None:
    """The stand-alone check finds the same verdict; an instrument in doubt it leaves to `verify`."""
    code, said = stranger(evidence, "", run.head)
    assert code == 0, said
    [told] = [line for line in said.splitlines() if line.startswith(run.folder.name)]
    assert told.startswith(f"{run.folder.name} {run.verdict}; from its ledger: "), said
    assert run.verdict == "inconclusive" or told.endswith(f": {run.verdict}"), said
    ledger = run.folder / "ledger.jsonl"
    content = ledger.read_bytes()
    ledger.write_bytes(content[:-2] + b" " + content[-1:])
    assert stranger(evidence, "", run.head).code == 1
    ledger.write_bytes(content)


def gate(run: Closed) -> dict[str, Any]:
    """What the reconciliation said."""
    (check,) = [e["detail"] for e in events(run, "check") if e["detail"]["name"] == "engine"]
    return dict(check)


def strategies_are_blocked(desk: RunningDesk, run: Closed) -> None:
    assert not run.report["safe"]["reached"]
    assert "engine" not in desk.estate.site("dr").running()


def inject_behind_a_stopped_recorder(self: KillSite, left: Left) -> Proof:
    (recorder,) = recorders()
    os.kill(recorder, signal.SIGSTOP)
    threading.Timer(2.0, os.kill, (recorder, signal.SIGCONT)).start()
    assert left.targets
    return self.site.kill()


def recorders() -> list[int]:
    """The recorders that this process has started and that run, by process number."""
    children = (Path("/proc/self/task") / str(threading.get_native_id()) / "children").read_text().split()
    return [int(c) for c in children if b"drills.recorder" in (Path("/proc") / c / "cmdline").read_bytes()]
