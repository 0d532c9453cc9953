"""What was agreed before a run cannot be changed after it."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from rto_rpo.evidence.agreed.charter import Criteria, Role, parse_charter, schema
from rto_rpo.evidence.checking.verify import verify
from rto_rpo.evidence.lines.signature import SigningKey
from rto_rpo.evidence.names import CHARTER_NAME
from tests.rto_rpo.evidence.folders import add_run, agreed, findings, open_one
from tests.rto_rpo.report.runs import MET, MISSED, PLAN

CHANGED = replace(MISSED, plan=PLAN + b"services: {gateway: {rto: 45s}}\n")


def test_a_charter_is_frozen_before_the_run_and_told_in_its_report(tmp_path: Path, key: SigningKey) -> None:
    folder = add_run(tmp_path / "evidence", MET, key, agreed(MET, Role(role="owner", name="Ada")))
    found = parse_charter((folder / CHARTER_NAME).read_bytes())
    assert found.changes is None
    assert found.previous_run is None
    report = json.loads((folder / "report.json").read_bytes())
    assert report["charter"]["criteria_sha256"] == found.criteria_sha256
    assert report["charter"]["roles"] == [{"role": "owner", "name": "Ada", "public": None}]
    Draft202012Validator(schema()).validate(json.loads((folder / CHARTER_NAME).read_bytes()))
    assert verify(tmp_path / "evidence").findings == ()


def test_what_changed_since_the_previous_run_is_told(tmp_path: Path, key: SigningKey) -> None:
    root = tmp_path / "evidence"
    first = parse_charter((add_run(root, MET, key, agreed(MET)) / CHARTER_NAME).read_bytes())
    second = parse_charter((add_run(root, CHANGED, key, agreed(CHANGED)) / CHARTER_NAME).read_bytes())
    assert second.previous_run == first.run
    assert [each.model_dump() for each in second.changes or ()] == [
        {"about": "objectives", "place": "services.gateway.rto", "before": None, "after": "45s"}
    ]
    assert verify(root).findings == ()


def test_an_edited_added_or_deleted_charter_shows(tmp_path: Path, key: SigningKey) -> None:
    root = tmp_path / "evidence"
    path = add_run(root, MET, key, agreed(MET)) / CHARTER_NAME
    content = path.read_bytes()
    path.write_bytes(content.replace(b"Ada", b"Eve"))
    assert '"charter.json" was edited: its hash is not the one that the run was opened with' in findings(root)
    path.unlink()
    assert '"charter.json" is missing' in findings(root)
    path.write_bytes(content)
    assert verify(root).intact


def test_a_charter_put_beside_a_run_that_had_none_shows(tmp_path: Path, key: SigningKey) -> None:
    root = tmp_path / "evidence"
    content = (add_run(root, MET, key, agreed(MET)) / CHARTER_NAME).read_bytes()
    (add_run(root, MISSED, key) / CHARTER_NAME).write_bytes(content)
    assert '"charter.json" was added: the run was opened without one' in findings(root)


@pytest.mark.parametrize("name", ["stable_seconds", "deadline_seconds", "late_seconds", "judged"])
def test_a_run_recorded_under_other_criteria_than_were_agreed_shows(
    tmp_path: Path, key: SigningKey, name: str
) -> None:
    """Whoever holds the key cannot agree on one thing and measure by another."""
    honest = agreed(MET)
    assert honest.criteria is not None
    other = {**honest.criteria.model_dump(), name: [] if name == "judged" else 123.0}
    add_run(tmp_path / "evidence", MET, key, replace(honest, criteria=Criteria.model_validate(other)))
    said = findings(tmp_path / "evidence")
    assert said.endswith('its ledger was recorded under other criteria than "charter.json" froze')


def test_a_run_that_died_before_its_charter_was_written_is_abandoned_and_intact(
    tmp_path: Path, key: SigningKey
) -> None:
    root = tmp_path / "evidence"
    died = open_one(root, MET, key, agreed(MET))
    assert died.descriptor is not None
    os.close(died.descriptor)
    (died.path / CHARTER_NAME).unlink()
    (died.path / "ledger.jsonl").unlink()
    add_run(root, MISSED, key, agreed(MISSED))
    found = verify(root)
    assert found.findings == ()
    assert [run.state for run in found.runs] == ["abandoned", "closed"]


def test_the_kind_of_drill_is_agreed_before(tmp_path: Path, key: SigningKey) -> None:
    add_run(tmp_path / "evidence", MET, key, replace(agreed(MET), kind="isolated"))
    assert "its ledger says kind of drill 'live'" in findings(tmp_path / "evidence")
