"""What a plan may say of pgBackRest, and what of it makes no sense."""

from __future__ import annotations

from pathlib import Path

import pytest

from sites.errors import PlanError
from sites.plan import Plan
from sites.plan.reading import read_plan

PLAN = """\
name: walled
environment: test
sites:
  here:  {kind: processes, path: here}
  there: {kind: processes, path: there}
repositories:
  near:  {kind: pgbackrest, site: here, stanza: desk, repo: 1}
  far:   {kind: pgbackrest, site: there, stanza: desk, repo: 2, copy_of: near}
  files: {site: here, url: r, password: {env: P}}
datasets:
  orders:
    {kind: postgres, database: o, user: u, primary: {site: here, host: a}, backup: {to: near, every: 1d}}
  ticks: {kind: files, site: here, path: ticks, backup: {to: files, every: 1d}}
"""
OF_ORDERS = "{to: near, every: 1d}"


def read(text: str) -> Plan:
    return read_plan(Path("plan.yaml"), text.encode(), {"P": "p"})


def test_a_repository_without_a_kind_is_restics() -> None:
    plan = read(PLAN)
    assert {name: r.kind for name, r in plan.repositories.items()} == {
        "near": "pgbackrest",
        "far": "pgbackrest",
        "files": "restic",
    }


@pytest.mark.parametrize(
    ("written", "instead", "told"),
    [
        ("kind: pgbackrest", "kind: barman", '"barman" is no kind known here; allowed: pgbackrest, restic'),
        ("stanza: desk, repo: 1", "repo: 1", "repositories.near.stanza: missing; it is required"),
        ("repo: 1", "repo: 0", 'repositories.near.repo: must be at least 1, not "0"'),
        ("repo: 2", "repo: 1", 'repositories.far.repo: the same repository as "near"'),
        ("desk, repo: 2", "other, repo: 2", 'repositories.far.stanza: "near" is of stanza "desk"'),
        ("copy_of: near", "copy_of: files", 'repositories.far.copy_of: "files" is of kind restic'),
        ("{to: files, every: 1d}", "{to: near, every: 1d}", "datasets.ticks.backup.to"),
        (OF_ORDERS, "{to: near, every: 1d, keep: {last: 2}}", "datasets.orders.backup.keep"),
        (OF_ORDERS, "{to: near, every: 1d, tags: [a]}", "datasets.orders.backup.tags"),
        (OF_ORDERS, "{by: external, to: near, every: 1d, before: [a]}", "datasets.orders.backup.before"),
        (OF_ORDERS, "{by: external, to: files, every: 1d}", "datasets.orders.backup.by"),
    ],
)
def test_what_makes_no_sense_is_refused(written: str, instead: str, told: str) -> None:
    assert written in PLAN
    with pytest.raises(PlanError) as refused:
        read(PLAN.replace(written, instead, 1))
    assert told in str(refused.value)


def test_a_stanza_may_be_somebody_elses() -> None:
    plan = read(PLAN.replace(OF_ORDERS, "{by: external, to: far, every: 1d}"))
    backup = plan.datasets["orders"].backup
    assert backup is not None
    assert backup.by == "external"
