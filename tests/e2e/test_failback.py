"""The trading desk changes sites and comes back. A failback after a failover is tried with the failover."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.e2e.changes import change, expect_as_declared
from tests.e2e.desks import running_desk

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


@pytest.mark.campaign
def test_a_planned_switchover_and_its_failback_lose_nothing_and_bring_files_along(desk_folder: Path) -> None:
    with running_desk(desk_folder) as desk:
        (desk_folder / "primary/strategies/new-limits").write_text("since the last backup")
        before = desk.orders("primary")

        change(desk, "switchover")

        assert before <= desk.orders("dr")
        assert (desk_folder / "dr/strategies/new-limits").read_text() == "since the last backup"
        assert desk.estate.postgres("orders").in_sync(standby="primary").holds
        (desk_folder / "dr/strategies/new-limits").write_text("while dr served")
        change(desk, "failback")
        expect_as_declared(desk)
        assert (desk_folder / "primary/strategies/new-limits").read_text() == "while dr served"


@pytest.mark.campaign
@pytest.mark.timeout(1200)
def test_ten_rounds_on_the_desk_leave_both_sites_as_declared(desk_folder: Path) -> None:
    rounds = int(os.environ.get("BLACKSTART_ROUNDS", "10"))
    with running_desk(desk_folder) as desk:
        for number in range(rounds):
            run = desk.drill(seed=number)
            assert run.verdict == "met", run.report["reasons"]
            change(desk, "failback")
            expect_as_declared(desk)
    print(f"proof: {rounds} failovers, each failed back, both sites as declared after each")  # noqa: T201
