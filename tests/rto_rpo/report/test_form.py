"""The form of report.json has a number, and reports of older forms are still read."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from rto_rpo.dossier.digest import digest
from rto_rpo.report.document import document
from rto_rpo.report.model import REPORT_SCHEMA, schema
from rto_rpo.report.older import current
from tests.rto_rpo.report.older import as_form_1
from tests.rto_rpo.report.runs import write_run
from tests.rto_rpo.report.test_html import RUNS
from tests.rto_rpo.report.test_standing import DOUBTED

RECORDED = Path(__file__).with_name("form.json")


def fingerprint() -> str:
    """What report.json may hold, in one word; what is said about it does not count."""
    return hashlib.sha256(json.dumps(_bare(schema()), sort_keys=True).encode()).hexdigest()


def _bare(part: Any) -> Any:
    if isinstance(part, dict):
        return {name: _bare(each) for name, each in part.items() if name not in {"description", "title"}}
    return [_bare(each) for each in part] if isinstance(part, list) else part


def test_the_number_of_the_form_changes_with_it() -> None:
    now = {"schema": REPORT_SCHEMA, "sha256": fingerprint()}
    assert json.loads(RECORDED.read_text()) == now, (
        "report.json holds something else than before: count REPORT_SCHEMA up, teach rto_rpo/report/older.py "
        f"to read the form before, and write this to {RECORDED.name}: {json.dumps(now)}"
    )


@pytest.mark.parametrize("name", [*RUNS, *DOUBTED])
def test_a_report_of_the_first_form_is_read_as_one_of_today(tmp_path: Path, name: str) -> None:
    run = {**RUNS, **DOUBTED}[name]
    today = document(write_run(tmp_path, run) / "ledger.jsonl", run.plan)
    first = as_form_1(today)
    assert "doubts" not in first
    assert current(first) == {**today, "versions": []}
    assert digest(first) == digest(today)


def test_a_form_that_is_not_known_is_left_as_it_is() -> None:
    assert current({"schema": "blackstart/report/999"}) == {"schema": "blackstart/report/999"}
