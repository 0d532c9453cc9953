"""What the lines of the chain say of themselves: which were edited, reordered, deleted or copied."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from rto_rpo.evidence.lines import keys
from rto_rpo.evidence.lines.keys import Signed, first_key
from rto_rpo.evidence.lines.line import (
    FIRST_PREV,
    AnyLine,
    Closed,
    LineError,
    Opened,
    PlanChanged,
    Pruned,
    Recorded,
    line_hash,
    parse,
    split,
)
from rto_rpo.evidence.lines.record import SignOff
from rto_rpo.evidence.lines.signature import PublicKey
from rto_rpo.evidence.names import CHAIN_NAME

# What a reader has to know of evidence that nobody signed.
NOT_SIGNED = "NOT SIGNED: whoever can write to the evidence can rewrite it unseen"


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
    """The lines of one run. `closed` is None for a run that was never finished.

    `records` are what people added about it, in order. `closed_sha256` is what a sign-off names. `pruned`:
    its folder was deleted in keeping with the retention, and this line says so.
    """

    opened: Opened
    closed: Closed | None
    closed_sha256: str | None = None
    plan_changed: PlanChanged | None = None
    records: tuple[Recorded, ...] = ()
    pruned: Pruned | None = None

    @property
    def of_this_closing(self) -> tuple[Recorded, ...]:
        """The records without sign-offs that name another closing: those are about other files."""
        return tuple(
            line
            for line in self.records
            if not isinstance(line.entry, SignOff) or line.entry.closed == self.closed_sha256
        )


def read_entries(chain: bytes) -> tuple[Entry, ...]:
    """Every line of the file, readable or not."""
    return tuple(_entry(number, raw) for number, raw in enumerate(split(chain), 1))


def signed_from(entries: Sequence[Entry]) -> int | None:
    """The place of the first signed line: it and those after it vouch for all before. None: nothing is."""
    return next((entry.seq for entry in entries if entry.line and entry.line.signature), None)


def entries_of(root: Path) -> tuple[Entry, ...]:
    """Every line of the chain in this folder; none where there is no chain."""
    path = root / CHAIN_NAME
    return read_entries(path.read_bytes()) if path.is_file() else ()


def run_records(entries: Sequence[Entry]) -> tuple[RunRecord, ...]:
    """The runs, in the order in which they were opened."""
    found: dict[str, RunRecord] = {}
    announced: dict[str, PlanChanged] = {}
    for entry in entries:
        line = entry.line
        if isinstance(line, Opened):
            found.setdefault(line.run, RunRecord(line, None, plan_changed=announced.get(line.run)))
        elif isinstance(line, PlanChanged):
            announced[line.run] = line
        elif isinstance(line, Closed) and line.run in found and found[line.run].closed is None:
            found[line.run] = replace(found[line.run], closed=line, closed_sha256=entry.sha256)
        elif isinstance(line, Recorded) and line.run in found:
            record = found[line.run]
            found[line.run] = replace(record, records=(*record.records, line))
        elif isinstance(line, Pruned):
            found.update({run: replace(found[run], pruned=line) for run in line.runs if run in found})
    return tuple(found.values())


def records(entries: Sequence[Entry]) -> tuple[Recorded, ...]:
    """Everything that people added, about runs, drills and plans, in order."""
    return tuple(entry.line for entry in entries if isinstance(entry.line, Recorded))


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
    """What is wrong with the signatures. `key` is any key of the chain; without it the first rotation's."""
    lines = readable(entries)
    first = first_key(lines) or key
    if key is not None and key not in (known := keys.ring(lines, first)):
        names = ", ".join(each.identity for each in known)
        yield f"no line of the chain is signed by key {key.identity}: its keys are {names}"
    yield from keys.signature_findings([Signed(entry.number, entry.line) for entry in entries], first)


def readable(entries: Sequence[Entry]) -> list[AnyLine]:
    return [entry.line for entry in entries if entry.line is not None]


@lru_cache(maxsize=8192)  # every run that is written follows the whole chain, again and again
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
