"""What `check` says of the fence: with no accepted proof nothing could be promoted, and it says so."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from flows.readiness.checks import checks
from sites.estate import Estate
from sites.plan import read_plan


def fence(folder: Path, **failover: object) -> tuple[str, str]:
    plan = {
        "name": "files-only",
        "environment": "test",
        "sites": {name: {"kind": "processes", "path": name} for name in ("here", "there")},
        "failover": {"from": "here", "to": "there", "decide": "approval", **failover},
    }
    estate = Estate(read_plan(folder / "plan.yaml", yaml.safe_dump(plan).encode(), {}))
    (found,) = [one for one in checks(estate) if one.name == "fence here"]
    return found.state, found.what


@pytest.mark.parametrize(
    ("failover", "state", "what"),
    [
        ({}, "failed", 'nothing can prove that site "here" takes no writes'),
        ({"fence": "operator"}, "ok", "a person typed that the site is off"),
        ({"power_off": {"command": ["off"], "confirm": ["is-off"]}}, "ok", "the provider's command"),
    ],
)
def test_no_proof_of_the_fence_is_a_failed_check(
    tmp_path: Path, failover: dict[str, object], state: str, what: str
) -> None:
    found = fence(tmp_path, **failover)
    assert (found[0], what in found[1]) == (state, True), found
