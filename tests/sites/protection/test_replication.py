from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sites.drivers.files import FilesDataset
from sites.drivers.restic.repository import Restic
from sites.errors import NoRepository, RepositoryDamaged, RepositoryError
from sites.points import points
from sites.protection.backup import backup
from sites.protection.history import History
from sites.protection.replication import replicate
from tests.sites.protection.protected import Protected
from tests.sites.repositories import TWO_REAL_ONES, Make


def test_points_arrive_with_their_manifests_and_only_once(protected: Protected) -> None:
    (point,) = points(protected.offsite.snapshots().snapshots, "strategies")
    assert (point.complete, point.copied) == (True, True)
    assert point.snapshot.original == protected.made.snapshot_id
    again = replicate(protected.onsite, protected.offsite, plan="desk")
    assert (again.copied, again.already_there) == ((), 2)
    assert again.newest == {"strategies": protected.made.taken}


def test_what_is_new_follows(
    protected: Protected, dataset_at: Callable[[str], FilesDataset], tmp_path: Path
) -> None:
    made = backup(dataset_at("ticks"), protected.onsite, plan="desk", staging=tmp_path / "staging")
    backup(dataset_at("others"), protected.onsite, plan="another", staging=tmp_path / "staging")
    result = replicate(protected.onsite, protected.offsite, plan="desk", history=protected.history)
    assert made.snapshot_id in result.copied
    assert (len(result.copied), result.already_there) == (2, 2)
    assert set(result.newest) == {"strategies", "ticks"}
    event = protected.history.last("replication")
    assert event is not None
    assert (event.outcome, event.repository, event.detail["copied"]) == ("done", "offsite", 2)


@pytest.fixture
def listing_waits(tmp_path: Path) -> Callable[[Restic], Restic]:
    """A restic whose listings wait until a copy has begun, and fail when none does."""
    wrapper, begun = tmp_path / "restic", tmp_path / "begun"
    wrapper.write_text(
        f"""#!/bin/sh
case "$*" in
*" copy "*) touch {begun};;
*" snapshots "*) for _ in $(seq 200); do [ -e {begun} ] && break; sleep 0.05; done; [ -e {begun} ] || exit 9;;
esac
exec restic "$@"
"""
    )
    wrapper.chmod(0o755)
    return lambda repository: replace(repository, binary=str(wrapper))


def test_what_is_known_to_be_new_is_on_its_way_while_we_look(
    protected: Protected,
    dataset_at: Callable[[str], FilesDataset],
    listing_waits: Callable[[Restic], Restic],
    tmp_path: Path,
) -> None:
    history = protected.history
    made = backup(
        dataset_at("ticks"), protected.onsite, plan="desk", staging=tmp_path / "staging", history=history
    )
    onsite, offsite = listing_waits(protected.onsite), listing_waits(protected.offsite)
    result = replicate(onsite, offsite, plan="desk", history=history)
    assert (set(result.copied), result.already_there) == ({made.snapshot_id, made.manifest_id}, 2)
    assert result.newest["ticks"] == made.taken
    again = replicate(protected.onsite, protected.offsite, plan="desk", history=history)
    assert (again.copied, again.already_there) == ((), 4)


@pytest.mark.parametrize("binary", TWO_REAL_ONES)
def test_what_was_forgotten_before_it_was_sent_keeps_nothing_from_going(
    protected: Protected, dataset_at: Callable[[str], FilesDataset], tmp_path: Path, binary: str
) -> None:
    history, onsite = protected.history, replace(protected.onsite, binary=binary)
    staging = tmp_path / "staging"
    gone = backup(dataset_at("ticks"), onsite, plan="desk", staging=staging, history=history)
    made = backup(dataset_at("others"), onsite, plan="desk", staging=staging, history=history)
    onsite.forget_snapshots([gone.snapshot_id])
    offsite = replace(protected.offsite, binary=binary)
    result = replicate(onsite, offsite, plan="desk", history=history)
    assert {made.snapshot_id, made.manifest_id} <= set(result.copied)
    assert set(result.newest) == {"strategies", "others"}


def test_a_copy_begun_early_that_fails_is_told(
    protected: Protected, dataset_at: Callable[[str], FilesDataset], tmp_path: Path
) -> None:
    backup(
        dataset_at("ticks"),
        protected.onsite,
        plan="desk",
        staging=tmp_path / "staging",
        history=protected.history,
    )
    wrapper = tmp_path / "restic"
    wrapper.write_text(
        '#!/bin/sh\ncase "$*" in *" copy "*) echo x >>$0.copies; exit 130;; esac\nexec restic "$@"\n'
    )
    wrapper.chmod(0o755)
    with pytest.raises(RepositoryError, match="interrupted"):
        replicate(
            protected.onsite,
            replace(protected.offsite, binary=str(wrapper)),
            plan="desk",
            history=protected.history,
        )
    assert (tmp_path / "restic.copies").read_text() == "x\n"  # and is not tried a second time
    event = protected.history.last("replication")
    assert event is not None
    assert event.outcome == "failed"


def test_the_target_is_made_to_share_the_sources_chunks(protected: Protected, repository_at: Make) -> None:
    new = repository_at("new")
    result = replicate(protected.onsite, new, plan="desk", history=protected.history)
    assert len(result.copied) == 2
    assert new.config()["chunker_polynomial"] == protected.onsite.config()["chunker_polynomial"]


def test_a_target_that_vanished_is_not_made_again(protected: Protected) -> None:
    gone = replace(protected.offsite, url="/nowhere/at/all")
    with pytest.raises(NoRepository, match='"offsite" is gone'):
        replicate(protected.onsite, gone, plan="desk", history=protected.history)
    event = protected.history.last("replication")
    assert event is not None
    assert event.outcome == "failed"


def test_a_source_that_is_not_there_makes_no_target(repository_at: Make) -> None:
    with pytest.raises(NoRepository, match='"nothing"'):
        replicate(repository_at("nothing"), repository_at("target"), plan="desk")
    assert not repository_at("target").exists()


def test_a_damaged_snapshot_at_the_source_is_not_passed_over(
    protected: Protected, dataset_at: Callable[[str], FilesDataset], tmp_path: Path
) -> None:
    history = protected.history
    new = backup(
        dataset_at("ticks"), protected.onsite, plan="desk", staging=tmp_path / "staging", history=history
    )
    path = Path(protected.onsite.url, "snapshots", protected.made.snapshot_id)
    path.chmod(0o600)
    os.truncate(path, 20)
    with pytest.raises(RepositoryDamaged, match=protected.made.snapshot_id[:8]):
        replicate(protected.onsite, protected.offsite, plan="desk")
    assert points(protected.offsite.snapshots().snapshots, "ticks") == []
    with pytest.raises(RepositoryDamaged, match=protected.made.snapshot_id[:8]):
        replicate(protected.onsite, protected.offsite, plan="desk", history=history)
    (point,) = points(protected.offsite.snapshots().snapshots, "ticks")  # what is whole is not kept from it
    assert (point.snapshot.original, point.complete) == (new.snapshot_id, True)


def test_a_copy_that_was_cut_off_is_no_point_until_it_is_taken_up_again(
    protected: Protected, make_repository: Make, tmp_path: Path
) -> None:
    target = make_repository("target")
    wrapper = tmp_path / "restic"
    only = protected.made.snapshot_id
    wrapper.write_text(
        f'#!/bin/sh\ncase "$*" in *" copy "*) restic -r {target.url} copy --from-repo '
        f'{protected.onsite.url} {only}; exit 130;; esac\nexec restic "$@"\n'
    )
    wrapper.chmod(0o755)
    with pytest.raises(RepositoryError, match="interrupted"):
        replicate(protected.onsite, replace(target, binary=str(wrapper)), plan="desk")
    (half,) = points(target.snapshots().snapshots, "strategies")
    assert (half.copied, half.complete) == (True, False)
    again = replicate(protected.onsite, target, plan="desk")
    assert (len(again.copied), again.already_there) == (1, 1)
    assert again.newest == {"strategies": protected.made.taken}


def test_a_copy_that_says_it_is_done_and_is_not_is_an_error(
    protected: Protected, make_repository: Make, tmp_path: Path
) -> None:
    wrapper = tmp_path / "restic"
    wrapper.write_text('#!/bin/sh\ncase "$*" in *" copy "*) exit 0;; esac\nexec restic "$@"\n')
    wrapper.chmod(0o755)
    with pytest.raises(RepositoryError, match=f"{protected.made.snapshot_id[:8]}.* not there"):
        replicate(protected.onsite, make_repository("target", binary=str(wrapper)), plan="desk")


def test_one_that_was_interrupted_is_in_the_history(
    make_repository: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sites.protection.replication._replicate", interrupted)
    history = History(tmp_path / "history.jsonl")
    with pytest.raises(KeyboardInterrupt):
        replicate(make_repository("source"), make_repository("target"), plan="desk", history=history)
    (event,) = history.events()
    assert (event.outcome, event.detail) == ("failed", {"error": "it was interrupted"})
