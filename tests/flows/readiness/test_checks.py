"""What `check` says of the fence, which nothing may be promoted without, and of a secret that is missing."""

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


def test_a_secret_that_is_missing_fails_once_and_what_needs_it_is_unknown(tmp_path: Path) -> None:
    secret = tmp_path / "restic-password"
    near = {"site": "here", "url": str(tmp_path / "near"), "password": {"file": str(secret)}}
    plan = {
        "name": "files-only",
        "environment": "test",
        "sites": {"here": {"kind": "processes", "path": "here"}},
        "repositories": {"near": near},
    }
    estate = Estate(read_plan(tmp_path / "plan.yaml", yaml.safe_dump(plan).encode(), {}))

    def seen() -> dict[str, str]:
        return {one.name: f"{one.state}: {one.what}" for one in checks(estate)}

    missing = seen()
    assert missing["secret of near"].startswith("failed: cannot read secret in file")
    assert "write it there" in missing["secret of near"]
    assert missing["repository near"].startswith("unknown: not looked at")
    secret.write_text("long enough")
    secret.chmod(0o600)
    assert seen()["repository near"] == "ok: it is not there yet; the first backup makes it"
