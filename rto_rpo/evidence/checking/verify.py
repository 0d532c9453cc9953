"""Is the evidence intact? The folder is enough; a public key and a head kept elsewhere prove more."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rto_rpo.evidence import EvidenceError
from rto_rpo.evidence.checking.run_check import RunCheck, check_run
from rto_rpo.evidence.checking.story import story_findings
from rto_rpo.evidence.lines.history import (
    Entry,
    RunRecord,
    chain_findings,
    entries_of,
    readable,
    run_records,
    signature_findings,
)
from rto_rpo.evidence.lines.keys import first_key
from rto_rpo.evidence.lines.line import AnyLine, Opened
from rto_rpo.evidence.lines.signature import PublicKey, parse_public_key
from rto_rpo.evidence.names import CHAIN_NAME, LEDGER_NAME, LOCK_NAME, PUBLIC_KEY_NAME

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
    Raises EvidenceError when there is no such folder, or the key or head given is none.
    """
    if not root.is_dir():
        raise EvidenceError(f'cannot verify "{root}": there is no such folder')
    heads = _heads(head)
    given = _given_key(public_key)
    entries = entries_of(root)
    records = run_records(entries)
    beside, key_faults = _key_beside(root, readable(entries))
    runs = _check_runs(root, records)
    unknown = [each for each in heads if each not in {entry.sha256 for entry in entries}]
    anchored = bool(heads) and not unknown
    findings = [
        *([] if entries else [f'"{CHAIN_NAME}" is missing or empty']),
        *chain_findings(entries),
        *key_faults,
        *_key_findings(readable(entries), given, beside),
        *signature_findings(entries, given or beside),
        *story_findings(entries),
        *_stray(root, records),
        *_unanchored(heads, unknown),
        *(f"{run.folder}: {finding}" for run in runs for finding in run.findings),
    ]
    notes = (
        *_notes(entries, given, beside),
        *_anchor_notes(entries, heads, anchored=anchored),
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


def _key_beside(root: Path, lines: Sequence[AnyLine]) -> tuple[PublicKey | None, list[str]]:
    path = root / PUBLIC_KEY_NAME
    if not path.is_file():
        signed = any(line.signature for line in lines)
        return None, [f'"{PUBLIC_KEY_NAME}" is missing: every signed chain has it'] if signed else []
    try:
        return parse_public_key(path.read_bytes()), []
    except EvidenceError as error:
        return None, [f'"{PUBLIC_KEY_NAME}" was edited: {error}']


def _key_findings(
    lines: Sequence[AnyLine], given: PublicKey | None, beside: PublicKey | None
) -> Iterator[str]:
    first = first_key(lines)
    if first and beside and first != beside:
        yield f'"{PUBLIC_KEY_NAME}" was replaced: it is {beside.identity}, the first key is {first.identity}'
    elif not first and given and beside and given != beside:
        yield f'"{PUBLIC_KEY_NAME}" was replaced: it is {beside.identity}, the key given is {given.identity}'
    if (given or beside) and not any(line.signature for line in lines):
        yield "no line of the chain is signed by the public key: it was rewritten without the key"


def _check_runs(root: Path, records: Sequence[RunRecord]) -> tuple[RunCheck, ...]:
    owners = {
        record.closed.files[LEDGER_NAME]: record.closed.folder
        for record in records
        if record.closed and LEDGER_NAME in record.closed.files
    }
    before: dict[str, Opened] = {}
    checks = []
    for record in records:
        checks.append(check_run(root, record, owners, before.get(record.opened.plan)))
        before[record.opened.plan] = record.opened
    return tuple(checks)


def _stray(root: Path, records: Sequence[RunRecord]) -> Iterator[str]:
    """What lies beside the chain and is not in it."""
    known = {CHAIN_NAME, LOCK_NAME, PUBLIC_KEY_NAME, *(record.opened.folder for record in records)}
    for path in sorted(root.iterdir()):
        if path.name not in known:
            yield f"{path.name!r} is not in the chain: it was put here, or its lines were deleted"
    for name in (CHAIN_NAME, LOCK_NAME, PUBLIC_KEY_NAME):
        path = root / name
        if path.is_symlink() or (path.exists() and not path.is_file()):
            yield f'"{name}" is not a plain file'
    lock = root / LOCK_NAME
    if lock.is_file() and lock.stat().st_size:
        yield f'"{LOCK_NAME}" was edited: it has to be empty'


def _notes(entries: Sequence[Entry], given: PublicKey | None, beside: PublicKey | None) -> Iterator[str]:
    unsigned = sum(1 for entry in entries if entry.line and entry.line.signature is None)
    if unsigned and unsigned == len(entries):
        yield "not signed: whoever can write to this folder can rewrite it"
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
