"""From the plan to backup, replication and restore test, with real restic: one failure is one failure."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from flows.cli import app
from flows.exposure.exposed import exposed
from flows.options import estate_of
from flows.protection import outcomes
from flows.protection.older import let_go
from flows.protection.protect import back_up, replicate_all, restore_tests
from sites.errors import PlanError, RepositoryError
from sites.estate import Estate
from sites.points import points
from sites.protection.backup import BackupResult
from tests.flows.plans import small_plan


@pytest.fixture
def estate(tmp_path: Path, repository: Path) -> Estate:
    return estate_of(small_plan(tmp_path, repository))


def test_all_that_is_declared_is_protected_and_proven(estate: Estate, tmp_path: Path) -> None:
    backed_up = [outcomes.backed_up(one) for one in back_up(estate)]
    assert [(row.subject, row.state) for row in backed_up] == [
        ("documents", "backed up"),
        ("pictures", "backed up"),
    ]
    replicated = [outcomes.replicated(one) for one in replicate_all(estate)]
    assert [(row.subject, row.state) for row in replicated] == [("far", "replicated")]
    tested = [outcomes.tested(one) for one in restore_tests(estate)]
    assert [(row.subject, row.state) for row in tested] == [("documents", "met"), ("pictures", "met")]
    assert {outcomes.exit_code(rows) for rows in (backed_up, replicated, tested)} == {0}

    rows = {row.dataset: row for row in exposed(estate)}
    assert {name: (row.by, row.exceeded) for name, row in rows.items()} == {
        "documents": ("backup", False),
        "pictures": ("backup", False),
        "scratch": (None, False),
    }
    assert rows["documents"].proven is not None
    assert list((tmp_path / "there" / "restore-test").iterdir()) == []


def test_what_another_plan_keeps_in_the_same_repository_is_never_ours(estate: Estate, tmp_path: Path) -> None:
    """A dataset of the same name, backed up later: not told of, not tested, not put in the place of ours."""
    (tmp_path / "other").mkdir()
    path = small_plan(tmp_path / "other")
    theirs = path.read_text().replace("name: small", "name: other")
    for site in ("here", "there"):
        theirs = theirs.replace(f"{tmp_path}/other/{site}/repository", f"{tmp_path}/{site}/repository")
    path.write_text(theirs.replace(f"{tmp_path}/other/secret", f"{tmp_path}/secret"))
    made = {}
    for each in (estate, estate_of(path)):
        (one,) = back_up(each, ["documents"])
        assert isinstance(one.result, BackupResult)
        made[each.plan.name] = one.result
        assert {one.error for one in replicate_all(each)} == {None}
    ours = made["small"].snapshot_id
    assert {row.dataset: row for row in exposed(estate)}["documents"].snapshot_id == ours
    assert {one.result and one.result.snapshot_id for one in restore_tests(estate, ["documents"])} == {ours}
    assert estate.restore_source("documents").restore(60.0).snapshot_id == ours
    with pytest.raises(RepositoryError, match="has no snapshot of it; those there are of other, small"):
        replace(estate.restore_source("documents"), plan="renamed").restore(60.0)


def test_what_is_lost_with_its_site_is_no_point_elsewhere(tmp_path: Path, repository: Path) -> None:
    path = small_plan(tmp_path, repository)
    text = path.read_text().replace(", copy_of: near", "")
    path.write_text(re.sub(r", restore: \{.*?\}\}", "}", text))
    estate = estate_of(path)
    assert {one.error for one in back_up(estate, ["documents"])} == {None}
    row = {row.dataset: row for row in exposed(estate)}["documents"]
    assert (row.point, row.exceeded) == (None, True)
    assert 'repository "near" is lost with site "here"' in row.notes[0]


def test_one_dataset_that_fails_keeps_no_other_from_its_backup(estate: Estate, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "here" / "documents")
    rows = [outcomes.backed_up(one) for one in back_up(estate)]
    assert [(row.subject, row.state) for row in rows] == [("documents", "failed"), ("pictures", "backed up")]
    assert "documents" in rows[0].what
    assert outcomes.exit_code(rows) == 1


def test_only_the_named_are_taken(estate: Estate) -> None:
    assert [one.subject for one in back_up(estate, ["pictures"])] == ["pictures"]


@pytest.mark.parametrize("name", ["nobody", "scratch"])
def test_a_name_without_a_backup_is_refused_with_those_that_have_one(estate: Estate, name: str) -> None:
    with pytest.raises(PlanError, match=name) as refused:
        list(back_up(estate, [name]))
    assert refused.value.hint == "declared: documents, pictures"


def test_repositories_are_made_on_their_first_use(tmp_path: Path) -> None:
    estate = estate_of(small_plan(tmp_path))
    assert {one.error for one in back_up(estate, ["pictures"])} == {None}
    assert {one.error for one in replicate_all(estate)} == {None}
    assert (tmp_path / "there" / "repository" / "config").exists()


def test_a_restore_test_of_what_was_never_copied_is_missed(estate: Estate) -> None:
    assert {one.error for one in back_up(estate, ["pictures"])} == {None}
    rows = [outcomes.tested(one) for one in restore_tests(estate, ["pictures"])]
    assert rows[0].state == "missed"
    assert outcomes.exit_code(rows) == 1


def test_a_restore_test_that_cannot_look_is_inconclusive(estate: Estate, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "there" / "repository")
    rows = [outcomes.tested(one) for one in restore_tests(estate, ["pictures"])]
    assert rows[0].state == "inconclusive"
    assert outcomes.exit_code(rows) == 3


def test_a_failure_outweighs_what_is_unknown() -> None:
    rows = [outcomes.Row("a", "met", "", 0), outcomes.Row("b", "inconclusive", "", 3)]
    assert outcomes.exit_code(rows) == 3
    assert outcomes.exit_code([*rows, outcomes.Row("c", "missed", "", 1)]) == 1
    assert outcomes.exit_code(rows[:1]) == 0


def test_an_older_point_that_is_gone_fails_the_round_until_it_is_let_go(estate: Estate) -> None:
    for _ in range(2):
        list(back_up(estate, ["pictures"]))
        list(replicate_all(estate))
    rows = [outcomes.tested(one) for one in restore_tests(estate, ["pictures"])]
    assert [row.state for row in rows] == ["met", "met"]
    assert "older point of 20" in rows[1].what
    far = estate.repository("far")
    oldest = points(far.snapshots().snapshots, "pictures")[0]
    assert oldest.manifest is not None
    far.forget_snapshots([oldest.manifest.id, oldest.snapshot.id])
    told = cli(estate, "restore-test", "pictures")
    assert (told.exit_code, "gone from" in told.stdout) == (1, True)
    told = cli(estate, "restore-test", "--let-go", oldest.snapshot.first_id[:8])
    assert (told.exit_code, told.stdout) == (0, f"pictures: point {oldest.snapshot.first_id[:8]} is let go\n")
    assert cli(estate, "restore-test", "pictures", "--all").exit_code == 0
    with pytest.raises(PlanError, match="no point is known"):
        let_go(estate, oldest.snapshot.first_id[:8])


def cli(estate: Estate, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--plan", str(estate.plan.folder / "plan.yaml")])
