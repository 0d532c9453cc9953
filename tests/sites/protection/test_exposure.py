from __future__ import annotations

import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sites.capability import Position, Proof
from sites.errors import DatasetError
from sites.points import Tags
from sites.protection.backup import backup
from sites.protection.exposure import Declared, Exposure, exposures
from sites.protection.exposure import row as told
from sites.protection.history import Event, History
from sites.protection.replication import replicate
from sites.protection.restore_test import restore_test
from sites.restored import CommandQuestion
from tests.sites.protection.protected import Protected
from tests.sites.repositories import flip, packs


def row(protected: Protected, declared: Declared | None = None, **options: Any) -> Exposure:
    (only,) = exposures([declared or Declared("strategies", 3600.0)], protected.offsite, **options)
    return only


def test_the_point_is_the_time_at_which_the_source_was_read(protected: Protected) -> None:
    taken = protected.made.taken
    found = row(protected, now=taken + timedelta(seconds=90))
    assert (found.point, found.age_seconds, found.by) == (taken, 90.0, "backup")
    assert found.snapshot_id == protected.made.snapshot_id
    assert (found.exceeded, found.notes) == (False, ())


def test_older_than_the_rpo_is_exceeded(protected: Protected) -> None:
    taken = protected.made.taken
    at_limit = row(protected, now=taken + timedelta(hours=1))
    beyond = row(protected, now=taken + timedelta(hours=1, microseconds=1))
    assert (at_limit.exceeded, beyond.exceeded) == (False, True)


def test_without_an_objective_nothing_is_exceeded(protected: Protected) -> None:
    found = row(protected, Declared("strategies", None), now=protected.made.taken + timedelta(days=900))
    assert found.exceeded is False


def test_a_dataset_without_a_point_is_exceeded(protected: Protected) -> None:
    found = row(protected, Declared("ticks", 1e9))
    assert (found.point, found.age_seconds, found.exceeded) == (None, None, True)
    assert "no complete recovery point" in found.notes[0]


def test_what_cannot_be_known_is_exceeded(protected: Protected) -> None:
    away = replace(protected.offsite, url="/nowhere/at/all")
    (found,) = exposures([Declared("strategies", 1e9)], away)
    assert (found.point, found.exceeded) == (None, True)
    assert 'repository "offsite"' in found.notes[0]


@pytest.mark.parametrize("partial", [True, False])
def test_a_newer_point_that_is_not_whole_is_noted_and_does_not_count(
    protected: Protected, tmp_path: Path, partial: bool
) -> None:
    (tmp_path / "file").write_text("x")
    tags = Tags.fresh("strategies", "desk")
    protected.offsite.backup([tmp_path / "file"], tags=tags.of_data())
    if partial:
        protected.offsite.backup_text(b"x", "manifest.jsonl", tags=tags.of_manifest("0" * 64, partial=True))
    found = row(protected)
    assert found.snapshot_id == protected.made.snapshot_id
    assert ("is partial" if partial else "has no manifest") in found.notes[0]


def test_a_point_of_the_future_does_not_count(protected: Protected) -> None:
    found = row(protected, now=protected.made.taken - timedelta(hours=1))
    assert (found.point, found.exceeded) == (None, True)
    assert "a clock is wrong" in found.notes[0]


def test_damaged_snapshots_are_noted(protected: Protected) -> None:
    for path in Path(protected.offsite.url, "snapshots").iterdir():
        path.chmod(0o600)
        os.truncate(path, 20)
    found = row(protected)
    assert found.exceeded
    assert "unreadable snapshots" in found.notes[0]


def test_a_point_that_did_not_come_back_whole_is_none_until_a_restore_test_is_met(
    protected: Protected, tmp_path: Path
) -> None:
    """Nor is one that came later and may need the same packs."""
    history, dataset = protected.history, protected.dataset

    def tested_and_looked() -> tuple[str, Exposure]:
        result = restore_test(dataset, protected.offsite, protected.scratch, history=history)
        return result.verdict, row(protected, history=history)

    first = protected.made.snapshot_id
    assert tested_and_looked()[1].snapshot_id == first
    whole = shutil.copytree(protected.offsite.url, tmp_path / "whole")
    flip(packs(protected.offsite)[0])
    verdict, found = tested_and_looked()
    assert (verdict, found.point, found.exceeded) == ("missed", None, True)
    assert "did not come back whole" in found.notes[0]
    later = backup(dataset, protected.onsite, plan="desk", staging=protected.staging)
    replicate(protected.onsite, protected.offsite, plan="desk", history=history)
    found = row(protected, history=history)
    assert (found.point, found.exceeded) == (None, True)
    assert f"{later.snapshot_id[:8]} of" in found.notes[0]
    assert "is not proven, and on" in found.notes[0]
    shutil.copytree(whole, protected.offsite.url, dirs_exist_ok=True)
    verdict, found = tested_and_looked()
    assert (verdict, found.snapshot_id, found.exceeded) == ("met", later.snapshot_id, False)


def test_what_the_users_checks_say_of_the_content_makes_no_point_damaged(protected: Protected) -> None:
    no = CommandQuestion("no", ("sh", "-c", "exit 1"))
    result = restore_test(
        protected.dataset, protected.offsite, protected.scratch, history=protected.history, questions=[no]
    )
    assert (result.verdict, result.damaged) == ("missed", False)
    assert row(protected, history=protected.history).snapshot_id == protected.made.snapshot_id


def test_a_replica_in_sync_has_everything(protected: Protected) -> None:
    now = datetime.now(UTC)
    declared = Declared("orders", 0.0, replica=lambda: Proof(True, "sync_state is sync"))
    found = row(protected, declared, now=now)
    assert (found.by, found.point, found.age_seconds, found.exceeded) == ("replica", now, 0.0, False)


def unreachable() -> Proof:
    raise DatasetError("no answer")


@pytest.mark.parametrize("replica", [lambda: Proof(False, "no receiver"), unreachable])
def test_without_its_replica_a_dataset_is_as_old_as_its_backup(protected: Protected, replica: Any) -> None:
    found = row(protected, Declared("strategies", 0.0, replica=replica))
    assert (found.by, found.point, found.exceeded) == ("backup", protected.made.taken, True)
    assert "replica" in found.notes[-1]


def test_the_last_proof_is_shown(protected: Protected, tmp_path: Path) -> None:
    history = History(tmp_path / "own.jsonl")
    assert row(protected, history=history).proven is None
    taken, proven = protected.made.taken, datetime(2026, 1, 2, tzinfo=UTC)
    detail = {"taken": taken.isoformat()}
    history.append(Event("restore_test", "offsite", "met", "strategies", detail, utc=proven))
    history.append(Event("restore_test", "offsite", "missed", "strategies", {}))
    found = row(protected, history=history)
    assert (found.proven, found.proven_point) == (proven, taken)


NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
BEHIND = Position("0/3000060", NOW - timedelta(seconds=30), 4096)


def by_position(at: Position, rpo_seconds: float) -> Exposure:
    def not_waited_for() -> Proof:
        return Proof(False, "nobody waits for it")

    declared = Declared("orders", rpo_seconds, not_waited_for, position=lambda: at)
    return told(declared, None, None, None, NOW, [])


def test_a_replica_that_lags_is_as_old_as_the_newest_commit_that_it_has_replayed() -> None:
    found = by_position(BEHIND, 60.0)
    assert (found.by, found.age_seconds, found.lsn, found.exceeded) == ("replica", 30.0, "0/3000060", False)
    assert "4096 bytes behind" in found.notes[-1]
    assert by_position(BEHIND, 29.0).exceeded


def test_a_replica_that_is_level_just_now_keeps_no_rpo_of_nothing() -> None:
    level = replace(BEHIND, behind_bytes=0)
    assert (by_position(level, 1.0).age_seconds, by_position(level, 1.0).exceeded) == (0.0, False)
    assert by_position(level, 0.0).exceeded


@pytest.mark.parametrize(
    ("committed", "said"), [(None, "no commit yet"), (NOW + timedelta(hours=1), "a clock is wrong")]
)
def test_what_a_replica_cannot_tell_is_no_point(committed: datetime | None, said: str) -> None:
    found = by_position(replace(BEHIND, committed=committed), 1e9)
    assert (found.by, found.exceeded) == (None, True)
    assert said in found.notes[-1]
