"""Which run is told of, and how far it may be believed: as the chain says, and not as the folders look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rto_rpo.evidence import EvidenceError
from rto_rpo.evidence.checking.chain_check import chain_faults
from rto_rpo.evidence.checking.folder_check import folder_faults, ledger_owners
from rto_rpo.evidence.lines.history import RunRecord, entries_of, run_records
from rto_rpo.evidence.names import CHAIN_NAME, LEDGER_NAME
from rto_rpo.report.distrust import not_intact


@dataclass(frozen=True, slots=True)
class Belief:
    """`findings`: why a run may not be believed. `given_up`: nobody saw it to its end."""

    findings: tuple[str, ...] = ()
    given_up: str | None = None

    @property
    def doubt(self) -> str | None:
        """Why nothing good follows from the run, in one sentence; None where nothing of the kind is known."""
        if not self.findings:
            return self.given_up
        return not_intact(self.findings)


def run_folder(path: Path) -> Path:
    """The run at `path`: its own folder, or the newest of the chain there. Raises EvidenceError.

    Where no chain is, as in a folder of copies, the folder's name tells which is newest.
    """
    if (path / LEDGER_NAME).is_file():
        return path
    if not path.is_dir():
        raise EvidenceError(
            f'no evidence at "{path}": there is no such folder',
            hint="name the folder of a run, or of all runs",
        )
    if (path / CHAIN_NAME).is_file():
        runs = [path / one.opened.folder for one in _measured(path, run_records(entries_of(path)))]
    else:
        runs = sorted(found.parent for found in path.glob(f"*/{LEDGER_NAME}"))
    if not runs:
        raise EvidenceError(f'no run in "{path}"', hint="`blackstart drill NAME` makes one")
    return runs[-1]


def _measured(root: Path, records: Sequence[RunRecord]) -> list[RunRecord]:
    """Those that left a ledger, by the chain: one that was deleted since is the newest all the same."""
    return [
        one
        for one in records
        if one.pruned is None
        and (
            LEDGER_NAME in one.closed.files
            if one.closed
            else (root / one.opened.folder / LEDGER_NAME).is_file()
        )
    ]


def belief(run: Path) -> Belief:
    """What hashes and signatures show of this run. Of a folder without a chain beside it nothing is known."""
    if not (run.parent / CHAIN_NAME).is_file():
        return Belief()
    entries = entries_of(run.parent)
    records = run_records(entries)
    around = chain_faults(run.parent, entries, records)
    record = next((one for one in records if one.opened.folder == run.name), None)
    if record is None:
        return Belief((f"{run.name!r} is not in the chain: it is no run of this evidence", *around))
    own = folder_faults(run.parent, record, ledger_owners(records))
    given_up = record.closed is not None and record.closed.source == "abandoned"
    return Belief(
        (*(f"{run.name}: {why}" for why in own), *around),
        "it was given up, and later closed as found: nobody saw it to its end" if given_up else None,
    )
