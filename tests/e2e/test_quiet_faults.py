"""Whole drills with faults that no look at the service's health may notice: what they come to, and undone.

A lock, a lost key or a frozen standby is no outage: nobody declares one, so no runbook runs, and a drill that
was to respond by runbook is *missed*. What the damage of a repository is worth shows where the runbook needs
that repository: as the second fault, while it recovers from the first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from drills.closing import Closed
from sites.estate import Estate
from tests.drills.faults.test_database_faults import moved_to_a_volume
from tests.drills.faults.volumes import no_mount
from tests.e2e.desks import ledger
from tests.e2e.small_drills import drilled, small, written
from tests.sites.conftest import repository_template
from tests.sites.drivers.conftest import new_pair, template
from tests.sites.drivers.pairs import Pair
from tests.sites.wire import no_wire, wired_address

__all__ = ["new_pair", "repository_template", "template"]

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(240), pytest.mark.campaign]

UNDECLARED = "the responder declared no outage, so nothing was failed over"
OFFSITE = {"repository": "offsite"}
LOST = {"kind": "lose_newest_snapshot", **OFFSITE, "dataset": "strategies"}
SELDOM = {"kind": "postgres", "service": "database", "dataset": "orders", "rate": "10/s", "limit": "1s"}
TABLE = {"dataset": "orders", "table": "blackstart.canary"}


def judged(estate: Estate, undo: str = "reverted") -> tuple[Closed, dict[str, tuple[str, str]]]:
    """The run, its fault proven to be undone, and what its checks came to."""
    run = drilled(estate)
    (undone,) = [line["detail"]["undone"] for line in ledger(run) if line.get("event") == "undo"]
    assert undone == undo
    checks = {one["name"]: (one["verdict"], one["reason"]) for one in run.report["checks"]}
    lost = [len(each["lost"]) for each in run.report["recovery_points"]]
    kind = run.report["drill"]["fault"]["kind"]
    print(f"proof: {kind}: {run.verdict}, lost {lost}, undo {undone}, checks {checks}")  # noqa: T201
    return run, checks


def check_undeclared(estate: Estate, verdict: str) -> Closed:
    run, checks = judged(estate)
    assert (run.verdict, checks["runbook"]) == (verdict, ("missed", UNDECLARED)), run.report["reasons"]
    return run


def check_second(pair: Pair, template: Path, second: dict[str, Any]) -> tuple[str, str, str]:
    """The verdict, and the runbook's, of a drill whose runbook has to restore from what is struck then."""
    fault = {"kind": "second_fault_during_recovery", "site": "primary", "at": "decided", "second": second}
    changes = {"caps": {"sites": 2}, "deadline": "25s", "repositories": template}
    run, checks = judged(small(pair, fault, **changes), "reverted, fenced")
    (note,) = [
        each["detail"] for each in ledger(run) if each.get("detail", {}).get("about") == "second fault"
    ]
    assert note["holds"] is True
    return run.verdict, *checks["runbook"]


@pytest.mark.cell("lock_repository", "processes", "files", verdict="missed")
@pytest.mark.cell("wrong_key", "processes", "files", verdict="missed")
@pytest.mark.cell("corrupt_repository", "processes", "files", verdict="missed")
@pytest.mark.cell("lose_newest_snapshot", "processes", "files", verdict="missed")
@pytest.mark.parametrize(
    "fault",
    [{"kind": kind, **OFFSITE} for kind in ("lock_repository", "wrong_key", "corrupt_repository")] + [LOST],
    ids=lambda fault: fault["kind"],
)
def test_a_struck_repository_alone_is_no_outage(
    new_pair: Callable[..., Pair], repository_template: Path, fault: dict[str, Any]
) -> None:
    pair = new_pair(synchronous=False)
    run = check_undeclared(small(pair, fault, repositories=repository_template), "missed")
    assert [each["lost"] for each in run.report["recovery_points"]] == [[]]


def test_a_restore_takes_no_lock(new_pair: Callable[..., Pair], repository_template: Path) -> None:
    second = {"kind": "lock_repository", **OFFSITE}
    verdict, runbook, _ = check_second(new_pair(synchronous=False), repository_template, second)
    assert (verdict, runbook) == ("met", "met")


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ({"kind": "wrong_key", **OFFSITE}, "wrong password, or no key fits it"),
        ({"kind": "corrupt_repository", **OFFSITE}, "it is damaged"),
        (LOST, "has no snapshot of it"),
    ],
    ids=["wrong_key", "corrupt_repository", "lose_newest_snapshot"],
)
def test_what_cannot_be_restored_is_missed(
    new_pair: Callable[..., Pair], repository_template: Path, second: dict[str, Any], said: str
) -> None:
    verdict, runbook, why = check_second(new_pair(synchronous=False), repository_template, second)
    assert (verdict, runbook) == ("missed", "missed")
    assert said in why


@pytest.mark.cell("freeze_replica", "processes", "postgres", verdict="missed")
@pytest.mark.parametrize("synchronous", [False, True])
def test_a_frozen_standby_is_declared_by_nobody(new_pair: Callable[..., Pair], synchronous: bool) -> None:
    """Where commits wait for it none ends, and the server answers all the same that it is well."""
    pair = new_pair(synchronous=synchronous)
    fault = {"kind": "freeze_replica", "dataset": "orders"}
    run = check_undeclared(small(pair, fault, synchronous=synchronous), "missed")
    (time,) = run.report["recovery_times"]
    assert (time["lower_seconds"] > 5) == synchronous


@pytest.mark.skipif(no_wire() is not None, reason=str(no_wire()))
@pytest.mark.cell("slow_network", "processes", "postgres", verdict="met")
def test_a_network_that_is_slow_enough_to_be_silent_is_failed_over(new_pair: Callable[..., Pair]) -> None:
    fault = {"kind": "slow_network", "site": "primary", "latency": "3s"}
    pair = new_pair(synchronous=False, wired=wired_address())
    run, _ = judged(small(pair, fault, rto="20s", deadline="30s", canary=SELDOM), "reverted, fenced")
    assert run.verdict == "met", run.report["reasons"]


@pytest.mark.skipif(no_wire() is not None, reason=str(no_wire()))
@pytest.mark.cell("slow_network", "processes", "postgres", verdict="missed")
def test_a_network_that_is_only_a_little_slow_is_declared_by_nobody(new_pair: Callable[..., Pair]) -> None:
    fault = {"kind": "slow_network", "site": "primary", "latency": "20ms"}
    pair = new_pair(synchronous=False, wired=wired_address())
    check_undeclared(small(pair, fault, canary=SELDOM), "missed")


@pytest.mark.skipif(no_mount() is not None, reason=str(no_mount()))
@pytest.mark.cell("fill_disk", "processes", "postgres", verdict="missed")
def test_a_full_disk_is_declared_by_nobody_who_only_asks_for_an_answer(new_pair: Callable[..., Pair]) -> None:
    pair = new_pair(synchronous=False)
    with moved_to_a_volume(pair) as volume:
        run = check_undeclared(small(pair, full(volume), deadline="15s"), "missed")
    (time,) = run.report["recovery_times"]
    assert time["lower_seconds"] > 5


@pytest.mark.skipif(no_mount() is not None, reason=str(no_mount()))
@pytest.mark.cell("fill_disk", "processes", "postgres", verdict="met")
def test_a_full_disk_that_a_look_notices_by_writing_is_failed_over(new_pair: Callable[..., Pair]) -> None:
    pair = new_pair(synchronous=False)
    with moved_to_a_volume(pair) as volume:
        estate = small(pair, full(volume), rto="20s", deadline="30s")
        declared = yaml.safe_load(estate.plan.raw)
        looks = ["sh", "-c", 'head -c 65536 /dev/zero >"$$0/look" || exit 2', str(volume)]
        declared["failover"]["vantages"]["here"]["command"] = looks
        run, _ = judged(written(estate.plan.path, declared), "reverted, fenced")
    assert run.verdict == "met", run.report["reasons"]


def full(volume: Path) -> dict[str, Any]:
    return {"kind": "fill_disk", "site": "primary", "process": "postgres", "path": str(volume)}


@pytest.mark.cell("damage_that_replicates", "processes", "postgres", verdict="missed")
@pytest.mark.parametrize("damage", ["rows_deleted", "table_dropped"])
def test_what_was_damaged_at_every_copy_is_in_the_report(new_pair: Callable[..., Pair], damage: str) -> None:
    """It is read before the undo puts it back: read after that, nothing would have been lost."""
    pair = new_pair(synchronous=False)
    there_already(pair)
    fault = {"kind": "damage_that_replicates", "damage": damage, **TABLE}
    run, checks = judged(small(pair, fault, caps={"sites": 2}, rpo="1s"))
    assert (run.verdict, checks["runbook"]) == ("missed", ("missed", UNDECLARED)), run.report["reasons"]
    assert checks["restore"][0] == "missed"
    (point,) = run.report["recovery_points"]
    if damage == "rows_deleted":
        assert len(point["lost"]) > 20
        assert any("orders rpo: " in said and "beyond" in said for said in run.report["reasons"])
    else:
        assert not any("orders rpo: 0 of" in said for said in run.report["reasons"])


def there_already(pair: Pair) -> None:
    """A table that is to be damaged must be there, and not be empty."""

    async def write() -> None:
        client = pair.dataset.client("primary", limit_seconds=10)
        await client.prepare()
        assert (await client.write("before", 1, b"payload!")).result == "acknowledged"
        await client.aclose()

    asyncio.run(write())


@pytest.mark.cell("damage_that_replicates", "processes", "files", verdict="missed")
def test_encrypted_files_are_declared_by_nobody(
    new_pair: Callable[..., Pair], repository_template: Path
) -> None:
    fault = {"kind": "damage_that_replicates", "dataset": "strategies", "damage": "files_encrypted"}
    estate = small(new_pair(synchronous=False), fault, repositories=repository_template)
    run, checks = judged(estate)
    assert (run.verdict, checks["runbook"][0], checks["restore"][0]) == ("missed", "missed", "missed")
