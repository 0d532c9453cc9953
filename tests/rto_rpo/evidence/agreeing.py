"""Evidence of real drills, checked by both: `verify`, and what a stranger runs who has none of our code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rto_rpo.evidence.checking.verify import verify
from tests.rto_rpo.evidence.stranger import stranger


def expect_both_agree(root: Path, *more: str) -> None:
    """Both find nothing, and the same verdicts. `more` are the stranger's key and head.

    It leaves to `verify` what had no fault of its own, or deleted, and says so of those that claim anything.
    """
    found = verify(root)
    assert found.intact, found.findings
    code, said = stranger(root, *more)
    told = {line.partition(" ")[0]: line for line in said.splitlines()}
    reports = {path.parent: json.loads(path.read_bytes()) for path in sorted(root.glob("*/report.json"))}
    assert reports, f"no drill left evidence in {root}"
    left = [folder for folder, report in reports.items() if _left_to_verify(folder, report)]
    assert code == (3 if left else 0), said
    for folder, report in reports.items():
        assert told[folder.name].startswith(f"{folder.name} {report['verdict']}; from its ledger: "), said
        assert ("NOT RECOMPUTED" in told[folder.name]) >= (folder in left), said


def _left_to_verify(folder: Path, report: dict[str, Any]) -> bool:
    plain = report["drill"]["fault"]["kind"] != "none"
    deletes = b'"act":"delete"' in (folder / "ledger.jsonl").read_bytes().replace(b'": "', b'":"')
    return report["verdict"] != "inconclusive" and (deletes or not plain)
