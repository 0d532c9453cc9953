"""Lines that are about more than opening and closing runs: what people say, and the change of a key."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from pathlib import Path

from rto_rpo.durable import make_folder
from rto_rpo.evidence import EvidenceError
from rto_rpo.evidence.agreed.person import with_signature
from rto_rpo.evidence.keeping.clock import require_clock
from rto_rpo.evidence.keeping.tail import Tail, locked
from rto_rpo.evidence.lines.history import RunRecord, entries_of, run_records
from rto_rpo.evidence.lines.line import KeyRotated, LineError, Recorded, build
from rto_rpo.evidence.lines.record import AnyEntry, Finding, FindingState, SignOff
from rto_rpo.evidence.lines.signature import SigningKey

OURS = "blackstart,"  # so begins who says it where no person does


def find_run(root: Path, named: str) -> RunRecord:
    """The run of that id, folder, or unmistakable beginning of either; "last" for the newest.

    Raises EvidenceError.
    """
    runs = run_records(entries_of(root))
    if named == "last" and runs:
        return runs[-1]
    name = Path(named).name
    exact = [run for run in runs if name in (run.opened.run, run.opened.folder)]
    found = exact or [run for run in runs if name and _begins(run, name)]
    if len(found) != 1:
        said = f"{len(found)} runs begin so" if found else f'there is no such run in "{root}"'
        raise EvidenceError(
            f'cannot find run "{named}": {said}', hint="name it by its folder, or `last` for the newest"
        )
    return found[0]


def _begins(run: RunRecord, name: str) -> bool:
    return run.opened.run.startswith(name) or run.opened.folder.startswith(name)


def add_record(
    root: Path,
    entry: AnyEntry,
    *,
    plan: str,
    run: str | None,
    drill: str | None,
    key: SigningKey | None,
    now: datetime,
    person: SigningKey | None = None,
    ours: bool = False,
) -> str:
    """Add what somebody says, signed by that `person` where a key is given. Returns the new head.

    `ours`: blackstart says it itself. Raises EvidenceError when anybody else does in its name, and when it
    contradicts the chain: a sign-off of a run that is not closed, a finding entered twice, a word signed by a
    clock that is behind.
    """
    if not ours and _is_our_name(entry.by.name):
        raise EvidenceError(
            f'cannot add this {entry.what} of "{entry.by.name}": such a name is what blackstart says itself',
            hint="give your own name",
        )
    make_folder(root)  # the first that is said may be the approval of the first drill
    with locked(root):
        tail = Tail(root, key, now)
        _refuse_contradiction(root, entry, run)
        if person is not None:
            require_clock(tail.lines, tail.utc, f"sign this {entry.what}", signed=True)
            entry = with_signature(entry, person, plan=plan, run=run, drill=drill, utc=tail.utc)
        _refuse_copy(tail, entry)
        try:
            tail.add(kind="recorded", plan=plan, run=run, drill=drill, entry=entry.model_dump())
        except LineError as error:
            raise EvidenceError(f"cannot add this {entry.what} to the evidence: {error}") from None
        tail.write()
        return tail.head


def _is_our_name(name: str) -> bool:
    """However it is spelled: wide letters, capitals, and signs that nobody sees are the same name."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return "".join(sign for sign in plain if sign.isalnum() or sign == ",").startswith(OURS)


def _refuse_contradiction(root: Path, entry: AnyEntry, run: str | None) -> None:
    entries = entries_of(root)
    known = {
        entry.line.entry.id
        for entry in entries
        if entry.line is not None and entry.line.kind == "recorded" and isinstance(entry.line.entry, Finding)
    }
    closed = {record.opened.run: record.closed_sha256 for record in run_records(entries)}
    if run is not None and run not in closed:
        raise EvidenceError(f"cannot add to run {run}: it was never opened here")
    if isinstance(entry, SignOff) and closed.get(run or "") != entry.closed:
        raise EvidenceError(
            f"cannot sign off run {run}: it is not closed", hint="`blackstart recover` closes it"
        )
    if isinstance(entry, Finding) and entry.id in known:
        raise EvidenceError(
            f'cannot enter finding "{entry.id}": there is one already', hint="ids are used once"
        )
    if isinstance(entry, FindingState) and entry.id not in known:
        raise EvidenceError(f'cannot change finding "{entry.id}": it was never entered')


def _refuse_copy(tail: Tail, entry: AnyEntry) -> None:
    """A signed word stands in a chain once: twice would look as if somebody had copied it."""
    if any(
        isinstance(line, Recorded) and line.utc == tail.utc and line.entry == entry
        for line in tail.lines
        if entry.by.signature is not None
    ):
        raise EvidenceError(f"cannot add this {entry.what}, signed at {tail.utc}: it stands there already")


def rotate_key(root: Path, *, plan: str, old: SigningKey, new: SigningKey, now: datetime) -> str:
    """Let `new` sign from now on. Returns the new head.

    Raises EvidenceError when `old` is not the key that signs now, or nothing is signed yet.
    """
    if not root.is_dir():
        raise EvidenceError(f'cannot change the key of "{root}": there is no such folder')
    with locked(root):
        tail = Tail(root, old, now)
        if not any(line.signature for line in tail.lines):
            raise EvidenceError("cannot change the key: no line is signed yet; let the plan name the new one")
        if old.public == new.public:
            raise EvidenceError("cannot change the key: the new one is the old one")
        content = {"old_public": old.public_hex, "new_public": new.public_hex, "proof": "0" * 128}
        line = build(tail.begun(kind="key_rotated", plan=plan, **content))
        proof = new.sign(line.proven_bytes()) if isinstance(line, KeyRotated) else ""
        tail.add(kind="key_rotated", plan=plan, **{**content, "proof": proof})
        tail.write()
        return tail.head
