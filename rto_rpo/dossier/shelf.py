"""All runs of an evidence folder in the order in which they were opened, each with its digest.

A report is taken as it lies there when its hash is that in the chain, it says of run, plan, drill and verdict
what the chain says, and nothing else of its run is missing or changed; `blackstart verify` computes it anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from rto_rpo.dossier.digest import Digest
from rto_rpo.dossier.stored import stored_digest
from rto_rpo.evidence.agreed.charter import frozen_charter
from rto_rpo.evidence.checking.untrusted import Untrusted, untrusted
from rto_rpo.evidence.lines.history import (
    NOT_SIGNED,
    Entry,
    RunRecord,
    chain_findings,
    entries_of,
    records,
    run_records,
    signed_from,
)
from rto_rpo.evidence.lines.line import Closed, Opened, Recorded, line_hash
from rto_rpo.evidence.names import LEDGER_NAME, REPORT_NAME
from rto_rpo.report.standing import IN_DOUBT


@dataclass(frozen=True, slots=True)
class Run:
    """One run. `problem` says why there is no digest: nothing is known of such a run, and nothing good.

    `seq` is the place of its *opened* line in the chain. `talked`: a tabletop, with nothing to measure.
    """

    record: RunRecord
    seq: int
    digest: Digest | None
    problem: str | None
    talked: bool = False

    @property
    def folder(self) -> str:
        return self.record.opened.folder

    @property
    def run(self) -> str:
        return self.record.opened.run

    @property
    def drill(self) -> str:
        return self.record.opened.drill

    @property
    def plan(self) -> str:
        return self.record.opened.plan

    @property
    def utc(self) -> str:
        return self.record.opened.utc

    @property
    def verdict(self) -> str:
        """*Inconclusive* for a run that left nothing to read; of a pruned one the chain still has it."""
        if self.digest is not None:
            return self.digest.verdict
        if self.talked:
            return "held"
        closed = self.record.closed
        return closed.verdict if closed and self.record.pruned else "inconclusive"

    @property
    def standing(self) -> str:
        """The verdict, and that it is in doubt where a run that was met is."""
        doubted = self.digest is not None and self.digest.doubted
        return IN_DOUBT if doubted and self.verdict == "met" else self.verdict

    @property
    def report_sha256(self) -> str | None:
        return self.record.closed.files.get(REPORT_NAME) if self.record.closed else None


@dataclass(frozen=True, slots=True)
class Shelf:
    """`said`: all that people added, in order. `problems`: why the chain itself does not hold.

    `broken`: which runs are not whole, by folder, and why. `head` is the hash of the chain's last line, None
    when there is no chain. `signed_from` is the place of the first line that is signed: it and those after it
    vouch for all before. None: nothing is signed.
    """

    root: Path
    runs: tuple[Run, ...]
    said: tuple[Recorded, ...]
    problems: tuple[str, ...]
    head: str | None
    broken: Mapping[str, str] = field(default_factory=dict)
    signed_from: int | None = None

    @property
    def unsigned(self) -> str | None:
        """What a reader has to know of evidence that nobody signed, in one sentence."""
        return None if self.signed_from is not None else NOT_SIGNED

    @property
    def judged_elsewise(self) -> list[Run]:
        """The runs whose verdicts other rules found than those at hand, the newest first."""
        return [run for run in reversed(self.runs) if run.digest is not None and run.digest.other_rules]

    def of_plan(self, plan: str) -> Shelf:
        """What belongs to one plan."""
        runs = tuple(run for run in self.runs if run.plan == plan)
        said = tuple(line for line in self.said if line.plan == plan)
        return Shelf(self.root, runs, said, self.problems, self.head, self.broken, self.signed_from)

    def run(self, folder: str) -> Run | None:
        return next((run for run in self.runs if run.folder == folder), None)

    def as_of(self, run: Run) -> Shelf:
        """What a reader knew when the run had just ended: what stood before it, and all said of it itself."""
        runs = tuple(one for one in self.runs if one.seq <= run.seq)
        said = tuple(line for line in self.said if line.seq < run.seq or line.run == run.run)
        head = run.record.closed_sha256 or line_hash(run.record.opened.raw())
        signed = self.signed_from if self.signed_from is not None and self.signed_from <= run.seq else None
        return Shelf(self.root, runs, said, self.problems, head, self.broken, signed)


def read_shelf(
    root: Path,
    *,
    known: Mapping[str, Digest] | None = None,
    now: Mapping[str, Digest] | None = None,
    entries: Sequence[Entry] | None = None,
    whole: bool = False,
) -> Shelf:
    """Read the chain, hash every file, and read every report whose digest is not `known` (by its hash).

    `now` gives digests of runs, by folder, that are about to be closed: then what stands beside them is told
    by the reports alone, and no other file is read, unless it is to be `whole`. `entries`: the chain as it
    was at some time, to read in place of all of it. A folder without a chain has no runs.
    """
    entries = entries_of(root) if entries is None else entries
    places = {entry.line.run: entry.seq for entry in reversed(entries) if isinstance(entry.line, Opened)}
    alone = now is not None and not whole
    found = Untrusted(tuple(chain_findings(entries)), {}) if alone else untrusted(root, entries)
    runs = [
        _run(root, record, places[record.opened.run], known or {}, now or {}, found.runs)
        for record in run_records(entries)
    ]
    head = entries[-1].sha256 if entries else None
    return Shelf(root, tuple(runs), records(entries), found.chain, head, found.runs, signed_from(entries))


def _run(
    root: Path,
    record: RunRecord,
    seq: int,
    known: Mapping[str, Digest],
    now: Mapping[str, Digest],
    broken: Mapping[str, str],
) -> Run:
    folder, closed = record.opened.folder, record.closed
    if closed is None:
        found = now.get(folder)
        return Run(record, seq, found, None if found else "it was opened and never finished")
    if folder in broken and record.pruned is None:
        return Run(record, seq, None, f"not intact: {broken[folder]}")
    if closed.source == "abandoned":  # whatever its report says: nobody was there to see it to its end
        return Run(record, seq, None, "it was given up, and later closed as found")
    sha256 = closed.files.get(REPORT_NAME)
    if sha256 is None:
        charter = frozen_charter(root / folder, record.opened.charter_sha256)
        if charter is not None and charter.kind == "tabletop":
            return Run(record, seq, None, "a tabletop: talked through, nothing measured", talked=True)
        return Run(record, seq, None, "it was closed without a report")
    try:
        kept = known.get(sha256) if record.pruned is None else None
        found = kept or stored_digest(root / folder / REPORT_NAME, sha256)
        unlike = _unlike(found, closed)
        return Run(record, seq, None if unlike else found, unlike)
    except (OSError, ValueError, KeyError, TypeError) as error:
        pruned = "it was pruned" if record.pruned else f"its report cannot be read: {_said(error)}"
        return Run(record, seq, None, pruned)


def _unlike(found: Digest, closed: Closed) -> str | None:
    """Why a report, whose hash is right, cannot be that of the run which the chain closed."""
    if LEDGER_NAME not in closed.files:
        return "its report cannot be believed: there is no ledger that it could come from"
    for name in ("run", "plan", "drill", "verdict"):
        said, told = getattr(found, name), getattr(closed, name)
        if said != told:
            return f"its report cannot be believed: its {name} is {said!r}, the chain's {told!r}"
    return None


def _said(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return "it is no report" if isinstance(error, ValidationError | KeyError | TypeError) else str(error)


def newest(runs: Sequence[Run], wanted: Callable[[Run], bool] = lambda _: True) -> Run | None:
    """The newest run that is wanted."""
    return next((run for run in reversed(runs) if wanted(run)), None)
