"""Small real estates for whole drills: a PostgreSQL pair whose runbook is ready, and files with backups."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import yaml

from drills import drill
from drills.calibration.record import file_of, save
from drills.closing import Closed
from drills.preview import preview
from flows.protection.protect import back_up, replicate_all, restore_tests
from rto_rpo.evidence.checking.verify import verify
from sites.estate import Estate
from sites.plan import read_plan
from tests.e2e.desks import calibration
from tests.e2e.test_revived_primary import failed_over
from tests.sites.drivers.pairs import Pair
from tests.sites.repositories import PASSWORD

QUICK = {"late": "1s", "stable": "2s", "deadline": "8s", "phase": "0s"}


def small(
    pair: Pair,
    fault: dict[str, Any],
    *,
    synchronous: bool = False,
    rto: str = "5s",
    rpo: str = "1m",
    repositories: Path | None = None,
    **drill: Any,
) -> Estate:
    """The pair, with a runbook that would fail it over, and a drill of that fault.

    With `repositories`, a template of one, also a folder that the runbook restores at the other site.
    """
    plan = failed_over(pair, "kill_site").plan
    declared = yaml.safe_load(plan.raw)
    declared["services"]["database"]["rto"] = rto
    declared["datasets"]["orders"]["rpo"] = rpo
    if synchronous:
        declared["datasets"]["orders"] |= {"synchronous": True, "on_standby_loss": "block"}
    declared["drills"]["lose-primary"] |= {"fault": fault, "revive_old_primary": False, **QUICK, **drill}
    if repositories is None:
        return written(plan.path, declared)
    declared |= _files(plan.path.parent, repositories, declared["datasets"])
    return protected(written(plan.path, declared))


def _files(folder: Path, template: Path, datasets: dict[str, Any]) -> dict[str, Any]:
    (folder / "restic").write_text(PASSWORD)
    (folder / "restic").chmod(0o600)
    kept: dict[str, Any] = {"password": {"file": str(folder / "restic")}}
    for name in ("onsite", "offsite"):
        shutil.copytree(template, folder / name)
    (folder / "strategies").mkdir()
    (folder / "strategies/one").write_bytes(os.urandom(200_000))
    repositories = {
        "onsite": {"site": "primary", "url": str(folder / "onsite"), **kept},
        "offsite": {"site": "dr", "url": str(folder / "offsite"), "copy_of": "onsite", **kept},
    }
    strategies = {
        "kind": "files",
        "site": "primary",
        "path": str(folder / "strategies"),
        "restore": {"site": "dr", "path": str(folder / "restored")},
        "backup": {"to": "onsite", "every": "1h"},
        "rpo": "1h",
    }
    return {"repositories": repositories, "datasets": {**datasets, "strategies": strategies}}


def protected(estate: Estate) -> Estate:
    outcomes = [*back_up(estate), *replicate_all(estate), *restore_tests(estate)]
    assert [one.error for one in outcomes if one.error] == []
    return estate


def written(path: Path, declared: dict[str, Any]) -> Estate:
    path.write_text(yaml.safe_dump(declared))
    return Estate(read_plan(path, path.read_bytes(), {}), until_pid=os.getpid())


def drilled(estate: Estate) -> Closed:
    """Run it, and see that its evidence is whole."""
    save(calibration(), file_of(estate.state))
    confirm = preview(estate, "lose-primary").confirm
    run = drill.run(estate, "lose-primary", environment="test", confirm=confirm)
    assert verify(estate.plan.evidence.path).intact
    return run
