"""A database that is run by the user's commands need not end with the site's processes: it is asked."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from sites.estate import Estate
from sites.plan import read_plan
from sites.recovery.own_steps import runbook_of
from sites.recovery.respond import fail_over


def quiet(_event: str, _detail: object) -> None:
    pass


@pytest.mark.parametrize("alive", [True, False])
def test_nothing_is_promoted_while_the_old_copy_says_that_it_takes_writes(
    tmp_path: Path, alive: bool
) -> None:
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    (tmp_path / "takes-writes-here").touch()
    web = {"web": {"command": ["sleep", "60"]}}
    takes = "test -e takes-writes-$$BLACKSTART_SITE"
    plan: dict[str, Any] = {
        "name": "light",
        "environment": "test",
        "sites": {name: {"kind": "processes", "path": name, "processes": web} for name in ("here", "there")},
        "datasets": {
            "cache": {
                "kind": "shell",
                "site": "here",
                "standby": "there",
                "writable": ["sh", "-c", takes],
                "promote": ["sh", "-c", "touch takes-writes-$$BLACKSTART_SITE"],
            }
        },
        "failover": {"from": "here", "to": "there", "fence": "required", "decide": "automatic"},
    }
    text = yaml.safe_dump(plan).encode()
    estate = Estate(read_plan(tmp_path / "plan.yaml", text, {}), until_pid=os.getpid())
    estate.site("here").up()
    if not alive:
        (tmp_path / "takes-writes-here").unlink()
    run = fail_over(estate, runbook_of(estate, quiet), quiet)
    assert run.complete == (not alive)
    assert (tmp_path / "takes-writes-there").exists() == (not alive)
    assert estate.site("here").proven_gone().holds
