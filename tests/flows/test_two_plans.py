"""Two plans with one evidence folder: nothing that is said under one of them is about the other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rto_rpo.dossier.findings import register
from rto_rpo.dossier.shelf import read_shelf
from rto_rpo.evidence.keeping import chain
from rto_rpo.evidence.lines.history import run_records
from rto_rpo.evidence.lines.signature import load_key
from sites.errors import GuardError
from tests.flows.small_plan import entries, evidence, run, talk, told, write_plan
from tests.rto_rpo.evidence.folders import add_run, agreed
from tests.rto_rpo.report.runs import MISSED


@pytest.fixture
def plans(tmp_path: Path) -> tuple[Path, Path]:
    """One, and another under another name."""
    one = write_plan(tmp_path)
    other = tmp_path / "other.yaml"
    other.write_text(one.read_text().replace("name: small", "name: other"))
    return one, other


def runs(plan: Path) -> dict[str, str]:
    """The newest run's folder of each plan."""
    return {record.opened.plan: record.opened.folder for record in run_records(entries(plan))}


def refusal(plan: Path, *words: str) -> str:
    before = chain.head(evidence(plan))
    error = run(plan, *words).exception
    assert isinstance(error, GuardError), error
    assert "--plan FILE" in str(error.hint)
    assert chain.head(evidence(plan)) == before
    return str(error)


def test_the_last_run_is_that_of_the_plan(plans: tuple[Path, Path]) -> None:
    one, other = plans
    talk(one, "we would wait")
    talk(other, "we would not")
    for words in (["sign"], ["note", "x"], ["attend", "Bo", "left"], ["hold", "last", "--reason", "r"]):
        said: Any = told(one, *words)
        assert said["head"] == chain.head(evidence(one))
    by_plan = {record.opened.plan: len(record.records) for record in run_records(entries(one))}
    assert by_plan == {"small": 5, "other": 1}  # with the line of minutes


def test_a_run_of_another_plan_is_refused_by_its_name(plans: tuple[Path, Path]) -> None:
    one, other = plans
    talk(other, "we would not")
    theirs = runs(one)["other"]
    assert 'plan "small" has no run in' in refusal(one, "sign")
    assert 'there are runs of "other"' in refusal(one, "note", "x")
    talk(one, "we would wait")
    said = f'run {theirs} is of plan "other", not of "small"'
    for words in (["sign", theirs], ["note", "x", "--run", theirs], ["hold", theirs, "--reason", "r"]):
        assert refusal(one, *words) == said
    assert refusal(one, "finding", "open", "F-1", "--text", "x", "--run", theirs) == said


def test_a_finding_of_another_plan_is_refused_by_its_name(plans: tuple[Path, Path]) -> None:
    one, other = plans
    talk(one, "we would wait")
    talk(other, "we would not")
    told(one, "finding", "open", "F-1", "--text", "no second line")
    said = 'finding "F-1" is of plan "small", not of "other"'
    assert refusal(other, "finding", "close", "F-1", "--text", "done") == said
    assert refusal(other, "finding", "open", "F-1", "--text", "the same") == said
    told(one, "finding", "close", "F-1", "--text", "done")


def test_a_finding_that_follows_from_another_plans_drill_is_refused_by_its_name(
    plans: tuple[Path, Path],
) -> None:
    one, _ = plans
    add_run(evidence(one), MISSED, load_key(one.parent / "key.pem"), agreed(MISSED))
    derived = next(found.id for found in register(read_shelf(evidence(one))))
    said = refusal(one, "finding", "open", derived, "--text", "mine")
    assert said == f'finding "{derived}" is of plan "trading-desk", not of "small"'


def test_a_plan_whose_name_is_a_variable_finds_its_own_runs(plans: tuple[Path, Path]) -> None:
    one, _ = plans
    one.write_text(one.read_text().replace("name: small", "name: ${NAME:-small}"))
    talk(one, "we would wait")
    assert told(one, "sign")["head"] == chain.head(evidence(one))
