"""Write a run's reports beside its plan and ledger, once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rto_rpo.evidence.files import write_once
from rto_rpo.report.document import document, to_json
from rto_rpo.report.html import html
from rto_rpo.report.markdown import markdown


def publish(folder: Path) -> dict[str, Any]:
    """Write report.json, report.html and report.md into a run's folder and give the report's content.

    Doing it again changes nothing. Raises LedgerError or DocumentError when there is nothing to report from,
    EvidenceError when another report is there already.
    """
    content = document(folder / "ledger.jsonl", (folder / "plan.yaml").read_bytes())
    write_once(folder / "report.json", to_json(content))
    write_once(folder / "report.html", html(content).encode())
    write_once(folder / "report.md", markdown(content).encode())
    return content
