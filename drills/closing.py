"""The end of a run: reports made from the ledger, and the closed line in the chain."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rto_rpo.evidence import chain
from rto_rpo.evidence.run_folder import RunFolder
from rto_rpo.evidence.signature import SigningKey, parse_key
from rto_rpo.ledger.errors import LedgerError
from rto_rpo.measurement import Verdict
from rto_rpo.report.document import DocumentError
from rto_rpo.report.publish import publish
from sites.errors import BlackstartError
from sites.plan import Plan

EXIT_CODES: dict[Verdict, int] = {"met": 0, "missed": 1, "inconclusive": 3}


@dataclass(frozen=True, slots=True)
class Closed:
    """A finished run: where its evidence is, what report.json holds, and the head of the chain after it."""

    folder: Path
    report: dict[str, Any]
    verdict: Verdict
    head: str

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.verdict]


def signing_key(plan: Plan) -> SigningKey | None:
    """The key that signs this plan's evidence. Raises EvidenceError when it cannot be used."""
    return parse_key(plan.evidence.key.resolve().encode()) if plan.evidence.key is not None else None


def close(plan: Plan, folder: RunFolder) -> Closed:
    """Judge the ledger of a run, write its reports once, and close it in the chain.

    Raises BlackstartError when there is no ledger to judge; the run is closed as inconclusive all the same.
    """
    root, key = plan.evidence.path, signing_key(plan)
    try:
        report = publish(folder.path)
    except (LedgerError, DocumentError, OSError) as error:
        chain.close_run(root, folder, verdict="inconclusive", key=key, now=datetime.now(UTC))
        raise BlackstartError(
            f"run {folder.run} has no ledger that could be judged: {error}",
            hint=f"what there is: {folder.path}",
        ) from None
    verdict: Verdict = report["verdict"]
    head = chain.close_run(root, folder, verdict=verdict, key=key, now=datetime.now(UTC))
    return Closed(folder.path, report, verdict, head)
