from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from rto_rpo.evidence import EvidenceError
from rto_rpo.ledger.errors import LedgerError
from rto_rpo.report.document import DocumentError, document, to_json
from rto_rpo.report.model import schema
from rto_rpo.report.publish import publish
from tests.rto_rpo.report.runs import INCONCLUSIVE, MET, MISSED, PLAN, Run, write_run

RUNS = {"met": MET, "missed": MISSED, "inconclusive": INCONCLUSIVE}


def of(folder: Path, run: Run) -> dict[str, Any]:
    return document(write_run(folder, run) / "ledger.jsonl", run.plan)


@pytest.mark.parametrize("verdict", RUNS)
def test_a_report_keeps_to_its_published_schema(tmp_path: Path, verdict: str) -> None:
    content = of(tmp_path, RUNS[verdict])
    assert content["verdict"] == verdict
    Draft202012Validator(schema()).validate(json.loads(to_json(content)))


def test_the_schema_refuses_what_is_not_in_it(tmp_path: Path) -> None:
    content = of(tmp_path, MET)
    validator = Draft202012Validator(schema())
    assert not validator.is_valid({**content, "more": 1})
    assert not validator.is_valid({**content, "verdict": "passed"})


def test_the_same_run_gives_the_same_bytes_wherever_and_by_whomever(tmp_path: Path) -> None:
    first = write_run(tmp_path / "first", MISSED)
    here = to_json(document(first / "ledger.jsonl", PLAN))
    second = Path(shutil.copytree(first, tmp_path / "some where else"))
    program = (
        "import sys; from pathlib import Path; from rto_rpo.report.document import document, to_json;"
        "folder = Path(sys.argv[1]);"
        "plan = (folder / 'plan.yaml').read_bytes();"
        "sys.stdout.buffer.write(to_json(document(folder / 'ledger.jsonl', plan)))"
    )
    environment = {
        "PYTHONHASHSEED": "4711",
        "TZ": "Asia/Kolkata",
        "LC_ALL": "C",
        "PYTHONPATH": str(Path.cwd()),
    }
    there = subprocess.run(
        [sys.executable, "-c", program, str(second)], env=environment, capture_output=True, check=True
    )
    assert there.stdout == here


def test_json_is_sorted_ascii_and_ends_in_a_newline(tmp_path: Path) -> None:
    raw = to_json(of(tmp_path, replace(MET, drill="prüfung")))
    content = json.loads(raw)
    assert raw == json.dumps(content, sort_keys=True, indent=2).encode("ascii") + b"\n"


def test_times_count_from_the_fault_and_utc_comes_from_the_anchors(tmp_path: Path) -> None:
    content = of(tmp_path, MISSED)
    assert content["utc"]["fault"] == "2026-11-22T06:00:12.000000Z"
    assert content["timeline"]["begin_at_seconds"] == -2.0
    assert content["timeline"]["fault_end_at_seconds"] == 0.021
    lost = content["recovery_points"][0]["lost"]
    assert [write["number"] for write in lost] == [36, 37, 38]
    assert lost[0]["acknowledged_at_seconds"] == pytest.approx(-0.1969)
    assert lost[0]["acknowledged_utc"] == "2026-11-22T06:00:11.803100Z"


def test_every_operation_is_counted_once_on_the_timeline(tmp_path: Path) -> None:
    content = of(tmp_path, MET)
    whole = {one["stream"]: one for one in content["timeline"]["whole"]}
    assert sum(whole["orders"]["served"]) == 68
    assert sum(whole["orders"]["bad"]) == 12
    bins = len(whole["orders"]["served"])
    assert bins == len(whole["orders"]["bad"]) <= 480
    assert whole["orders"]["bin_seconds"] * bins >= 3.95


def test_the_gate_and_the_reading_are_told(tmp_path: Path) -> None:
    met, void = of(tmp_path / "met", MET), of(tmp_path / "void", INCONCLUSIVE)
    assert met["drill"]["gate"] is True
    assert met["recovery_points"][0]["reading_problem"] is None
    assert void["recovery_points"][0]["reading_problem"]
    assert met["ledger"]["ended"] == "stable"


def test_a_cut_off_ledger_is_told_up_to_where_it_goes(tmp_path: Path) -> None:
    content = of(tmp_path, replace(MET, cut_off=True))
    assert content["verdict"] == "inconclusive"
    assert content["ledger"]["ended"] is None
    assert content["instrument"]["void"]
    assert [event["name"] for event in content["timeline"]["events"]][:3] == ["versions", "steady", "frozen"]
    Draft202012Validator(schema()).validate(json.loads(to_json(content)))


def test_a_broken_ledger_is_told_up_to_its_break(tmp_path: Path) -> None:
    folder = write_run(tmp_path, MET)
    lines = (folder / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "ledger.jsonl").write_bytes(b"".join(lines[:60]) + b"{}\n" + b"".join(lines[61:]))
    content = document(folder / "ledger.jsonl", PLAN)
    assert content["verdict"] == "inconclusive"
    assert content["ledger"]["records"] == 60
    assert "61" in content["instrument"]["void"]


def test_a_ledger_with_no_header_cannot_be_reported(tmp_path: Path) -> None:
    (tmp_path / "ledger.jsonl").write_bytes(b"")
    with pytest.raises(LedgerError):
        document(tmp_path / "ledger.jsonl", PLAN)


def test_another_plan_than_the_ledger_froze_is_refused(tmp_path: Path) -> None:
    folder = write_run(tmp_path, MET)
    with pytest.raises(DocumentError, match="is not the one that the ledger froze"):
        document(folder / "ledger.jsonl", PLAN + b" ")


def test_publishing_writes_three_files_and_never_another_report_over_one(tmp_path: Path) -> None:
    folder = write_run(tmp_path, MET)
    content = publish(folder)
    assert (folder / "report.json").read_bytes() == to_json(content)
    assert (folder / "report.html").read_text().startswith("<!doctype html>")
    assert (folder / "report.md").read_text().startswith("# ")
    assert publish(folder) == content
    (folder / "report.md").write_text("another")
    with pytest.raises(EvidenceError, match="evidence is written once"):
        publish(folder)
    assert sorted(path.name for path in folder.iterdir()) == [
        *("ledger.jsonl", "plan.yaml", "report.html", "report.json", "report.md")
    ]
