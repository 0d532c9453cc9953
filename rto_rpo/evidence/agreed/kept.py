"""How long the evidence of a run has to be kept: as the plan promised that it froze when it was opened."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from pathlib import Path

from rto_rpo.evidence.agreed.planned import Variables, planned
from rto_rpo.evidence.names import LEDGER_NAME, PLAN_NAME
from rto_rpo.ledger.reader import LedgerError, read
from rto_rpo.objective import DurationError, parse_duration


def promised(folder: Path, plan_sha256: str) -> timedelta | None:
    """The retention of the plan in a run's folder; None where it is gone, edited, or says nothing known."""
    path = folder / PLAN_NAME
    content = path.read_bytes() if path.is_file() else b""
    if sha256(content).hexdigest() != plan_sha256:
        return None
    try:
        found = planned(content, _variables(folder / LEDGER_NAME)).retention
        return timedelta(seconds=parse_duration(found).seconds)
    except (DurationError, OverflowError):
        return None


def _variables(ledger: Path) -> Variables:
    """The values that the plan's variables took, where a ledger holds them."""
    try:
        header = next(read(ledger)) if ledger.is_file() else None
    except (OSError, LedgerError, StopIteration):
        return None
    return header["plan"]["variables"] if header is not None and header["kind"] == "header" else None
