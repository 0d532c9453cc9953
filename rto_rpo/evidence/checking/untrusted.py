"""What `verify` finds before it judges anything: cheap enough for all who show many runs together.

Everything that hashes and signatures show is here. What only a judgement computed anew shows is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rto_rpo.evidence.checking.chain_check import chain_faults
from rto_rpo.evidence.checking.folder_check import folder_faults, ledger_owners
from rto_rpo.evidence.lines.history import Entry, run_records


@dataclass(frozen=True, slots=True)
class Untrusted:
    """`chain`: what is wrong around the runs; `runs`: by folder, for those alone that are not whole."""

    chain: tuple[str, ...]
    runs: dict[str, str]

    def told(self) -> Iterator[str]:
        """All of it, one sentence each."""
        yield from self.chain
        yield from (f"{folder}: {why}" for folder, why in self.runs.items())


def untrusted(root: Path, entries: Sequence[Entry]) -> Untrusted:
    """Hash every file of the evidence at `root`, whose chain has these lines. Raises OSError."""
    records = run_records(entries)
    owners = ledger_owners(records)
    faults = {record.opened.folder: folder_faults(root, record, owners) for record in records}
    runs = {folder: "; ".join(found) for folder, found in faults.items() if found}
    return Untrusted(tuple(chain_faults(root, entries, records)), runs)
