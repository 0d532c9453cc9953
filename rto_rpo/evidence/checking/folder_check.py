"""The files of one run's folder held against its lines of the chain: hashes alone, nothing is judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rto_rpo.evidence.keeping.files import listing, sha256_of
from rto_rpo.evidence.keeping.run_folder import held
from rto_rpo.evidence.lines.history import RunRecord
from rto_rpo.evidence.lines.line import Closed, Pruned
from rto_rpo.evidence.names import LEDGER_NAME, PLAN_NAME


def folder_faults(root: Path, record: RunRecord, owners: Mapping[str, str]) -> list[str]:
    """What is wrong with the run's folder below `root`; nothing for one that is still being written."""
    path, closed = root / record.opened.folder, record.closed
    if record.pruned is not None:
        return [*pruned_faults(path, record.pruned, closed.files if closed else {})]
    if closed is not None:
        return [*file_faults(path, closed, owners)]
    unfinished = [] if held(path) else ["it was opened and never finished"]
    return [*unfinished, *plan_fault(path, record.opened.plan_sha256)]


def ledger_owners(records: Sequence[RunRecord]) -> dict[str, str]:
    """Which folder a ledger, by its hash, belongs to."""
    return {
        record.closed.files[LEDGER_NAME]: record.closed.folder
        for record in records
        if record.closed and LEDGER_NAME in record.closed.files
    }


def plan_fault(path: Path, sha256: str) -> Iterator[str]:
    """What differs between the plan in the folder and that of its *opened* line."""
    plan = path / PLAN_NAME
    if plan.is_file() and sha256_of(plan) != sha256:
        yield f'"{PLAN_NAME}" was edited: its hash is not the one that the run was opened with'


def file_faults(path: Path, closed: Closed, owners: Mapping[str, str]) -> Iterator[str]:
    """What differs between the files of a closed run and its line of the chain."""
    if path.is_symlink() or not path.is_dir():
        if closed.files:
            yield "its folder is missing: it was deleted or renamed"
        return
    regular, other = listing(path)
    found = {name: sha256_of(path / name) for name in regular}
    if closed.files.get(PLAN_NAME, closed.plan_sha256) != closed.plan_sha256:
        yield f'"{PLAN_NAME}" is not the plan that the run was opened with'
    if (owner := owners.get(found.get(LEDGER_NAME, ""))) not in {None, path.name}:
        yield f'it holds the ledger of "{owner}": the runs were swapped or copied'
    for name, sha256 in sorted(closed.files.items()):
        if name in other:
            yield f'"{name}" is not a plain file'
        elif name not in found:
            yield f'"{name}" is missing: it was deleted or renamed'
        elif found[name] != sha256:
            yield f'"{name}" was edited: its hash is not the one in the chain'
    for name in sorted({*found, *other} - closed.files.keys()):
        yield f'"{name}" is not in the chain: it was added after the run was closed'


def pruned_faults(path: Path, pruned: Pruned, hashes: Mapping[str, str]) -> Iterator[str]:
    """What is left by a pruning that was cut off may be there, but nothing else in its place."""
    kept = {name for name in pruned.kept or () if name in hashes}
    regular, other = _listed(path)
    changed = [name for name in regular if sha256_of(path / name) != hashes.get(name)]
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        changed.append(path.name)
    for name in [*changed, *other]:
        yield f'"{name}" was put there or edited after the run was pruned'
    for name in sorted(kept - set(regular)):
        yield f'"{name}" is missing: the pruning left it'


def regular_files(path: Path) -> list[str]:
    """The names of the plain files below it; none where it is no folder."""
    return _listed(path)[0]


def _listed(path: Path) -> tuple[list[str], list[str]]:
    return listing(path) if path.is_dir() and not path.is_symlink() else ([], [])
