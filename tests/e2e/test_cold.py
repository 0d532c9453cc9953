"""The desk loses its primary and may not use its standby: all comes from the backup at the other site."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from drills import drill
from drills.preview import preview
from flows.protection.protect import back_up, replicate_all
from flows.recovery.failover import foretold
from rto_rpo.evidence.checking.verify import verify
from sites.estate import Estate
from tests.e2e.desks import RunningDesk, changed, ledger, running_desk
from tests.e2e.test_kill_primary import acknowledged, events, lost, lost_by_brute_force
from tests.sites.drivers.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.campaign, pytest.mark.timeout(300)]

COLD = {"lead": "2s", "deadline": "6m"}


@pytest.fixture
def cold_desk() -> Iterator[RunningDesk]:
    with tempfile.TemporaryDirectory(prefix="blackstart-cold-", dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        with running_desk(Path(folder) / "desk") as desk:
            yield desk


def cold(desk: RunningDesk, *, gate: bool) -> RunningDesk:
    return RunningDesk(desk.desk, Estate(changed(desk.desk, cold=COLD, gate=gate), until_pid=os.getpid()))


def run_cold(desk: RunningDesk, *, backup: bool) -> drill.Closed:
    """With `backup` one is made while the canary writes already, as a schedule would."""

    def tell(said: str) -> None:
        if backup and said.startswith("Lead"):
            wait_until(
                "an order of the canary",
                lambda: any(order.count("-orders-") for order in desk.orders("primary")),
            )
            outcomes = [*back_up(desk.estate), *replicate_all(desk.estate)]
            assert [one.error for one in outcomes if one.error] == []

    confirm = preview(desk.estate, "recover-cold").confirm
    return drill.run(desk.estate, "recover-cold", environment="demo", confirm=confirm, tell=tell)


def test_the_desk_recovers_from_the_copy_alone(cold_desk: RunningDesk) -> None:
    cold_desk = cold(cold_desk, gate=False)
    predicted = foretold(cold_desk.estate)
    assert predicted.unproven == ()
    run = run_cold(cold_desk, backup=True)

    assert run.verdict == "met", run.report["reasons"]
    gone = lost(run)
    # the standby had every one of them: whoever finds none lost has used it
    assert gone == lost_by_brute_force(cold_desk, run)
    assert 0 < len(gone) < len(acknowledged(run))
    (point,), (time,) = run.report["recovery_points"], run.report["recovery_times"]
    assert 0 < point["lower_seconds"] <= point["upper_seconds"] < 3600
    steps = {event["detail"].get("step") for event in ledger(run) if event["kind"] == "event"}
    assert "load orders" in steps
    held = next(
        e["detail"] for e in events(run, "note") if e["detail"].get("about") == "restores from backup"
    )
    assert (
        held["predicted_seconds"].keys()
        == held["measured_seconds"].keys()
        == {"orders", "strategies", "ticks"}
    )
    assert verify(cold_desk.plan.evidence.path, head=run.head).intact
    print(f"proof: cold RTA at most {time['upper_seconds']:.2f} s, RPA {point['upper_seconds']:.2f} s")  # noqa: T201
    print(f"proof: restores predicted {predicted.by_dataset}, measured {held['measured_seconds']}")  # noqa: T201


def test_a_backup_that_took_no_write_along_does_not_say_how_old_it_is(cold_desk: RunningDesk) -> None:
    run = run_cold(cold(cold_desk, gate=False), backup=False)
    (point,) = run.report["recovery_points"]
    assert lost(run) == lost_by_brute_force(cold_desk, run)
    assert point["upper_seconds"] is None
    assert run.verdict == "inconclusive", run.report["reasons"]


def test_no_strategy_starts_while_the_venue_knows_orders_that_the_backup_does_not(
    cold_desk: RunningDesk,
) -> None:
    run = run_cold(cold(cold_desk, gate=True), backup=True)
    assert len(lost(run)) > 0
    checks = {check["name"]: check["verdict"] for check in run.report["checks"]}
    assert (checks["engine"], run.verdict) == ("missed", "missed"), run.report["reasons"]
    assert "engine" not in cold_desk.estate.site("dr").running()
