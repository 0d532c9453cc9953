"""Find a run in the evidence and tell of it again: the report is a function of its plan and its ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from rto_rpo.evidence import EvidenceError
from rto_rpo.evidence.chain import PLAN_NAME
from rto_rpo.evidence.run_check import LEDGER_NAME
from rto_rpo.report.document import document, to_json
from rto_rpo.report.html import html
from rto_rpo.report.markdown import markdown

Format = Literal["html", "json", "md"]


def run_folder(path: Path) -> Path:
    """The run at `path`: its own folder, or the newest in a folder of evidence. Raises EvidenceError."""
    if (path / LEDGER_NAME).is_file():
        return path
    if not path.is_dir():
        raise EvidenceError(
            f'no evidence at "{path}": there is no such folder',
            hint="name the folder of a run, or of all runs",
        )
    runs = sorted(found.parent for found in path.glob(f"*/{LEDGER_NAME}"))
    if not runs:
        raise EvidenceError(f'no run in "{path}"', hint="`blackstart drill NAME` makes one")
    return runs[-1]


def read(run: Path) -> dict[str, Any]:
    """The report, computed anew. Raises LedgerError, DocumentError, EvidenceError."""
    try:
        return document(run / LEDGER_NAME, (run / PLAN_NAME).read_bytes())
    except OSError as error:
        raise EvidenceError(f'cannot read run "{run}": {error.strerror}') from error


def rendered(content: dict[str, Any], form: Format) -> bytes:
    match form:
        case "html":
            return html(content).encode()
        case "md":
            return markdown(content).encode()
        case "json":
            return to_json(content)
