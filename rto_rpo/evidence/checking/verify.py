"""Is the evidence intact? The folder is enough; a public key and a head kept elsewhere prove more."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rto_rpo.evidence import EvidenceError
from rto_rpo.evidence.checking.chain_check import chain_faults, key_beside
from rto_rpo.evidence.checking.folder_check import ledger_owners
from rto_rpo.evidence.checking.pages_check import Pages, check_pages
from rto_rpo.evidence.checking.run_check import RunCheck, check_run
from rto_rpo.evidence.lines.history import (
    Entry,
    RunRecord,
    entries_of,
    run_records,
)
from rto_rpo.evidence.lines.line import Opened
from rto_rpo.evidence.lines.signature import PublicKey, parse_public_key
from rto_rpo.evidence.names import CHAIN_NAME, LEDGER_NAME, PLAN_NAME

_HEAD = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Verification:
    """`intact`: nothing was found. Which verdicts the runs have plays no part in that.

    `findings` say what differs, `notes` what this check could not prove. `anchored`: the chain holds the head
    that was kept elsewhere, so its tail was not cut off before that. `unproven` are verdicts that other rules
    than these found, and these find otherwise: nothing was tampered with, and nothing is shown for them.
    """

    intact: bool
    findings: tuple[str, ...]
    notes: tuple[str, ...]
    runs: tuple[RunCheck, ...]
    head: str | None
    anchored: bool
    unproven: tuple[str, ...] = ()


def verify(
    root: Path, *, public_key: bytes | None = None, head: str | tuple[str, ...] | None = None
) -> Verification:
    """Check every hash and signature and compute every verdict again.

    `public_key`: PEM or 32 raw bytes; without it the folder's own is used. `head`: 64 lowercase hex digits,
    or all that were kept.
    Raises EvidenceError when there is no such folder, it is one run's, or the key or head given is none.
    """
    if not root.is_dir():
        raise EvidenceError(f'cannot verify "{root}": there is no such folder')
    _refuse_run(root)
    heads = _heads(head)
    given = _given_key(public_key)
    entries = entries_of(root)
    records = run_records(entries)
    beside = key_beside(root)
    runs = _check_runs(root, records)
    unknown = [each for each in heads if each not in {entry.sha256 for entry in entries}]
    anchored = bool(heads) and not unknown
    findings = [
        *([] if entries else [f'"{CHAIN_NAME}" is missing or empty']),
        *chain_faults(root, entries, records, given),
        *_unanchored(heads, unknown),
        *(f"{run.folder}: {finding}" for run in runs for finding in run.findings),
    ]
    judged = {run.run for run in runs if run.recomputed is not None}
    pages = check_pages(root, entries, records, judged) if not findings else None
    if pages:
        findings += [f"{folder}: {one}" for folder, told in pages.findings.items() for one in told]
        runs = tuple(_with_pages(run, pages) for run in runs)
    notes = (
        *_notes(entries, given, beside),
        *_anchor_notes(entries, heads, anchored=anchored),
        *_page_notes(pages),
        *(f"{run.folder}: {note}" for run in runs for note in run.notes),
    )
    return Verification(
        intact=not findings,
        findings=tuple(findings),
        notes=notes,
        runs=runs,
        head=entries[-1].sha256 if entries else None,
        anchored=anchored,
        unproven=tuple(f"{run.folder}: {run.unproven}" for run in runs if run.unproven),
    )


def _refuse_run(root: Path) -> None:
    """One run alone shows nothing: its hashes stand in the chain, beside all runs."""
    if (root / CHAIN_NAME).exists() or not any((root / name).is_file() for name in (PLAN_NAME, LEDGER_NAME)):
        return
    above = root.absolute().parent
    there = f"`blackstart verify {above}`" if (above / CHAIN_NAME).is_file() else "the folder of all runs"
    raise EvidenceError(
        f'cannot verify "{root}": it is the folder of one run, and what proves it is the chain of all',
        hint=f"give {there}",
    )


def _heads(given: str | tuple[str, ...] | None) -> tuple[str, ...]:
    heads = (given,) if isinstance(given, str) else given or ()
    for head in heads:
        if not _HEAD.fullmatch(head):
            raise EvidenceError(f"cannot verify against head {head!r}: it is not 64 lowercase hex digits")
    return heads


def _unanchored(heads: tuple[str, ...], unknown: list[str]) -> Iterator[str]:
    if unknown:
        count = f" ({len(unknown)} of {len(heads)})" if len(heads) > 1 else ""
        yield f"the chain does not hold the head kept elsewhere{count}: its tail was deleted or rewritten"


def _given_key(content: bytes | None) -> PublicKey | None:
    try:
        return parse_public_key(content) if content is not None else None
    except EvidenceError as error:
        raise EvidenceError(f"cannot use the public key given: {error}", hint=error.hint) from None


def _check_runs(root: Path, records: Sequence[RunRecord]) -> tuple[RunCheck, ...]:
    owners = ledger_owners(records)
    before: dict[str, Opened] = {}
    checks = []
    for record in records:
        checks.append(check_run(root, record, owners, before.get(record.opened.plan)))
        before[record.opened.plan] = record.opened
    return tuple(checks)


def _with_pages(run: RunCheck, pages: Pages) -> RunCheck:
    findings, notes = pages.findings.get(run.folder, ()), pages.notes.get(run.folder, ())
    return replace(run, findings=(*run.findings, *findings), notes=(*run.notes, *notes))


def _page_notes(pages: Pages | None) -> Iterator[str]:
    if pages is None:
        yield "report.html and report.md were not drawn again: what they tell of is not intact"
    elif pages.same:
        told = (
            "1 page was drawn again and is"
            if pages.same == 1
            else f"{pages.same} pages were drawn again and are"
        )
        yield f"{told} the same, byte for byte"


def _notes(entries: Sequence[Entry], given: PublicKey | None, beside: PublicKey | None) -> Iterator[str]:
    unsigned = sum(1 for entry in entries if entry.line and entry.line.signature is None)
    if unsigned and unsigned == len(entries):
        yield "NOT SIGNED: whoever can write to this folder can rewrite it"
    elif unsigned:
        yield f"the first {unsigned} lines are not signed; the signed ones after them vouch for them"
    if beside and not given:
        yield f"the public key {beside.identity} was taken from this folder: compare it with the signer's"


def _anchor_notes(entries: Sequence[Entry], heads: tuple[str, ...], *, anchored: bool) -> Iterator[str]:
    if not heads:
        yield "head not anchored: this folder alone cannot show that its newest runs were deleted"
    elif anchored:
        later = len(entries) - max(entry.number for entry in entries if entry.sha256 in heads)
        yield f"head anchored; {later} lines were added since" if later else "head anchored"
