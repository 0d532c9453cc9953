"""Write a run's reports beside its plan and ledger, once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rto_rpo.evidence.charter import CHARTER_NAME
from rto_rpo.evidence.files import write_once
from rto_rpo.report.document import document, to_json
from rto_rpo.report.html import html
from rto_rpo.report.markdown import markdown


def of_run(folder: Path) -> dict[str, Any]:
    """A run's report, computed from what its folder holds. Raises LedgerError, DocumentError, OSError."""
    charter = folder / CHARTER_NAME
    agreed = charter.read_bytes() if charter.is_file() else None
    return document(folder / "ledger.jsonl", (folder / "plan.yaml").read_bytes(), agreed)


def publish(folder: Path) -> dict[str, Any]:
    """Write report.json, report.html and report.md into a run's folder and give the report's content.

    Doing it again changes nothing. Raises LedgerError or DocumentError when there is nothing to report from,
    EvidenceError when another report is there already.
    """
    content = of_run(folder)
    write_once(folder / "report.json", to_json(content))
    write_once(folder / "report.html", html(content).encode())
    write_once(folder / "report.md", markdown(content).encode())
    return content
