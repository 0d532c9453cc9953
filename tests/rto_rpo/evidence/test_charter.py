"""What was agreed before a run cannot be changed after it."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from rto_rpo.evidence.agreed.charter import Cell, Criteria, Role, parse_charter, schema
from rto_rpo.evidence.checking.verify import verify
from rto_rpo.evidence.lines.signature import SigningKey
from rto_rpo.evidence.names import CHARTER_NAME, PLAN_NAME, REPORT_NAME
from rto_rpo.report.document import to_json
from rto_rpo.report.publish import of_run
from tests.rto_rpo.evidence.folders import add_run, agreed, findings, folders, open_one
from tests.rto_rpo.evidence.forger import rewritten
from tests.rto_rpo.report.runs import MET, MISSED, PLAN

CHANGED = replace(
    MISSED, plan=PLAN + b"services: {gateway: {rto: 45s}, engine: {rto: 5m}}\n", rto_seconds=45.0
)


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
        {"about": "objectives", "place": f"services.{name}.rto", "before": None, "after": after}
        for name, after in (("engine", "5m"), ("gateway", "45s"))
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


PEOPLE = {"owner": ("Ada", None), "approver": ("Bo", "ab" * 32)}


def signed_anew(root: Path, key: SigningKey, **other: Any) -> None:
    """The newest run's charter says something else, and whoever holds the key signs that it always did."""
    path = folders(root)[-1] / CHARTER_NAME
    told = json.loads(path.read_bytes())
    assert all(told[name] != value for name, value in other.items())
    path.write_text(json.dumps({**told, **other}, sort_keys=True, indent=2) + "\n")
    (path.parent / REPORT_NAME).write_bytes(to_json(of_run(path.parent)))
    rewritten(root, key)


def two_runs(root: Path, key: SigningKey) -> str:
    """Gives the id of the first."""
    roles = [Role(role=role, name=name, public=public) for role, (name, public) in PEOPLE.items()]
    schedules = {"kill-primary": "0 6 * * 6"}
    add_run(root, MET, key, agreed(MET, *roles, schedules=schedules))
    later = replace(
        MISSED, plan=PLAN + b"services: {gateway: {rto: 45s}, engine: {rto: 5m}}\n", rto_seconds=45.0
    )
    add_run(root, later, key, agreed(later, *roles, schedules=schedules))
    assert verify(root).findings == ()
    return MET.run


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"roles": []}, "names other people, or other keys of theirs, than"),
        ({"roles": [{"role": "approver", "name": "Eve", "public": None}]}, "names other people"),
        ({"schedules": {}}, "has other schedules than"),
        ({"schedules": {"kill-primary": "0 6 1 1 *"}}, "has other schedules than"),
        ({"head_before": "a" * 64}, "was agreed at another head of the chain than"),
        ({"previous_run": None}, "names another previous run than the chain"),
        ({"changes": []}, "tells other changes since the previous run than the two plans show"),
        ({"changes": None}, "tells other changes since the previous run than the two plans show"),
    ],
)
def test_a_charter_says_what_its_plan_and_the_chain_say(
    tmp_path: Path, key: SigningKey, other: dict[str, Any], said: str
) -> None:
    root = tmp_path / "evidence"
    two_runs(root, key)
    signed_anew(root, key, **other)
    assert said in findings(root)


def test_an_older_charter_filed_less_and_none_calls_an_rto_other(tmp_path: Path, key: SigningKey) -> None:
    root = tmp_path / "evidence"
    add_run(root, MET, key, agreed(MET))
    later = replace(
        MET, number=2, plan=PLAN + b"failover: {fence: operator}\nservices: {gateway: {rto: 30s}}\n"
    )
    folder = add_run(root, later, key, agreed(later))
    fence, rto = json.loads((folder / CHARTER_NAME).read_bytes())["changes"]
    assert (fence["about"], rto["about"]) == ("thresholds", "objectives")
    signed_anew(root, key, changes=[{**fence, "about": "scope"}, rto])
    assert "tells other changes" not in findings(root)
    signed_anew(root, key, changes=[fence, {**rto, "about": "other"}])
    assert "tells other changes" in findings(root)


def test_a_first_run_has_nothing_to_tell_changes_from(tmp_path: Path, key: SigningKey) -> None:
    root = tmp_path / "evidence"
    add_run(root, MET, key, agreed(MET))
    signed_anew(root, key, changes=[])
    assert "tells other changes" in findings(root)


def test_a_plan_that_was_deleted_is_not_asked_what_changed(tmp_path: Path, key: SigningKey) -> None:
    """The changes were told while it was there; nothing shows them now, nor speaks against them."""
    root = tmp_path / "evidence"
    two_runs(root, key)
    (folders(root)[0] / PLAN_NAME).unlink()
    found = verify(root).findings
    assert all("is missing" in one for one in found), found


KINDS = (
    PLAN
    + b"sites: {primary: {kind: processes}}\n"
    + b"datasets: {orders: {kind: postgres, rpo: 0s}, ticks: {kind: files, rpo: 15m}}\n"
)


@pytest.mark.parametrize(
    ("site", "dataset", "whole"),
    [
        ("processes", "postgres", True),
        ("processes", "none", True),
        ("hosts", "postgres", False),
        ("processes", "s3", False),
    ],
)
def test_a_charter_tries_only_kinds_that_its_plan_has(
    tmp_path: Path, key: SigningKey, site: str, dataset: str, *, whole: bool
) -> None:
    run = replace(MET, plan=KINDS)
    tries = (Cell(fault="kill_site", site=site, dataset=dataset),)
    add_run(tmp_path / "evidence", run, key, agreed(run, cells=tries, tries=tries))
    found = verify(tmp_path / "evidence").findings
    assert found == () if whole else "tries kinds of site or dataset that" in "".join(found)
