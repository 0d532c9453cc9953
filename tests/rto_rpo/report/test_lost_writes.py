from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

from rto_rpo.report.document import document
from rto_rpo.report.forms.lost_writes import COLUMNS, lost_writes
from tests.rto_rpo.report.runs import MET, MISSED, Run, write_run


def rows(folder: Path, run: Run) -> list[dict[str, str]]:
    text = lost_writes(document(write_run(folder, run) / "ledger.jsonl", run.plan))
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_every_lost_write_is_a_line_with_its_number_and_times(tmp_path: Path) -> None:
    lost = [row for row in rows(tmp_path, MISSED) if row["what"] == "lost"]
    assert [row["number"] for row in lost] == ["36", "37", "38"]
    assert lost[0]["acknowledged_utc"] == "2026-11-22T06:00:11.803100Z"
    assert lost[0]["acknowledged_at_seconds"] == "-0.196900"
    assert lost[0]["when"] == "before"
    assert {row["run"] for row in lost} == {MISSED.run}


def test_where_all_is_well_there_is_the_heading_and_what_is_unknown(tmp_path: Path) -> None:
    found = rows(tmp_path, MET)
    assert {row["what"] for row in found} == {"unknown, not kept"}
    assert {row["counts_as"] for row in found} == {"not counted"}
    text = lost_writes(document(tmp_path / "ledger.jsonl", MET.plan))
    assert text.splitlines()[0] == ",".join(COLUMNS)


def test_a_name_is_never_a_formula(tmp_path: Path) -> None:
    for number, name in enumerate(("=cmd|'/c calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "=1\r\n,2")):
        found = rows(tmp_path / str(number), replace(MISSED, stream=name))
        assert found
        assert not [
            cell for row in found for cell in (row["stream"], row["dataset"]) if cell[0] in "=+-@\t\r"
        ]
