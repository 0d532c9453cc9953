"""From the plan to the upkeep of its repositories, with real restic."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.options import estate_of
from flows.protection import outcomes
from flows.protection.protect import back_up, replicate_all
from flows.protection.upkeep import keep_up
from sites.estate import Estate
from tests.flows.plans import small_plan
from tests.sites.repositories import flip, packs


def with_rules(path: Path, *, far: str = "") -> Estate:
    text = path.read_text().replace("every: 1h", "every: 1h, keep: {last: 1}")
    text = text.replace("near: {", "near: {read: {parts: 1}, ")
    text = text.replace("far:  {", f"far: {{read: {{parts: 1}}, {far}")
    path.write_text(text)
    return estate_of(path)


@pytest.fixture
def plan(tmp_path: Path, repository: Path) -> Path:
    return small_plan(tmp_path, repository)


def rows(estate: Estate) -> list[tuple[str, str, int]]:
    told = [outcomes.kept_up(one) for one in keep_up(estate)]
    return [(row.subject, row.state, row.exit_code) for row in told]


def protected_twice(estate: Estate) -> None:
    for _ in range(2):
        assert all(one.error is None for one in [*back_up(estate, ["pictures"]), *replicate_all(estate)])


def test_all_repositories_are_kept_up_sources_first(plan: Path) -> None:
    estate = with_rules(plan)
    protected_twice(estate)
    each = [("documents", "forgotten", 0), ("pictures", "forgotten", 0)]
    assert rows(estate) == [
        ("near", "sound", 0), *each, ("near", "pruned", 0), ("far", "sound", 0), *each, ("far", "pruned", 0),
    ]  # fmt: skip
    for name in ("near", "far"):
        assert len(estate.repository(name).snapshots().snapshots) == 2
    assert [one.result and one.result.copied for one in replicate_all(estate)] == [()]


def test_what_is_damaged_or_append_only_loses_nothing(plan: Path) -> None:
    estate = with_rules(plan, far="append_only: true, ")
    protected_twice(estate)
    for pack in packs(estate.repository("near")):
        flip(pack)
    assert rows(estate) == [("near", "failed", 1), ("far", "sound", 0)]
    for name in ("near", "far"):
        assert len(estate.repository(name).snapshots().snapshots) == 4
