"""All runs as each of them was when its pages were written: opened, judged, and not closed yet.

One pass over the evidence gives what stood beside every run, where looking at each by itself would read and
compute all that came before it again, for every run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rto_rpo.controls.profile import all_shipped
from rto_rpo.dossier.digest import Digest
from rto_rpo.dossier.dossier import Dossier, beside_runs
from rto_rpo.dossier.shelf import Run, Shelf, read_shelf
from rto_rpo.evidence.lines.history import Entry
from rto_rpo.evidence.lines.line import line_hash


def beside_each(
    root: Path, entries: Sequence[Entry], known: Mapping[str, Digest], folders: Collection[str]
) -> Iterator[Dossier]:
    """What the rest of the evidence said beside these runs, just before each was closed. Hashes no file."""
    shelf = _as_they_were(read_shelf(root, known=known, now={}, entries=entries))
    for plan in dict.fromkeys(run.plan for run in shelf.runs if run.folder in folders):
        yield from beside_runs(shelf, plan, all_shipped(), lambda run: run.folder in folders)


class _Then(Shelf):
    """Cuts what is told beside a run to what had been said before it was closed."""

    def of_plan(self, plan: str) -> Shelf:
        return _of(Shelf.of_plan(self, plan))

    def as_of(self, run: Run) -> Shelf:
        then = Shelf.as_of(self, run)
        seqs = {line.seq for line in run.record.records}
        said = tuple(line for line in then.said if line.run != run.run or line.seq in seqs)
        return replace(then, said=said, head=line_hash(run.record.opened.raw()))


def _of(shelf: Shelf) -> Shelf:
    known = shelf.problems, shelf.head, shelf.broken, shelf.signed_from
    return _Then(shelf.root, shelf.runs, shelf.said, *known)


def _as_they_were(shelf: Shelf) -> Shelf:
    return _of(replace(shelf, runs=tuple(_before_its_closing(run) for run in shelf.runs)))


def _before_its_closing(run: Run) -> Run:
    closed = run.record.closed
    if closed is None or run.digest is None:
        return run
    said = tuple(line for line in run.record.records if line.seq < closed.seq)
    return replace(run, record=replace(run.record, closed=None, closed_sha256=None, records=said))
