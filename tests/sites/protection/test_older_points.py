"""Older points that are kept are restored in turn, and one that is gone without leave is told."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sites.points import points
from sites.protection.backup import backup
from sites.protection.history import Event, History
from sites.protection.replication import replicate
from sites.protection.restore_test import older_tests, restore_test
from sites.protection.retained import failing, gone, in_turn, known
from sites.protection.retention import Rules, retain
from sites.protection.tested import RestoreTestResult
from tests.sites.protection.protected import Protected
from tests.sites.repositories import lose, packs

DAY = timedelta(days=1)


def copied(protected: Protected, folder: Path) -> Protected:
    """Repositories, history and folders of its own."""
    onsite, offsite = (
        replace(each, url=str(shutil.copytree(each.url, folder / each.name)))
        for each in (protected.onsite, protected.offsite)
    )
    return replace(
        protected,
        onsite=onsite,
        offsite=offsite,
        history=History(Path(shutil.copy(protected.history.path, folder / "history.jsonl"))),
        staging=folder / "staging",
        scratch=folder / "scratch",
    )


@pytest.fixture(scope="module")
def three_once(
    protected_once: Protected, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Protected, list[str]]:
    """Two more points beside the one that is there; the first ids of all three, oldest first."""
    protected = copied(protected_once, tmp_path_factory.mktemp("three"))
    ids = [protected.made.snapshot_id]
    for _ in range(2):
        made = backup(protected.dataset, protected.onsite, plan="desk", staging=protected.staging)
        ids.append(made.snapshot_id)
    replicate(protected.onsite, protected.offsite, plan="desk", history=protected.history)
    return protected, ids


@pytest.fixture
def with_three(three_once: tuple[Protected, list[str]], tmp_path: Path) -> tuple[Protected, list[str]]:
    return copied(three_once[0], tmp_path), three_once[1]


def older(protected: Protected, count: int | None = 1, rules: Rules | None = None) -> list[RestoreTestResult]:
    return list(
        older_tests(
            protected.dataset,
            protected.offsite,
            protected.scratch,
            history=protected.history,
            count=count,
            rules=rules,
        )
    )


def forget(protected: Protected, *first_ids: str) -> None:
    """Behind our back, data and manifest."""
    found = points(protected.offsite.snapshots().snapshots, "strategies")
    for point in found:
        if point.snapshot.first_id in first_ids:
            assert point.manifest is not None
            protected.offsite.forget_snapshots([point.manifest.id, point.snapshot.id])


def test_each_older_point_has_its_turn_and_none_is_taken_for_the_newest(
    with_three: tuple[Protected, list[str]],
) -> None:
    protected, ids = with_three
    seen = [older(protected)[0] for _ in range(3)]
    assert [each.snapshot_id for each in seen] == [ids[0], ids[1], ids[0]]
    assert {(each.verdict, each.older) for each in seen} == {("met", True)}
    assert protected.history.last("restore_test") is None, "an older point proves nothing of the newest"
    restore_test(protected.dataset, protected.offsite, protected.scratch, history=protected.history)
    assert older(protected)[0].snapshot_id == ids[1]
    assert [each.snapshot_id for each in older(protected, None)] == [ids[0], ids[1]]
    assert older(protected, 0) == []


def test_an_older_point_that_is_gone_is_missed_until_it_is_let_go(
    with_three: tuple[Protected, list[str]],
) -> None:
    protected, ids = with_three
    forget(protected, ids[0])
    told, after = older(protected)
    assert (told.verdict, told.snapshot_id, ids[0][:8] in told.reason) == ("missed", None, True)
    assert (after.verdict, after.snapshot_id) == ("met", ids[1])
    assert [event.outcome for event in failing(protected.history.events())] == ["missed"]
    protected.history.append(Event("retention", "offsite", "let go", "strategies", {"points": [ids[0]]}))
    assert [each.verdict for each in older(protected)] == ["met"]


def test_what_the_rules_let_go_is_not_missed(with_three: tuple[Protected, list[str]]) -> None:
    protected, ids = with_three
    rules = Rules(last=1)
    retain(protected.offsite, "strategies", rules, plan="desk", history=protected.history)
    left = points(protected.offsite.snapshots().snapshots, "strategies")
    assert [point.snapshot.first_id for point in left] == ids[2:]
    assert older(protected, rules=rules) == []
    # and with rules that want more now: what was let go then is not asked for
    assert older(protected, rules=None) == []


def test_what_the_rules_do_not_want_may_have_been_let_go_where_we_were_not_told(
    with_three: tuple[Protected, list[str]],
) -> None:
    protected, ids = with_three
    forget(protected, ids[0])
    assert [each.verdict for each in older(protected, rules=Rules(last=2))] == ["met"]
    assert [each.verdict for each in older(protected, rules=Rules(last=3))] == ["missed", "met"]


def test_a_point_that_was_whole_and_is_not_any_more_is_no_success(
    with_three: tuple[Protected, list[str]],
) -> None:
    protected, ids = with_three
    (point,) = (
        point
        for point in points(protected.offsite.snapshots().snapshots, "strategies")
        if point.snapshot.first_id == ids[0]
    )
    assert point.manifest is not None
    protected.offsite.forget_snapshots([point.manifest.id])
    (told,) = older(protected)
    assert (told.snapshot_id, told.verdict) == (ids[0], "inconclusive")
    assert "no manifest" in told.reason


def test_a_repository_that_cannot_be_looked_at_is_no_success(protected: Protected) -> None:
    away = replace(protected.offsite, url=f"{protected.offsite.url}-away")
    told = list(older_tests(protected.dataset, away, protected.scratch, history=protected.history))
    assert [each.verdict for each in told] == ["inconclusive"]


def test_damage_of_an_older_point_alone_is_found_and_held_on_to(protected: Protected, tmp_path: Path) -> None:
    """The newest does not need the pack: no test of it could ever tell."""
    only_of_the_first = packs(protected.offsite)[0]
    now = replace(protected.dataset, path=tmp_path / "now")
    now.path.mkdir()
    (now.path / "a.bin").write_bytes(b"another one")
    backup(now, protected.onsite, plan="desk", staging=protected.staging)
    replicate(protected.onsite, protected.offsite, plan="desk", history=protected.history)
    lose(only_of_the_first)
    found = []
    for _ in range(2):
        newest = restore_test(now, protected.offsite, protected.scratch, history=protected.history)
        found.append(newest.verdict)
    (told,) = older(protected)
    assert (found, told.verdict, told.snapshot_id) == (["met"] * 2, "missed", protected.made.snapshot_id)
    restore_test(now, protected.offsite, protected.scratch, history=protected.history)
    held = failing(protected.history.events())
    assert [event.detail["snapshot_id"] for event in held] == [protected.made.snapshot_id]


def test_each_arrival_is_told_of_once(with_three: tuple[Protected, list[str]]) -> None:
    protected, ids = with_three
    replicate(protected.onsite, protected.offsite, plan="desk", history=protected.history)
    told = [e.detail["arrived"] for e in protected.history.events() if e.kind == "replication"]
    assert [list(each.get("strategies", {})) for each in told] == [ids[:1], ids[1:], []]
    assert list(known(protected.history.events(), "offsite", "strategies")) == ids


def test_rules_that_dropped_a_point_once_never_want_it_again() -> None:
    """Whatever goes on arriving, and whatever time it is: or a forgotten point would be told to be lost."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    rules = Rules(last=2, daily=3, weekly=2, minimum=2 * DAY)
    told: dict[str, datetime] = {}
    dropped: set[str] = set()
    for number in range(60):
        now = start + number * DAY / 3
        told[f"{number:064x}"] = now
        lost = set(gone(told, [], rules, "d", now))
        assert not dropped & lost
        dropped |= set(told) - lost
    assert len(dropped) > 40


def test_a_test_that_came_to_nothing_counts_as_a_turn(with_three: tuple[Protected, list[str]]) -> None:
    protected, ids = with_three
    found = points(protected.offsite.snapshots().snapshots, "strategies")
    tried = Event("older_test", "offsite", "inconclusive", "strategies", {"snapshot_id": ids[0]})
    assert [p.snapshot.first_id for p in in_turn(found, {}, [tried], "offsite")] == [*ids[1:], ids[0]]


def test_a_history_of_before_knows_nothing_and_asks_for_nothing(protected: Protected) -> None:
    old = History(protected.history.path.with_name("old.jsonl"))
    old.append(Event("replication", "offsite", "done", None, {"copied": 2, "newest": {}}))
    assert known(old.events(), "offsite", "strategies") == {}
