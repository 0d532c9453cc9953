"""Pruning: what is older than the retention and under no hold may go. Its lines in the chain stay."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from rto_rpo.durable import sync_folder
from rto_rpo.evidence import EvidenceError
from rto_rpo.evidence.keeping.tail import Tail, locked
from rto_rpo.evidence.lines.history import Entry, RunRecord, read_entries, records, run_records
from rto_rpo.evidence.lines.line import Closed
from rto_rpo.evidence.lines.record import Hold
from rto_rpo.evidence.lines.signature import SigningKey
from rto_rpo.evidence.names import CHAIN_NAME


@dataclass(frozen=True, slots=True)
class Prunable:
    """A run that pruning would take, and one that it would not (`kept` says why). `bytes` of its folder."""

    run: str
    folder: str
    drill: str
    closed_utc: str | None
    bytes: int
    kept: str | None


def prunable(root: Path, retention: timedelta, hold: str | None, now: datetime) -> tuple[Prunable, ...]:
    """Every run that is not pruned yet, in order. Changes nothing. `hold` is the plan's own, over all."""
    entries = _entries(root)
    held = holds(entries)
    return tuple(
        _considered(root, record, _why_kept(record, retention, hold, held, now))
        for record in run_records(entries)
        if record.pruned is None
    )


def holds(entries: Sequence[Entry]) -> dict[str | None, str]:
    """The holds that stand, by run, with their reasons. None: over everything."""
    standing: dict[str | None, str] = {}
    for line in records(entries):
        if isinstance(line.entry, Hold):
            if line.entry.placed:
                standing[line.run] = line.entry.text
            else:
                standing.pop(line.run, None)
    return standing


def _why_kept(
    record: RunRecord,
    retention: timedelta,
    hold: str | None,
    held: dict[str | None, str],
    now: datetime,
) -> str | None:
    for reason in (hold, held.get(None), held.get(record.opened.run)):
        if reason is not None:
            return f"legal hold: {reason}"
    if record.closed is None:
        return "it was never closed"
    # whatever was said of a run later is part of its evidence, and begins its time anew
    newest = max([_when(record.closed), *(datetime.fromisoformat(line.utc) for line in record.records)])
    if newest + retention > now:
        return f"younger than the retention: until {newest + retention:%Y-%m-%d}"
    return None


def _when(closed: Closed) -> datetime:
    return datetime.fromisoformat(closed.utc)


def _considered(root: Path, record: RunRecord, kept: str | None) -> Prunable:
    folder = root / record.opened.folder
    size = sum(path.lstat().st_size for path in folder.rglob("*")) if folder.is_dir() else 0
    return Prunable(
        run=record.opened.run,
        folder=record.opened.folder,
        drill=record.opened.drill,
        closed_utc=record.closed.utc if record.closed else None,
        bytes=size,
        kept=kept,
    )


def prune(
    root: Path,
    *,
    plan: str,
    retention: timedelta,
    hold: str | None,
    key: SigningKey | None,
    now: datetime,
) -> tuple[str, ...]:
    """Take what may go, and finish what an earlier pruning left. Returns the folders that were deleted.

    The line that names them is on disk before the first is touched. Raises EvidenceError, OSError.
    """
    if not root.is_dir():
        raise EvidenceError(f'cannot prune "{root}": there is no such folder')
    with locked(root):
        tail = Tail(root, key, now)
        going = [each for each in prunable(root, retention, hold, now) if each.kept is None]
        if going:
            runs = {each.run: each.folder for each in going}
            seconds = retention.total_seconds()
            tail.add(kind="pruned", plan=plan, runs=runs, retention_seconds=seconds)
            tail.write()
        return tuple(_delete(root))


def _delete(root: Path) -> list[str]:
    """Every folder that the chain says is pruned and that is still there."""
    gone = []
    for record in run_records(_entries(root)):
        path = root / record.opened.folder
        if record.pruned is not None and path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
            sync_folder(root)
            gone.append(record.opened.folder)
    return gone


def _entries(root: Path) -> tuple[Entry, ...]:
    path = root / CHAIN_NAME
    return read_entries(path.read_bytes()) if path.is_file() else ()
