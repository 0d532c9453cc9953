"""The chain, its keys and what lies beside it: all that shows without looking into any run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from rto_rpo.evidence import EvidenceError
from rto_rpo.evidence.agreed.held import plan_holds
from rto_rpo.evidence.agreed.kept import promised
from rto_rpo.evidence.agreed.planned import planned
from rto_rpo.evidence.checking.story import story_findings
from rto_rpo.evidence.lines.history import Entry, RunRecord, chain_findings, readable, signature_findings
from rto_rpo.evidence.lines.keys import first_key
from rto_rpo.evidence.lines.line import AnyLine, Opened, Pruned
from rto_rpo.evidence.lines.signature import PublicKey, parse_public_key
from rto_rpo.evidence.names import CHAIN_NAME, LOCK_NAME, PLAN_NAME, PUBLIC_KEY_NAME


def chain_faults(
    root: Path, entries: Sequence[Entry], records: Sequence[RunRecord], given: PublicKey | None = None
) -> Iterator[str]:
    """Everything that is wrong with hashes, signatures and the story of the lines, and with what is no line.

    `given`: the signer's key, had from elsewhere.
    """
    lines, beside = readable(entries), key_beside(root)
    yield from chain_findings(entries)
    yield from _key_file_faults(root, lines)
    yield from _key_findings(lines, given, beside)
    yield from signature_findings(entries, given or beside)
    yield from _unsigned_under_a_key(root, entries)
    yield from story_findings(entries)
    yield from _pruned_under_a_plan(root, entries)
    yield from _stray(root, records)


def key_beside(root: Path) -> PublicKey | None:
    """The public key in the folder; None where there is none that can be read, which is told elsewhere."""
    path = root / PUBLIC_KEY_NAME
    try:
        return parse_public_key(path.read_bytes()) if path.is_file() else None
    except (OSError, EvidenceError):
        return None


def _key_file_faults(root: Path, lines: Sequence[AnyLine]) -> Iterator[str]:
    path = root / PUBLIC_KEY_NAME
    if not path.is_file():
        if any(line.signature for line in lines):
            yield f'"{PUBLIC_KEY_NAME}" is missing: every signed chain has it'
        return
    try:
        found = parse_public_key(content := path.read_bytes())
        if found.pem != content:  # as may be given by hand, and is never written
            yield f'"{PUBLIC_KEY_NAME}" was edited: it is not in PEM'
    except EvidenceError as error:
        yield f'"{PUBLIC_KEY_NAME}" was edited: {error}'


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


def _unsigned_under_a_key(root: Path, entries: Sequence[Entry]) -> Iterator[str]:
    """Runs that a plan with a key would have had signed: somebody who has no key wrote them anew."""
    keyed: dict[str, bool] = {}
    for entry in entries:
        line = entry.line
        if not isinstance(line, Opened) or line.signature is not None:
            continue
        path = root / line.folder / PLAN_NAME
        content = path.read_bytes() if path.is_file() else b""
        if sha256(content).hexdigest() != line.plan_sha256:
            continue  # told elsewhere, or pruned
        if line.plan_sha256 not in keyed:
            keyed[line.plan_sha256] = planned(content).keyed
        if keyed[line.plan_sha256]:
            yield f'chain line {entry.number} is not signed, although "{PLAN_NAME}" of its run names a key'


def _pruned_under_a_plan(root: Path, entries: Sequence[Entry]) -> Iterator[str]:
    newest: dict[str, Opened] = {}
    opened: dict[str, Opened] = {}
    for entry in entries:
        if isinstance(entry.line, Opened):
            newest[entry.line.plan] = opened[entry.line.run] = entry.line
        elif isinstance(entry.line, Pruned):
            for plan, hold in plan_holds(root, newest.values()).items():
                for run in entry.line.runs:
                    told = f'run {run} was pruned although the plan "{plan}" held everything: {hold}'
                    yield f"chain line {entry.number}: {told}"
            early = _too_early(root, entry.line, opened)
            yield from (f"chain line {entry.number}: {fault}" for fault in early)


def _too_early(root: Path, line: Pruned, opened: Mapping[str, Opened]) -> Iterator[str]:
    """Runs whose own plan, which a pruning leaves, promised to keep them for longer."""
    for run in (run for run in line.runs if run in opened):
        kept = promised(root / opened[run].folder, opened[run].plan_sha256)
        if kept is not None and line.retention_seconds < kept.total_seconds():
            days = f"{line.retention_seconds / 86400:g} days, and its plan promised {kept.days}"
            yield f"run {run} was pruned under a retention of {days}"


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
