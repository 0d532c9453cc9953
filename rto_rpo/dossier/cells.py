"""Which cells of a drill programme were tried, and when: fault, kind of site struck, kind of dataset judged.

What there is to try, each run's charter says; a run counts where its fault was proven to have taken effect.
Where a later run of the drill left nothing to read, what it tried before is inconclusive.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from rto_rpo.dossier.coverage import State
from rto_rpo.dossier.shelf import Run
from rto_rpo.evidence.agreed.charter import Cell


@dataclass(frozen=True, slots=True)
class Tried:
    """`state`: the newest verdict; "not tested": no fault ever took effect there. `count`: of the runs."""

    cell: Cell
    state: State
    run: Run | None = None
    count: int = 0

    @property
    def day(self) -> str:
        """When it was tried last."""
        return self.run.utc[:10] if self.run else "never"


@dataclass(slots=True)
class Attempts:
    """What the runs so far have tried; `by_drill` which cells each drill did."""

    last: dict[Cell, Tried] = field(default_factory=dict)
    by_drill: dict[str, dict[Cell, None]] = field(default_factory=dict)

    def take(self, run: Run) -> None:
        """One more run, in the chain's order."""
        found = run.digest
        if found is None and not run.talked:
            # it was to show them again, and nobody knows what it showed, or whether it struck at all
            for cell in self.by_drill.get(run.drill, ()):
                self.last[cell] = replace(self.last[cell], state="inconclusive", run=run)
        if found is None or not found.faulted:
            return
        state: State = "inconclusive" if found.verdict == "met" and found.doubted else found.verdict
        for cell in found.tries:
            count = self.last[cell].count if cell in self.last else 0
            self.last[cell] = Tried(cell, state, run, count + 1)
            self.by_drill.setdefault(run.drill, {})[cell] = None

    def told(self, declared: Sequence[Cell]) -> Iterator[Tried]:
        """Every cell that is declared, in that order, then those that only earlier plans or versions had."""
        for cell in dict.fromkeys([*declared, *self.last]):
            yield self.last.get(cell) or Tried(cell, "not tested")


@dataclass(frozen=True, slots=True)
class Grid:
    """The cells as a table: `rows` are faults, `columns` (kind of site, kind of dataset)."""

    columns: list[tuple[str, str]]
    rows: list[tuple[str, list[Tried | None]]]


def grid(tried: Sequence[Tried]) -> Grid:
    """None where there is no such cell: the fault does not concern that kind of dataset."""
    known = {(one.cell.fault, one.cell.site, one.cell.dataset): one for one in tried}
    columns = sorted(
        {(one.cell.site, one.cell.dataset) for one in tried},
        key=lambda one: (one[0], one[1] == "none", one[1]),
    )
    faults = dict.fromkeys(one.cell.fault for one in tried)
    return Grid(columns, [(fault, [known.get((fault, *column)) for column in columns]) for fault in faults])


def sum_up(tried: Sequence[Tried]) -> str:
    """How many were tried, and with which verdicts."""
    done = [one for one in tried if one.run is not None]
    states = {
        state: sum(1 for one in done if one.state == state) for state in ("met", "missed", "inconclusive")
    }
    how = ", ".join(f"{count} {state}" for state, count in states.items() if count)
    left = len(tried) - len(done)
    return f"{len(done)} of {len(tried)} tried{f' ({how})' if how else ''}, {left} never"
