"""What may be forgotten: the rules held against restic's own, and everything that no rule may reach."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sites.drivers.files import FilesDataset
from sites.drivers.restic.repository import Keep
from sites.drivers.restic.results import Snapshot
from sites.errors import RepositoryDamaged
from sites.points import Point, points
from sites.protection.backup import backup
from sites.protection.history import Event
from sites.protection.replication import replicate
from sites.protection.retention import Rules, retain, unwanted
from tests.sites.protection.protected import Protected
from tests.sites.repositories import Make, flip

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def point(age: timedelta, name: int, *, whole: bool = True, partial: bool = False) -> Point:
    made = Snapshot(f"{name:064x}", NOW - age, "desk", ("/d",), ())
    manifest = replace(made, id=f"{name + 10**6:064x}") if whole or partial else None
    return Point("d", made, NOW - age, manifest, partial)


def names(found: list[Point]) -> list[int]:
    return sorted(int(each.snapshot.id, 16) for each in found)


def test_the_last_of_each_period_stays() -> None:
    found = [point(timedelta(hours=hours), hours) for hours in range(100)]
    going, _ = unwanted(found, Rules(last=2, daily=3), NOW)
    assert set(range(100)) - set(names(going)) == {0, 1, 13, 37}


def test_nothing_younger_than_the_audit_minimum_goes() -> None:
    found = [point(timedelta(days=days), days) for days in range(30)]
    going, _ = unwanted(found, Rules(last=1, minimum=timedelta(days=20)), NOW)
    assert names(going) == list(range(20, 30))


def test_the_newest_whole_point_stays_whatever_the_rules_and_the_newer_ones_that_are_not() -> None:
    partial = point(timedelta(days=1), 1, partial=True)
    running = point(timedelta(hours=1), 2, whole=False)
    broken = point(timedelta(days=3), 3, whole=False)
    found = [partial, running, broken, point(timedelta(days=9), 9), point(timedelta(days=10), 10)]
    going, _ = unwanted(found, Rules(), NOW)
    assert names(going) == [10]
    old_partial = point(timedelta(days=9, hours=1), 8, partial=True)
    assert names(unwanted([*found, old_partial], Rules(), NOW)[0]) == [8, 10]


def test_a_clock_in_the_future_costs_nothing() -> None:
    future = point(timedelta(days=-400), 1)
    found = [future, point(timedelta(hours=1), 2), point(timedelta(hours=2), 3)]
    assert names(unwanted(found, Rules(last=1), NOW)[0]) == [3]


def test_what_has_not_arrived_at_the_other_site_waits() -> None:
    found = [point(timedelta(hours=hours), hours) for hours in range(4)]
    arrived = {found[2].snapshot.id}
    going, waiting = unwanted(found, Rules(last=1), NOW, arrived)
    assert (names(going), names(waiting)) == ([2], [1, 3])


@given(
    ages=st.lists(st.integers(0, 24 * 800), max_size=40, unique=True),
    rules=st.builds(
        Rules, *[st.integers(0, 5)] * 6, minimum=st.integers(0, 100).map(lambda d: timedelta(days=d))
    ),
    kinds=st.randoms(use_true_random=False),
)
def test_no_rule_reaches_the_newest_whole_point_or_the_minimum(
    ages: list[int], rules: Rules, kinds: random.Random
) -> None:
    found = [point(timedelta(hours=age), age, whole=kinds.random() < 0.8) for age in ages]
    going, waiting = unwanted(found, rules, NOW)
    assert waiting == []
    assert all(NOW - gone.taken >= rules.minimum for gone in going)
    whole = sorted((p for p in found if p.complete), key=lambda p: p.taken)
    assert not whole or whole[-1] not in going
    again, _ = unwanted([p for p in found if p not in going], rules, NOW)
    assert again == []


@pytest.mark.campaign
def test_campaign_of_the_rules_beside_those_of_restic(make_repository: Make, source: Path) -> None:
    """restic's own `forget` as an oracle, on snapshots of chosen times."""
    repository = make_repository()
    dice = random.Random(7)  # noqa: S311  the same times each run
    times = sorted({NOW - timedelta(minutes=dice.randrange(60 * 24 * 500)) for _ in range(40)})
    for at in times:
        then = f"{at:%Y-%m-%d %H:%M:%S}"
        repository._call("back up", ["backup", "--tag", "dataset:d", "--time", then, str(source)])
    listed = repository.snapshots().snapshots
    found = [Point("d", s, s.time, s, partial=False) for s in listed]
    for _ in range(25):
        count = {n: dice.randrange(4) for n in ("last", "hourly", "daily", "weekly", "monthly", "yearly")}
        count["last"] = count["last"] or 1
        theirs = repository.forget(Keep(**count), tags=["dataset:d"], dry_run=True)
        ours, _ = unwanted(found, Rules(**count), NOW + timedelta(days=1))
        assert {p.snapshot.id for p in ours} == set(theirs), count
    print(f"proof: {len(times)} snapshots, 25 sets of rules, the same choice as restic's")  # noqa: T201


def test_both_snapshots_of_a_point_go_and_other_plans_keep_theirs(
    protected: Protected, dataset_at: Callable[[str], FilesDataset]
) -> None:
    onsite, name = protected.onsite, protected.dataset.name
    stranger = replace(dataset_at("other"), name=name)
    theirs = backup(stranger, onsite, plan="another", staging=protected.staging)
    second = backup(protected.dataset, onsite, plan="desk", staging=protected.staging)
    done = retain(onsite, name, Rules(last=1), plan="desk", history=protected.history)
    assert (done.forgotten, done.kept) == ((protected.made.snapshot_id,), 1)
    left = onsite.snapshots().snapshots
    assert {p.snapshot.id for p in points(left, name)} == {second.snapshot_id, theirs.snapshot_id}
    assert len(left) == 4
    assert protected.history.last("retention", outcomes=("done",))


def test_what_the_copy_lacks_is_not_forgotten_at_the_source(protected: Protected) -> None:
    onsite, offsite, name = protected.onsite, protected.offsite, protected.dataset.name
    for _ in range(2):
        backup(protected.dataset, onsite, plan="desk", staging=protected.staging)
    done = retain(onsite, name, Rules(last=1), plan="desk", copy=offsite)
    assert (done.forgotten, done.awaited, done.kept) == ((protected.made.snapshot_id,), 1, 2)


def test_with_a_damaged_snapshot_nothing_is_forgotten(protected: Protected) -> None:
    onsite = protected.onsite
    backup(protected.dataset, onsite, plan="desk", staging=protected.staging)
    flip(Path(onsite.url, "snapshots", protected.made.snapshot_id), 40)
    before = len(onsite.snapshots().snapshots)
    with pytest.raises(RepositoryDamaged, match="cannot be read"):
        retain(onsite, protected.dataset.name, Rules(last=1), plan="desk", history=protected.history)
    assert len(onsite.snapshots().snapshots) == before
    assert protected.history.last("retention", outcomes=("failed",))


def test_nothing_is_forgotten_there_or_at_the_source_until_damage_is_seen_to_be_over(
    protected: Protected,
) -> None:
    """The newest may be what no longer comes back, and what the rules would drop all that still does."""
    name, onsite, offsite, history = (
        protected.dataset.name,
        protected.onsite,
        protected.offsite,
        protected.history,
    )
    backup(protected.dataset, onsite, plan="desk", staging=protected.staging, history=history)
    replicate(onsite, offsite, plan="desk", history=history)
    history.append(Event("restore_test", offsite.name, "missed", name, {"damaged": True, "reason": "a pack"}))
    for repository, copy in ((offsite, None), (onsite, offsite)):
        with pytest.raises(RepositoryDamaged, match=r'in repository "offsite" the restore test of .* a pack'):
            retain(repository, name, Rules(last=1), plan="desk", copy=copy, history=history)
        assert len(points(repository.snapshots().snapshots, name)) == 2
    history.append(Event("restore_test", offsite.name, "met", name, {}))
    assert len(retain(offsite, name, Rules(last=1), plan="desk", history=history).forgotten) == 1
