"""A whole drill on a real pair, with its recorder, its dead-man and those that watch; nothing answers it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import yaml

from drills import drill
from drills.calibration.record import file_of, save
from drills.preview import preview
from rto_rpo.evidence.checking.verify import verify
from rto_rpo.report.forms.summary import summary
from sites.estate import Estate
from sites.plan import read_plan
from tests.drills.test_undo_without_us import drilled
from tests.e2e.desks import calibration
from tests.sites.drivers.pairs import Pair

pytestmark = [pytest.mark.postgres, pytest.mark.campaign]


def changed(estate: Estate, **changes: object) -> Estate:
    declared = yaml.safe_load(estate.plan.raw)
    declared["datasets"]["orders"]["rpo"] = "0s"
    declared["drills"]["kill"] |= changes
    return Estate(read_plan(estate.plan.path, yaml.safe_dump(declared).encode(), {}))


def test_where_nothing_serves_the_primary_returns_and_nobody_else_was_harmed(
    new_pair: Callable[..., Pair],
) -> None:
    pair = new_pair()
    estate = changed(drilled(pair), judge={"orders": ["rpo"]}, give_up="2s", bystanders=["dr"])
    save(calibration(), file_of(estate.state))
    confirm = preview(estate, "kill").confirm
    run = drill.run(estate, "kill", environment="test", confirm=confirm)
    checks = {check["name"]: check["verdict"] for check in run.report["checks"]}
    assert checks == {"give-up": "missed", "bystanders": "met"}
    said = "nothing served within 2s, no other site was promoted, and the fault was undone"
    assert said in summary(run.report)[0]
    assert pair.dataset.writable("primary")
    assert verify(estate.plan.evidence.path).intact
