"""A run in the evidence: opened before anything happens, closed with its reports and their hashes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from drills.keeping import kept_elsewhere
from rto_rpo.evidence import EvidenceError
from rto_rpo.evidence.agreed.charter import Agreed
from rto_rpo.evidence.keeping import chain
from rto_rpo.evidence.keeping.run_folder import RunFolder
from rto_rpo.evidence.lines.signature import SigningKey, parse_key
from rto_rpo.ledger.errors import LedgerError
from rto_rpo.measurement import Verdict
from rto_rpo.report.document import DocumentError
from rto_rpo.report.publish import publish
from sites.errors import BlackstartError
from sites.plan import Plan

EXIT_CODES: dict[Verdict, int] = {"met": 0, "missed": 1, "inconclusive": 3}


@dataclass(frozen=True, slots=True)
class Closed:
    """A finished run: where its evidence is, what report.json holds, and the head of the chain after it.

    `not_done` says what should have followed the closing and did not: a head not kept, a run not uploaded;
    and which page of the report could not be written.
    """

    folder: Path
    report: dict[str, Any]
    verdict: Verdict
    head: str
    not_done: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.verdict]


def open_run(plan: Plan, run: str, drill: str, agreed: Agreed | None = None) -> RunFolder:
    """Open a run in the chain, and freeze plan and charter in its folder. Raises BlackstartError."""
    root, key = plan.evidence.path, signing_key(plan)
    with told_as_ours("open", run):
        return chain.open_run(
            root, run=run, drill=drill, plan=plan.raw, key=key, now=datetime.now(UTC), agreed=agreed
        )


def close(plan: Plan, folder: RunFolder) -> Closed:
    """Judge the ledger of a run, write its reports once, and close it in the chain.

    Raises BlackstartError when there is no ledger to judge; the run is closed as inconclusive all the same.
    """
    not_done: list[str] = []
    try:
        report = publish(folder.path, not_done.append)
    except (EvidenceError, LedgerError, DocumentError, OSError) as error:
        _close(plan, folder, "inconclusive")
        raise BlackstartError(
            f"run {folder.run} has no ledger that could be judged: {error}",
            hint=f"what there is: {folder.path}",
        ) from None
    verdict: Verdict = report["verdict"]
    head = _close(plan, folder, verdict)
    not_done += kept_elsewhere(plan, folder.run)
    return Closed(folder.path, report, verdict, head, tuple(not_done))


def close_unjudged(plan: Plan, folder: RunFolder) -> None:
    """Close a run that never began: inconclusive, with the files as they are. Raises BlackstartError."""
    _close(plan, folder, "inconclusive")


def _close(plan: Plan, folder: RunFolder, verdict: Verdict) -> str:
    root, key = plan.evidence.path, signing_key(plan)
    with told_as_ours("close", folder.run):
        return chain.close_run(root, folder, verdict=verdict, key=key, now=datetime.now(UTC))


def signing_key(plan: Plan) -> SigningKey | None:
    """The key that signs this plan's evidence. Raises BlackstartError when it cannot be used."""
    if plan.evidence.key is None:
        return None
    with told_as_ours("use the key of", str(plan.evidence.path)):
        return parse_key(plan.evidence.key.resolve().encode())


@contextmanager
def told_as_ours(act: str, what: str) -> Iterator[None]:
    """The judge's room knows nothing of our errors: give them our name, and keep their words."""
    try:
        yield
    except EvidenceError as error:
        raise BlackstartError(f"cannot {act} {what} in the evidence: {error}", hint=error.hint) from error
