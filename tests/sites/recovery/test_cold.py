"""The table of the cold recovery: what a replica held reaches nobody, whatever else is as in a failover."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from sites.errors import GuardError
from sites.recovery.cold import ColdRecovery, runbook
from sites.recovery.failover import ATTEST, Failover
from sites.recovery.runbook import Step, in_order
from tests.sites.recovery.test_failover import EXAMPLE, before, desk, estate, table

__all__ = ["desk"]


def cold(variables: dict[str, str]) -> dict[str, Step]:
    return {step.name: step for step in in_order(runbook(estate(variables), lambda *_: None, cold=True))}


def test_no_client_and_no_gate_meets_what_the_replica_held(desk: dict[str, str]) -> None:
    steps = cold(desk)
    assert before(steps, "redirect gateway") == {
        "fence primary",
        "promote orders",
        "load orders",
        "start gateway",
    }
    for name in ("gate engine", "start engine", "start gateway", ATTEST):
        assert "load orders" in before(steps, name), name
    assert steps["promote orders"].milestone is None
    assert steps["load orders"].milestone == "promoted"
    assert 'from repository "offsite"' in steps["load orders"].says


def test_all_else_is_as_in_a_failover(desk: dict[str, str]) -> None:
    assert set(cold(desk)) - set(table(desk)) == {"load orders"}
    warm = {step.name for step in runbook(estate(desk), lambda *_: None, cold=False)}
    assert warm == {step.name for step in Failover(estate(desk), lambda *_: None).steps()}


def test_a_backup_that_is_lost_with_the_site_is_none(desk: dict[str, str]) -> None:
    lonely = {
        "onsite": {
            "site": "primary",
            "url": str(Path(desk["DESK"]) / "primary" / "repository"),
            "password": {"file": str(Path(desk["DESK"]) / "secrets" / "restic")},
        }
    }
    here = estate(desk, repositories=lonely, datasets=_only_orders(), services={}, drills=None)
    with pytest.raises(GuardError, match='repository "onsite" is lost with "primary"'):
        ColdRecovery(here, lambda *_: None)


def test_a_database_of_pgbackrest_s_is_loaded_from_there(desk: dict[str, str]) -> None:
    wall = {"kind": "pgbackrest", "stanza": "desk", "config": "/etc/pg desk.conf"}
    walls = {
        "onsite-wal": {**wall, "site": "primary"},
        "offsite-wal": {**wall, "site": "dr", "repo": 2, "copy_of": "onsite-wal"},
    }
    orders = {**_only_orders()["orders"], "backup": {"to": "onsite-wal", "every": "1d"}}
    here = estate(desk, repositories=walls, datasets={"orders": orders}, services={}, drills=None)
    (load,) = (step for step in ColdRecovery(here, lambda *_: None).steps() if step.name == "load orders")
    assert 'at site "dr" from repository "offsite-wal"' in load.says
    assert "pgbackrest --stanza=desk --repo=2 --config='/etc/pg desk.conf'" in load.by_hand
    assert (
        load.by_hand.index("pg_dump") < load.by_hand.index("DROP SCHEMA") < load.by_hand.index("pg_restore")
    )
    assert subprocess.run(["/bin/sh", "-n", "-c", load.by_hand], check=False).returncode == 0


def _only_orders() -> dict[str, Any]:
    return {"orders": yaml.safe_load(EXAMPLE.read_text())["datasets"]["orders"]}
