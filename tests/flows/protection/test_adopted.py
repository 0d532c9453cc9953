"""Somebody else's restic repository, adopted: looked at, restored and asked, and never changed at all."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flows.exposure.exposed import exposed
from flows.options import estate_of
from flows.protection import outcomes
from flows.protection.protect import back_up, replicate_all, restore_tests
from flows.protection.upkeep import keep_up
from flows.recovery.clean import clean_point
from sites.errors import PlanError, RepositoryError
from sites.estate import Estate
from tests.flows.plans import small_plan
from tests.flows.read_only_rest import read_only
from tests.sites.repositories import PASSWORD

LOOKS = (
    "import os, sys; sys.exit(open(os.environ['BLACKSTART_RESTORED'] + '/0.txt').read()[:9] != 'documents')"
)
CHECK = {"kind": "command", "name": "looks", "command": [sys.executable, "-c", LOOKS]}
THEIRS = {"by": "external", "to": "far", "every": "1h", "tags": ["theirs"], "host": "prod"}


def restic(repository: Path, *arguments: str) -> None:
    env = {**os.environ, "RESTIC_PASSWORD": PASSWORD, "RESTIC_FROM_PASSWORD": PASSWORD}
    argv = ["restic", "-r", str(repository), "--no-cache", *arguments]
    subprocess.run(argv, env=env, check=True, capture_output=True)


def state_of(repository: Path) -> dict[str, tuple[int, int]]:
    """Every file, with its size and time: whatever is done to it shows."""
    files = [path for path in repository.rglob("*") if path.is_file()]
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in files}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Path:
    """Two repositories that somebody else fills: that at "there" is a copy by restic."""
    root = tmp_path_factory.mktemp("theirs")
    small_plan(root, repository)
    near, far = (root / site / "repository" for site in ("here", "there"))
    documents = str(root / "here" / "documents")
    for tag, host in (("theirs", "prod"), ("other", "prod"), ("theirs", "test")):
        restic(near, "backup", "--tag", tag, "--host", host, documents)
    restic(far, "copy", "--from-repo", str(near))
    return root


@pytest.fixture
def theirs(tmp_path: Path, filled: Path) -> Path:
    """A plan over copies of those repositories."""
    plan = small_plan(tmp_path)
    for site in ("here", "there"):
        shutil.copytree(filled / site / "repository", tmp_path / site / "repository")
    return plan


def adopt(plan: Path, url: str | None = None, **more: Any) -> Estate:
    head = plan.read_text().split("datasets:")[0]
    root = plan.parent
    if url is not None:
        head = head.replace(f"{root}/there/repository", url)
    documents = {
        "kind": "files",
        "site": "here",
        "path": str(root / "here" / "documents"),
        "restore": {"site": "there", "path": str(root / "there" / "documents")},
        "backup": THEIRS,
        "checks": [CHECK],
        "rpo": "2h",
        **more,
    }
    plan.write_text(head + "datasets: " + json.dumps({"documents": documents}) + "\n")
    return estate_of(plan)


def test_with_credentials_that_cannot_write_all_is_read_and_nothing_tried(
    theirs: Path, tmp_path: Path
) -> None:
    far = tmp_path / "there" / "repository"
    before = state_of(far)
    with read_only(far) as (url, tried):
        estate = adopt(theirs, url)
        (row,) = exposed(estate)
        assert (row.by, row.exceeded) == ("backup", False)
        assert row.point is not None
        assert datetime.now(UTC) - row.point < timedelta(minutes=10)

        (tested,) = restore_tests(estate)
        assert tested.result is not None
        assert outcomes.tested(tested).state == "met", tested
        assert (tested.result.restored_files, tested.result.matched) == (3, 0)
        assert tested.result.snapshot_id == row.snapshot_id != tested.result.copy_id

        found = clean_point(estate, "documents", lambda _: None)
        assert (found.points, found.clean is not None) == (1, True)
        restored = estate.restore_source("documents").restore(60)
        assert (tmp_path / "there" / "documents" / "0.txt").read_text().startswith("documents 0")
        assert restored.snapshot_id == row.snapshot_id
        assert tried == []
    assert state_of(far) == before


def test_a_mirror_byte_by_byte_is_known_by_equal_ids(theirs: Path, tmp_path: Path) -> None:
    far = tmp_path / "there" / "repository"
    shutil.rmtree(far)
    shutil.copytree(tmp_path / "here" / "repository", far)
    estate = adopt(theirs)
    (tested,) = restore_tests(estate)
    assert tested.result is not None
    assert tested.result.verdict == "met"
    assert tested.result.snapshot_id == tested.result.copy_id

    (unasked,) = restore_tests(adopt(theirs, checks=[]))
    assert unasked.result is not None
    assert unasked.result.verdict == "inconclusive"
    assert "the dataset has no `checks`" in unasked.result.reason


def test_whatever_would_change_it_is_refused_before_restic_runs(theirs: Path, tmp_path: Path) -> None:
    states = [state_of(tmp_path / site / "repository") for site in ("here", "there")]
    estate = adopt(theirs)
    assert list(back_up(estate)) == list(replicate_all(estate)) == list(keep_up(estate)) == []
    with pytest.raises(PlanError, match="backed up by somebody else"):
        list(back_up(estate, ["documents"]))
    for name in ("near", "far"):
        repository = estate.repository(name)
        acts = [
            repository.init,
            repository.unlock,
            repository.prune,
            lambda at=repository: at.copy(at, ["a" * 64]),
            lambda at=repository: at.forget_snapshots(["a" * 64]),
            lambda at=repository: at.backup([tmp_path / "here" / "documents"]),
            lambda at=repository: at.unlocked().backup_text(b"x", "x"),
        ]
        for act in acts:
            with pytest.raises(RepositoryError, match="somebody else's"):
                act()
    assert [state_of(tmp_path / site / "repository") for site in ("here", "there")] == states


def test_when_none_of_theirs_is_there_the_exposure_says_so(theirs: Path) -> None:
    estate = adopt(theirs, backup={**THEIRS, "tags": ["nobody-has-it"]})
    (row,) = exposed(estate)
    assert (row.by, row.exceeded) == (None, True)
    (tested,) = restore_tests(estate)
    assert tested.result is not None
    assert tested.result.verdict == "missed"


@pytest.mark.parametrize(
    ("backup", "told"),
    [
        ({"tags": [], "host": None}, "backup.by: which snapshots are its backups?"),
        ({"keep": {"daily": 3}}, "backup.keep: blackstart does not make this backup"),
        ({"by": "blackstart"}, "backup.host: our own snapshots are known by their tags"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, backup: dict[str, Any], told: str) -> None:
    keys = {key: value for key, value in {**THEIRS, **backup}.items() if value is not None}
    with pytest.raises(PlanError, match=told.replace("?", r"\?")):
        adopt(small_plan(tmp_path), backup=keys)
