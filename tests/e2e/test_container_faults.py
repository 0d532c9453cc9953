"""Whole drills with other faults than the loss of a site, on the desk in containers: judged and undone."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from drills import drill
from drills.calibration.record import file_of, save
from drills.closing import Closed
from drills.preview import preview
from flows.protection.protect import back_up, replicate_all, restore_tests
from rto_rpo.evidence.checking.verify import verify
from sites.estate import Estate
from sites.plan import read_plan
from tests.e2e.desks import EASY, EXAMPLE, calibration
from tests.e2e.test_other_faults import undone
from tests.engine import BASE, engine

sys.path.insert(0, str(EXAMPLE))  # as in desks

import container_desk as example

pytestmark = [pytest.mark.e2e, pytest.mark.containers, pytest.mark.timeout(400), pytest.mark.campaign]
SITE = {"site": "primary"}


@contextmanager
def running_estate(folder: Path, fault: dict[str, Any], **keys: Any) -> Iterator[Estate]:
    """A desk of containers that is up and protected; its drill does this damage."""
    engine()
    environ = {**os.environ, "BASE": BASE, "BLACKSTART_EVIDENCE": str(folder / "evidence")}
    built = example.build(folder, environ)
    try:
        built.up()
        declared = yaml.safe_load(example.PLAN.read_text())
        declared["drills"]["kill-primary"] |= {**EASY, "deadline": "60s", "fault": fault, **keys}
        text = yaml.safe_dump(declared, sort_keys=False).encode()
        estate = Estate(read_plan(example.PLAN, text, {**environ, **built.variables}))
        outcomes = [*back_up(estate), *replicate_all(estate), *restore_tests(estate)]
        assert [outcome.error for outcome in outcomes if outcome.error] == []
        save(calibration(), file_of(estate.state))
        yield estate
    finally:
        built.down()


def drilled(estate: Estate) -> Closed:
    confirm = preview(estate, "kill-primary").confirm
    return drill.run(estate, "kill-primary", environment="demo", confirm=confirm)


@pytest.mark.cell("partition", "containers", "postgres", verdict="met")
@pytest.mark.cell("pause_site", "containers", "postgres", verdict="met")
@pytest.mark.cell("kill_service", "containers", "postgres", verdict="met")
@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "partition", **SITE},
        {"kind": "pause_site", **SITE},
        {"kind": "kill_service", "process": "postgres", **SITE},
    ],
    ids=lambda fault: fault["kind"],
)
def test_containers_are_failed_over_and_stay_down(desk_folder: Path, fault: dict[str, Any]) -> None:
    revived = fault["kind"] == "partition"  # and then it is reconnected, by somebody careless
    with running_estate(desk_folder, fault, revive_old_primary=revived) as estate:
        run = drilled(estate)
        assert (run.verdict, undone(run)) == ("met", "reverted, fenced"), run.report["reasons"]
        checks = {one["name"]: one["verdict"] for one in run.report["checks"]}
        assert checks["bystanders"] == "met", "the other site is looked at while this one is struck"
        (split,) = run.report["split_brain"]
        assert (split["verdict"], split["revived"], split["revived_taken"]) == ("met", revived, [])
        orders = estate.postgres("orders")
        assert [site for site in ("primary", "dr") if orders.writable(site)] == ["dr"]
        assert verify(estate.plan.evidence.path).intact
