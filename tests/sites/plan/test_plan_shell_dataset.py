"""A dataset of one's own commands says what it needs for what it declares."""

from __future__ import annotations

from pathlib import Path

import pytest

from sites.errors import PlanError
from sites.plan import read_plan

PLAN = """
name: own
environment: test
sites: {{here: {{kind: processes, path: here}}, there: {{kind: processes, path: there}}}}
repositories: {{near: {{site: here, url: near, password: {{file: secret}}}}}}
datasets: {{cache: {{kind: shell, site: here, {more}}}}}
"""

STANDBY = "standby: there, promote: [a], writable: [a]"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("backup: {to: near, every: 1h}", "cache.dump: missing; a backup takes a dump"),
        ("restore_at: there, dump: [a], backup: {to: near, every: 1h}", "cache.load: missing"),
        ("restore_at: there, load: [a]", "cache.backup: missing; without a backup"),
        ("standby: there, writable: [a]", "cache.promote: missing"),
        ("standby: there, promote: [a]", "cache.writable: missing"),
        ("standby: here, promote: [a], writable: [a]", 'cache.standby: both are at site "here"'),
        ("in_sync: [a]", "cache.standby: missing; of which site does `in_sync` speak?"),
        (
            "dump: [a], backup: {to: near, every: 1h}, checks: [{kind: query, name: q, sql: x, expect: y}]",
            "cache.query: missing; a check asks a query",
        ),
        (
            f"{STANDBY}, restore_at: there, load: [a], dump: [a], backup: {{to: near, every: 1h}}",
            "cache.restore_at: a failover promotes the standby",
        ),
    ],
)
def test_what_it_lacks_is_named(tmp_path: Path, more: str, said: str) -> None:
    with pytest.raises(PlanError) as refused:
        read_plan(tmp_path / "plan.yaml", PLAN.format(more=more).encode(), {})
    assert said in str(refused.value)


def test_one_that_has_all_is_taken(tmp_path: Path) -> None:
    more = f"{STANDBY}, dump: [a], backup: {{to: near, every: 1h}}"
    plan = read_plan(tmp_path / "plan.yaml", PLAN.format(more=more).encode(), {})
    assert plan.datasets["cache"].kind == "shell"
