"""A host that connects itself again in the middle of a drill would end it: that drill does not begin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter

from drills.cut_limit import check_cut_limit
from drills.drill import run
from drills.rehearsal import longest_seconds
from flows.readiness.checks import checks
from sites.errors import GuardError
from sites.estate import Estate
from sites.plan import read_plan
from sites.plan.faults import Fault
from tests.drills.small_drill import DRILL, small_estate

CUT = {"kind": "partition", "site": "primary"}
SECOND = {"kind": "second_fault_during_recovery", "site": "dr", "at": "detected", "second": CUT}
OWN = {"start": ["a"], "stop": ["a"], "kill": ["a"], "status": ["a"]}


def of_hosts(folder: Path, fault: dict[str, Any], cut_limit: str) -> Estate:
    """Nobody answers at its host."""
    declared = yaml.safe_load(small_estate(folder).plan.raw)
    hosts = {"kind": "hosts", "drills": True, "hosts": {"a": {"address": "127.0.0.1", "port": 9}}}
    declared["sites"]["primary"] = hosts | {"cut_limit": cut_limit, "processes": {"postgres": OWN}}
    path = folder / "hosts.yaml"
    path.write_text(yaml.safe_dump(declared))
    plan = read_plan(path, path.read_bytes(), {})
    drill = plan.drills[DRILL].model_copy(update={"fault": TypeAdapter(Fault).validate_python(fault)})
    return Estate(plan.model_copy(update={"drills": {DRILL: drill}}))


@pytest.mark.parametrize("fault", [CUT, SECOND], ids=["first", "second"])
def test_a_host_may_not_come_back_before_the_drill_is_over(tmp_path: Path, fault: dict[str, Any]) -> None:
    estate = of_hosts(tmp_path, fault, "10s")
    wanted = f"{longest_seconds(estate.plan.drills[DRILL]):.0f}s"
    with pytest.raises(GuardError) as caught:
        check_cut_limit(estate, DRILL)
    assert str(caught.value) == (
        'cannot run drill "strike": hosts of site "primary" that are cut off connect themselves again after '
        f"10s (`cut_limit`), and the drill may take {wanted}"
    )
    assert caught.value.hint == f"make `cut_limit` of the site at least {wanted}, or the deadline shorter"
    check_cut_limit(of_hosts(tmp_path, fault, wanted), DRILL)


def test_such_a_drill_does_not_begin(tmp_path: Path) -> None:
    with pytest.raises(GuardError, match="cut_limit"):
        run(of_hosts(tmp_path, CUT, "10s"), DRILL, environment="test", confirm="any")


def test_what_cuts_no_host_off_has_no_such_limit(tmp_path: Path) -> None:
    check_cut_limit(of_hosts(tmp_path, {"kind": "kill_site", "site": "primary"}, "10s"), DRILL)


def test_check_says_so_without_a_drill(tmp_path: Path) -> None:
    told = [one for one in checks(of_hosts(tmp_path, CUT, "10s")) if one.name == "drill strike"]
    assert [(one.state, "cut_limit" in one.what) for one in told] == [("failed", True)]
