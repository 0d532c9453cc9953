"""After an attack: a cold recovery that restores the newest point which the dataset's checks call clean."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from flows.options import estate_of
from flows.protection.protect import back_up, replicate_all
from flows.recovery import failover
from sites.errors import GuardError, RepositoryError
from sites.estate import Estate
from sites.recovery.chosen import ChosenPoints
from sites.recovery.own_steps import runbook_of
from sites.recovery.standing import Standing
from sites.restore import ChosenPoint
from tests.flows.plans import small_plan

CHECK = "import os,sys; sys.exit('encrypted' in open(os.environ['BLACKSTART_RESTORED'] + '/book').read())"
MADE_UP = ChosenPoint("f" * 64, "clean as of then")


@pytest.fixture
def estate(tmp_path: Path, repository: Path) -> Iterator[Estate]:
    """Only "documents" has a check; site "here" is up."""
    path = small_plan(tmp_path, repository)
    check = f'{{kind: command, name: readable, command: ["{sys.executable}", "-c", "{CHECK}"]}}'
    text = path.read_text().replace("rpo: 2h,", f"rpo: 2h, checks: [{check}],", 1)
    idle = "/here\", processes: {idle: {command: [sleep, '9999'] }}}"
    text = text.replace('/here"}', idle, 1)
    path.write_text(text + "failover: {from: here, to: there, decide: automatic}\n")
    found = estate_of(path)
    found.site("here").up()
    try:
        yield found
    finally:
        found.site("here").kill()


def holding(estate: Estate, *contents: str) -> Estate:
    """With a point of each content."""
    for content in contents:
        for name in ("documents", "pictures"):
            noun = estate.plan.datasets[name]
            assert noun.kind == "files"
            (noun.path / "book").write_text(content)
        assert not [one.error for one in (*back_up(estate), *replicate_all(estate)) if one.error]
    return estate


def recover(estate: Estate, *, clean: bool = True, resume: bool = False, cold: bool = True) -> list[str]:
    told: list[str] = []
    run = failover.perform(
        estate, environment="test", resume=resume, tell=told.append, cold=cold, clean=clean
    )
    assert run.complete, run.failed
    return told


def test_what_comes_back_is_the_newest_that_is_clean(estate: Estate, tmp_path: Path) -> None:
    told = recover(holding(estate, "clean 1", "clean 2", "encrypted 3"))
    there = tmp_path / "there"
    assert (there / "documents" / "book").read_text() == "clean 2"
    assert (there / "pictures" / "book").read_text() == "encrypted 3"  # nothing says what is clean there
    assert "pictures: not judged, it declares no checks; its newest point is taken" in told
    assert ChosenPoints(estate.state).all() == {}


def test_where_no_point_is_clean_nothing_begins_and_without_asking_the_newest_comes_back(
    estate: Estate, tmp_path: Path
) -> None:
    holding(estate, "encrypted 1")
    with pytest.raises(GuardError, match="no point is clean"):
        recover(estate)
    assert not (tmp_path / "there" / "documents").exists()
    assert Standing(estate.state).under_way is None
    ChosenPoints(estate.state).choose({"documents": MADE_UP})  # of an earlier recovery: it counts no more
    recover(estate, clean=False)
    assert (tmp_path / "there" / "documents" / "book").read_text() == "encrypted 1"


def test_what_was_chosen_is_restored_or_nothing_is(estate: Estate) -> None:
    ChosenPoints(estate.state).choose({"documents": MADE_UP})
    (step,) = [s for s in runbook_of(estate, lambda *_: None, cold=True) if s.name == "restore documents"]
    assert "its point ffffffff: clean as of then" in step.says
    assert MADE_UP.snapshot_id in step.by_hand
    (warm,) = [s for s in runbook_of(estate, lambda *_: None) if s.name == "restore documents"]
    assert "latest" in warm.by_hand
    holding(estate, "clean 1")
    with pytest.raises(RepositoryError, match="which was chosen") as caught:
        replace(estate.restore_source("documents"), chosen=MADE_UP).restore(60)
    assert "nothing newer is restored instead" in str(caught.value.hint)


def test_a_choice_of_one_that_was_cut_off_stays_until_it_ends(estate: Estate) -> None:
    ChosenPoints(estate.state).choose({"documents": MADE_UP})
    Standing(estate.state).begin("failover")
    with pytest.raises(Exception, match=r"--resume|under way|cut off"):
        recover(estate)
    assert ChosenPoints(estate.state).all() == {"documents": MADE_UP}


def test_it_goes_with_cold_and_from_the_beginning_only(estate: Estate) -> None:
    for cold, resume in ((False, False), (True, True)):
        with pytest.raises(GuardError, match="chosen before a cold recovery begins"):
            recover(estate, cold=cold, resume=resume)


def test_a_choice_that_makes_no_sense_is_no_choice_of_the_newest(estate: Estate) -> None:
    ChosenPoints(estate.state).choose({"documents": MADE_UP})
    (estate.state / "chosen-points.json").write_text("[]")
    with pytest.raises(Exception, match="cannot tell which recovery points were chosen"):
        runbook_of(estate, lambda *_: None, cold=True)
