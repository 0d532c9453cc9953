from __future__ import annotations

import fcntl
import os
import stat
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sites.drivers.files import FilesDataset
from sites.errors import DatasetError, NoRepository, RepositoryError, WrongPassword
from sites.exclusion import Exclusion
from sites.manifest import decode
from sites.points import points
from sites.protection.backup import backup
from sites.protection.history import History
from tests.sites.protection.protected import Protected
from tests.sites.repositories import Make

DatasetAt = Callable[[str], FilesDataset]


@dataclass
class Dumped:
    """A dataset that is dumped, as simple as can be: it is a piece of text."""

    content: str = "-- dump"
    name: str = "orders"
    seen: list[str] = field(default_factory=list)

    def dump(self, site: str, to: Path) -> None:
        self.seen.append(site)
        self.seen.append(f"{stat.S_IMODE(to.parent.stat().st_mode):04o}")
        to.write_text(self.content)

    def check_dump(self, path: Path) -> None:
        if not path.read_text().startswith("-- dump"):
            raise DatasetError("dump of orders cannot be restored: it does not begin as one")


def test_a_backup_makes_a_point_with_a_manifest(protected: Protected) -> None:
    made = protected.made
    (point,) = points(protected.onsite.snapshots().snapshots, "strategies")
    assert (point.snapshot.id, point.complete, point.taken) == (made.snapshot_id, True, made.taken)
    assert (made.files, made.bytes, made.partial, made.moving) == (2, 700_001, False, 0)
    assert point.manifest is not None
    text = protected.onsite.dump_text(point.manifest.id, "/manifest.jsonl")
    manifest = decode(text.encode(), expected_sha256=made.manifest_sha256)
    assert [entry.path for entry in manifest.entries] == [".", "a.bin", "link", "sub", "sub/b.txt"]


def test_the_time_of_a_point_is_when_reading_began(protected: Protected) -> None:
    (point,) = points(protected.onsite.snapshots().snapshots, "strategies")
    assert point.taken <= point.snapshot.time
    assert protected.made.taken < protected.made.ended
    assert datetime.now(UTC) - point.taken < timedelta(hours=1)


def test_the_seconds_add_up(protected: Protected) -> None:
    made = protected.made
    assert made.restic_seconds > 0
    assert made.manifest_seconds > 0
    assert made.seconds > made.restic_seconds
    assert made.dump_seconds == 0


def test_the_history_tells_of_it(protected: Protected) -> None:
    event = protected.history.last("backup", dataset="strategies")
    assert event is not None
    assert (event.outcome, event.repository) == ("done", "onsite")
    assert event.detail["snapshot_id"] == protected.made.snapshot_id


def test_a_repository_is_made_on_first_use(
    repository_at: Make, dataset_at: DatasetAt, tmp_path: Path
) -> None:
    history = History(tmp_path / "history.jsonl")
    made = backup(
        dataset_at("ticks"), repository_at("new"), plan="desk", staging=tmp_path / "s", history=history
    )
    assert made.files == 1
    assert len(made.snapshot_id) == 64


def test_a_repository_that_vanished_is_not_made_again(
    repository_at: Make, dataset_at: DatasetAt, protected: Protected
) -> None:
    gone = repository_at("onsite", url="/nowhere/at/all")
    with pytest.raises(NoRepository, match="is gone: it was in use at") as caught:
        backup(dataset_at("ticks"), gone, plan="desk", staging=protected.staging, history=protected.history)
    assert "mount" in str(caught.value.hint)
    assert not Path("/nowhere").exists()


def test_a_failure_is_kept_in_the_history_and_the_point_before_stays(protected: Protected) -> None:
    wrong = replace(protected.onsite, password=lambda: "another-planted-secret")
    with pytest.raises(WrongPassword):
        backup(protected.dataset, wrong, plan="desk", staging=protected.staging, history=protected.history)
    event = protected.history.last("backup")
    assert event is not None
    assert event.outcome == "failed"
    assert "wrong password" in event.detail["error"]
    assert "planted" not in protected.history.path.read_text()
    assert len(points(protected.onsite.snapshots().snapshots, "strategies")) == 1


def test_a_missing_source_fails(make_repository: Make, tmp_path: Path) -> None:
    repository = make_repository()
    gone = FilesDataset("ticks", "primary", tmp_path / "gone")
    with pytest.raises(DatasetError, match='dataset "ticks"'):
        backup(gone, repository, plan="desk", staging=tmp_path / "staging")
    assert repository.snapshots().snapshots == ()


def test_a_linked_folder_is_backed_up_and_not_the_link(
    make_repository: Make, dataset_at: DatasetAt, tmp_path: Path
) -> None:
    dataset = dataset_at("ticks")
    (tmp_path / "link").symlink_to(dataset.path)
    linked = replace(dataset, path=tmp_path / "link")
    assert backup(linked, make_repository(), plan="desk", staging=tmp_path / "staging").files == 1


def test_what_moves_meanwhile_is_counted(
    make_repository: Make, dataset_at: DatasetAt, tmp_path: Path
) -> None:
    dataset, repository = dataset_at("ticks"), make_repository()
    wrapper = tmp_path / "restic"
    wrapper.write_text(f'#!/bin/sh\nrestic "$@"; code=$?; echo more >> {dataset.path}/one; exit $code\n')
    wrapper.chmod(0o755)
    made = backup(
        dataset, replace(repository, binary=str(wrapper)), plan="desk", staging=tmp_path / "staging"
    )
    assert (made.moving, made.partial) == (1, False)


@pytest.mark.parametrize("when", ["before", "after"])
def test_what_restic_read_is_what_we_read_or_it_is_moving(
    make_repository: Make, dataset_at: DatasetAt, tmp_path: Path, when: str
) -> None:
    """The two read side by side. A file that is changed unseen while they do is claimed of neither."""
    dataset, repository = dataset_at("ticks"), make_repository()
    one = dataset.path / "one"
    change = f"touch -r {one} {tmp_path}/time; printf SICKT > {one}; touch -r {tmp_path}/time {one}"
    run = 'restic "$@"; code=$?'
    inside = f"{change}; {run}" if when == "before" else f"{run}; {change}"
    wrapper = tmp_path / "restic"
    wrapper.write_text(f'#!/bin/sh\ncase "$*" in *--stdin*) exec restic "$@";; esac\n{inside}; exit $code\n')
    wrapper.chmod(0o755)
    (one).write_text("ticks")
    made = backup(
        dataset, replace(repository, binary=str(wrapper)), plan="desk", staging=tmp_path / "staging"
    )
    assert (one.read_text(), made.moving) == ("SICKT", 1)


def test_our_reading_ends_with_a_backup_that_fails(protected: Protected) -> None:
    wrong = replace(protected.onsite, password=lambda: "another-planted-secret")
    with pytest.raises(WrongPassword):
        backup(protected.dataset, wrong, plan="desk", staging=protected.staging)
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("manifest")] == []


def test_what_is_excluded_is_in_neither(make_repository: Make, dataset_at: DatasetAt, tmp_path: Path) -> None:
    dataset = replace(dataset_at("ticks"), exclude=Exclusion(("*.tmp",)))
    (dataset.path / "x.tmp").write_text("x")
    made = backup(dataset, make_repository(), plan="desk", staging=tmp_path / "staging")
    assert made.files == 1


def test_a_dump_is_staged_in_a_closed_folder_and_gone_afterwards(
    make_repository: Make, tmp_path: Path
) -> None:
    dataset, repository = Dumped(), make_repository()
    made = backup(dataset, repository, plan="desk", staging=tmp_path / "staging", site="primary")
    assert dataset.seen == ["primary", "0700"]
    assert (made.files, made.bytes, made.dump_seconds > 0) == (1, 7, True)
    assert not (tmp_path / "staging" / "orders").exists()
    (point,) = points(repository.snapshots().snapshots, "orders")
    assert repository.dump_text(point.snapshot.id, f"{point.snapshot.paths[0]}/dump") == "-- dump"


@pytest.mark.parametrize(("content", "reason"), [("", "is empty"), ("garbage", "cannot be restored")])
def test_an_empty_or_broken_dump_is_a_failure(
    make_repository: Make, tmp_path: Path, content: str, reason: str
) -> None:
    repository = make_repository()
    with pytest.raises(DatasetError, match=reason):
        backup(Dumped(content), repository, plan="desk", staging=tmp_path / "staging")
    assert repository.snapshots().snapshots == ()
    assert not (tmp_path / "staging" / "orders").exists()


def test_two_dumps_of_one_dataset_do_not_meet(make_repository: Make, tmp_path: Path) -> None:
    staging = tmp_path / "staging"
    staging.mkdir()
    (staging / "orders").mkdir()
    with (staging / ".orders.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(DatasetError, match="under way"):
            backup(Dumped(), make_repository(), plan="desk", staging=staging)
    assert (staging / "orders").exists()


def test_a_backup_whose_manifest_is_lost_is_no_point(
    make_repository: Make, dataset_at: DatasetAt, tmp_path: Path
) -> None:
    repository = make_repository()
    wrapper = tmp_path / "restic"
    wrapper.write_text('#!/bin/sh\ncase "$*" in *--stdin*) exit 1;; esac\nexec restic "$@"\n')
    wrapper.chmod(0o755)
    with pytest.raises(RepositoryError, match="counts as no recovery point"):
        backup(
            dataset_at("ticks"),
            replace(repository, binary=str(wrapper)),
            plan="desk",
            staging=tmp_path / "staging",
        )
    (point,) = points(repository.snapshots().snapshots, "ticks")
    assert not point.complete
    assert point.lacks == "has no manifest: its backup did not finish"


@pytest.mark.skipif(os.getuid() != 0, reason="needs a file that is unreadable to restic alone")
def test_a_partial_backup_is_marked_as_such(
    make_repository: Make, dataset_at: DatasetAt, tmp_path: Path
) -> None:
    dataset, repository = dataset_at("ticks"), make_repository()
    wrapper = tmp_path / "restic-from-table"
    said = '{"message_type":"error","error":{"message":"denied"},"during":"archival","item":"/srv/closed"}'
    wrapper.write_text(
        '#!/bin/sh\nrestic "$@"; code=$?\n'
        f"case \"$*\" in *--stdin*|version) exit $code;; *' backup '*) echo '{said}' >&2; exit 3;; esac\n"
    )
    wrapper.chmod(0o755)
    made = backup(
        dataset, replace(repository, binary=str(wrapper)), plan="desk", staging=tmp_path / "staging"
    )
    assert (made.partial, made.unreadable) == (True, ("/srv/closed",))
    (point,) = points(repository.snapshots().snapshots, "ticks")
    assert (point.partial, point.complete) == (True, False)
