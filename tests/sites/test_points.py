from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sites.drivers.restic.results import Snapshot
from sites.errors import RepositoryError
from sites.points import Tags, points

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def snapshot(number: int, tags: list[str], time: datetime = NOON, original: str | None = None) -> Snapshot:
    return Snapshot(f"{number:064x}", time, "desk", ("/srv/ticks",), tuple(tags), original)


def tags(dataset: str = "ticks", taken: datetime = NOON) -> Tags:
    return Tags(dataset, "desk", taken, f"p{taken.timestamp()}")


def test_data_and_manifest_find_each_other() -> None:
    run = tags()
    data, manifest = snapshot(1, run.of_data()), snapshot(2, run.of_manifest("0" * 64, partial=False))
    (point,) = points([manifest, data], "ticks")
    assert (point.snapshot, point.manifest, point.complete) == (data, manifest, True)


def test_points_of_other_datasets_are_not_ours() -> None:
    assert points([snapshot(1, tags("orders").of_data()), snapshot(2, [])], "ticks") == []


def test_points_are_in_the_order_in_which_they_were_taken() -> None:
    early, late = tags(taken=NOON - timedelta(hours=2)), tags(taken=NOON - timedelta(hours=1))
    found = points([snapshot(2, late.of_data()), snapshot(1, early.of_data())], "ticks")
    assert [point.taken for point in found] == [early.taken, late.taken]


def test_a_point_is_as_old_as_the_older_of_its_two_times() -> None:
    ahead = tags(taken=NOON + timedelta(hours=1))
    assert points([snapshot(1, ahead.of_data())], "ticks")[0].taken == NOON


def test_a_partial_point_is_not_complete() -> None:
    run = tags()
    found = points(
        [snapshot(1, run.of_data()), snapshot(2, run.of_manifest("0" * 64, partial=True))], "ticks"
    )
    assert (found[0].complete, found[0].lacks is not None) == (False, True)


def test_a_snapshot_by_hand_counts_with_its_own_time_and_not_as_complete() -> None:
    (point,) = points([snapshot(1, ["dataset:ticks"])], "ticks")
    assert (point.taken, point.complete) == (NOON, False)


def test_a_taken_tag_that_is_no_time_raises() -> None:
    with pytest.raises(RepositoryError, match="time"):
        points([snapshot(1, ["dataset:ticks", "taken:yesterday"])], "ticks")


def test_the_root_lies_below_the_folder_restored_to() -> None:
    (point,) = points([snapshot(1, ["dataset:ticks"])], "ticks")
    assert point.root_in(Path("/scratch")) == Path("/scratch/srv/ticks")
