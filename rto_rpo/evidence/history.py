"""What the lines of the chain say of themselves: which were edited, reordered, deleted or copied."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rto_rpo.evidence.line import (
    FIRST_PREV,
    AnyLine,
    Closed,
    LineError,
    Opened,
    line_hash,
    parse,
    split,
)
from rto_rpo.evidence.signature import PublicKey


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: its place in the file (from 1), its hash, and what it says or why it cannot be read."""

    number: int
    sha256: str
    line: AnyLine | None
    fault: str = ""

    @property
    def seq(self) -> int:
        """An unreadable line is taken for the one that belongs in its place."""
        return self.line.seq if self.line else self.number - 1


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The lines of one run. `closed` is None for a run that was never finished."""

    opened: Opened
    closed: Closed | None


def read_entries(chain: bytes) -> tuple[Entry, ...]:
    """Every line of the file, readable or not."""
    return tuple(_entry(number, raw) for number, raw in enumerate(split(chain), 1))


def run_records(entries: Sequence[Entry]) -> tuple[RunRecord, ...]:
    """The runs, in the order in which they were opened."""
    opened: dict[str, Opened] = {}
    closed: dict[str, Closed] = {}
    for entry in entries:
        if isinstance(entry.line, Opened):
            opened.setdefault(entry.line.run, entry.line)
        elif isinstance(entry.line, Closed):
            closed.setdefault(entry.line.run, entry.line)
    return tuple(RunRecord(line, closed.get(run)) for run, line in opened.items())


def chain_findings(entries: Sequence[Entry]) -> Iterator[str]:
    """What is wrong with the hash chain. Nothing exactly when every line follows from the one before."""
    for entry in entries:
        if entry.line is None:
            yield f"chain line {entry.number} was edited or damaged: {entry.fault}"
    yield from _copied(entries)
    yield from _deleted(entries)
    yield from _reordered(entries)
    yield from _edited(entries)


def signature_findings(entries: Sequence[Entry], key: PublicKey | None) -> Iterator[str]:
    """What is wrong with the signatures.

    A good signature vouches for all lines before it: unsigned ones may come first, never after a signed one.
    """
    signed = False
    for entry in entries:
        if entry.line is not None:
            fault = _signature_fault(entry.line, key, signed=signed)
            signed = signed or entry.line.signature is not None
            if fault:
                yield f"chain line {entry.number} ({entry.line.kind} {entry.line.folder}) {fault}"


def _entry(number: int, raw: bytes) -> Entry:
    try:
        return Entry(number, line_hash(raw), parse(raw))
    except LineError as error:
        return Entry(number, line_hash(raw), None, str(error))


def _copied(entries: Sequence[Entry]) -> Iterator[str]:
    first: dict[str, int] = {}
    for entry in entries:
        if (number := first.setdefault(entry.sha256, entry.number)) != entry.number:
            yield f"chain line {entry.number} was copied from line {number}"


def _deleted(entries: Sequence[Entry]) -> Iterator[str]:
    for before, after in pairwise([-1, *sorted({entry.seq for entry in entries})]):
        if after == before + 2:
            yield f"chain line with seq {before + 1} is missing: it was deleted"
        elif after > before + 2:
            yield f"chain lines with seq {before + 1} to {after - 1} are missing: they were deleted"


def _reordered(entries: Sequence[Entry]) -> Iterator[str]:
    for before, after in pairwise(entries):
        if after.seq < before.seq:
            yield f"chain was reordered: line {after.number} has seq {after.seq} after seq {before.seq}"
        elif after.seq == before.seq and after.sha256 != before.sha256:
            yield f"chain lines {before.number} and {after.number} both say seq {after.seq}: one was added"


def _edited(entries: Sequence[Entry]) -> Iterator[str]:
    if entries and entries[0].line and entries[0].seq == 0 and entries[0].line.prev != FIRST_PREV:
        yield "chain line 1 was edited: it says that a line came before it"
    for before, after in pairwise(entries):
        follows = before.line and after.line and after.seq == before.seq + 1
        if follows and after.line and after.line.prev != before.sha256:
            yield (
                f"chain line {before.number} or {after.number} was edited: "
                f"line {after.number} remembers another hash of line {before.number}"
            )


def _signature_fault(line: AnyLine, key: PublicKey | None, *, signed: bool) -> str | None:
    if line.signature is None:
        if signed:
            return "is not signed, although a line before it is: it was added or edited without the key"
        return f"names key {line.key}, but its signature was taken away" if line.key else None
    if key is None:
        return f"is signed by key {line.key}, and there is no public key to check it with"
    if line.key != key.identity:
        return f"is signed by key {line.key}, not by key {key.identity}"
    if not key.holds(line.signed_bytes(), line.signature):
        return "has a wrong signature: it was edited after it was signed, or signed by another key"
    return None
