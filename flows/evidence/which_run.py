"""Which run is told of, and how far it may be believed: as the chain says, and not as the folders look."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rto_rpo.evidence import EvidenceError
from rto_rpo.evidence.agreed.charter import frozen_charter
from rto_rpo.evidence.checking.chain_check import chain_faults
from rto_rpo.evidence.checking.folder_check import folder_faults, ledger_owners
from rto_rpo.evidence.lines.history import RunRecord, entries_of, run_records
from rto_rpo.evidence.names import CHAIN_NAME, LEDGER_NAME
from rto_rpo.report.distrust import not_intact


class NothingLeft(EvidenceError):
    """The newest run left no ledger to tell of, and an older one does not speak for it."""

    exit_code = 3

    def __init__(self, record: RunRecord, root: Path) -> None:
        self.opened = record.opened
        why = "it was closed with nothing recorded"
        if record.closed is None:
            why = "it was opened and nothing is recorded; it has only just begun, or was given up"
        super().__init__(
            f'nothing to report: the newest run in "{root}", {self.opened.folder}, left no ledger: {why}',
            hint="an older run is told of by its own folder; `blackstart status` says what was left behind",
        )


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
    """The run at `path`: its own folder, or the newest of the chain there.

    Where no chain is, as in a folder of copies, the folder's name tells which is newest.
    Raises EvidenceError, and NothingLeft for a newest run without a ledger.
    """
    if (path / LEDGER_NAME).is_file():
        return path
    if not path.is_dir():
        raise EvidenceError(
            f'no evidence at "{path}": there is no such folder',
            hint="name the folder of a run, or of all runs",
        )
    if (path / CHAIN_NAME).is_file():
        newest = _newest(path)
    else:
        newest = max((found.parent for found in path.glob(f"*/{LEDGER_NAME}")), default=None)
    if newest is None:
        raise EvidenceError(f'no run in "{path}"', hint="`blackstart drill NAME` makes one")
    return newest


def _newest(root: Path) -> Path | None:
    """The newest run that was to measure something. Raises NothingLeft."""
    for one in reversed(run_records(entries_of(root))):
        folder = root / one.opened.folder
        charter = frozen_charter(folder, one.opened.charter_sha256)
        if one.pruned is None and (charter is None or charter.kind != "tabletop"):
            # by the chain: a ledger that was deleted since is missed when it is read
            left = LEDGER_NAME in one.closed.files if one.closed else (folder / LEDGER_NAME).is_file()
            if not left:
                raise NothingLeft(one, root)
            return folder
    return None


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
