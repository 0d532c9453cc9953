"""Pruning: what is older than the retention and under no hold may go.

Its lines in the chain stay, its charter and its plan: without the schedules that they froze nobody could tell
which drills were due and did not run, nor without the plan whether it held everything.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from rto_rpo.durable import sync_folder
from rto_rpo.evidence import EvidenceError
from rto_rpo.evidence.agreed.held import newest_by_plan, plan_holds
from rto_rpo.evidence.agreed.kept import promised
from rto_rpo.evidence.keeping.tail import Tail, locked
from rto_rpo.evidence.lines.history import Entry, RunRecord, entries_of, records, run_records
from rto_rpo.evidence.lines.line import Closed
from rto_rpo.evidence.lines.record import Hold
from rto_rpo.evidence.lines.signature import SigningKey
from rto_rpo.evidence.names import CHARTER_NAME, PLAN_NAME

_KEPT = (CHARTER_NAME, PLAN_NAME)


@dataclass(frozen=True, slots=True)
class Prunable:
    """A run that pruning would take, and one that it would not (`kept` says why). `bytes` that go."""

    run: str
    folder: str
    drill: str
    closed_utc: str | None
    bytes: int
    kept: str | None


def prunable(
    root: Path, retention: timedelta, hold: str | None, now: datetime, plan: str | None = None
) -> tuple[Prunable, ...]:
    """Every run that is not pruned yet, in order. Changes nothing. `hold` is the plan's own, over all.

    So is one of the plan that a newest run has frozen: nothing in the evidence shows yet that it is over.
    `retention` is what the plan at hand says, of the runs of `plan`, or of all: they are kept so long, and at
    least as long as the plan that each froze promised. Runs of other plans are kept as long as they froze.
    """
    entries = entries_of(root)
    held, hold = holds(entries), hold if hold is not None else _frozen_hold(root, entries)
    times = [
        (record, _retention(root, record, retention, plan))
        for record in run_records(entries)
        if record.pruned is None
    ]
    return tuple(
        _considered(root, record, _why_kept(record, time, hold, held, now)) for record, time in times
    )


def _retention(root: Path, record: RunRecord, given: timedelta, plan: str | None) -> timedelta | None:
    """How long a run is kept: as long as was promised when it was opened. None: nothing shows it."""
    frozen = promised(root / record.opened.folder, record.opened.plan_sha256)
    if frozen is None or (plan is not None and record.opened.plan != plan):
        return frozen
    return max(given, frozen)


def _frozen_hold(root: Path, entries: Sequence[Entry]) -> str | None:
    for plan, hold in plan_holds(root, newest_by_plan(entry.line for entry in entries).values()).items():
        return f'{hold} (in the plan "{plan}" of its newest run; a run of a plan without it ends it)'
    return None


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
    retention: timedelta | None,
    hold: str | None,
    held: dict[str | None, str],
    now: datetime,
) -> str | None:
    for reason in (hold, held.get(None), held.get(record.opened.run)):
        if reason is not None:
            return f"legal hold: {reason}"
    if record.closed is None:
        return "it was never closed"
    if retention is None:
        return f'it is of the plan "{record.opened.plan}", and nothing shows how long that keeps it'
    # whatever was said of a run later is part of its evidence, and begins its time anew
    newest = max([_when(record.closed), *(datetime.fromisoformat(line.utc) for line in record.records)])
    if newest + retention > now:
        return f"younger than the retention: until {newest + retention:%Y-%m-%d}"
    return None


def _when(closed: Closed) -> datetime:
    return datetime.fromisoformat(closed.utc)


def _considered(root: Path, record: RunRecord, kept: str | None) -> Prunable:
    folder = root / record.opened.folder
    files = folder.rglob("*") if folder.is_dir() else ()
    going = [path for path in files if path.relative_to(folder).as_posix() not in _KEPT]
    if not going and kept is None:
        kept = "nothing of it would go: charter and plan stay"
    return Prunable(
        run=record.opened.run,
        folder=record.opened.folder,
        drill=record.opened.drill,
        closed_utc=record.closed.utc if record.closed else None,
        bytes=sum(path.lstat().st_size for path in going),
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
    """Take what may go, and finish what an earlier pruning left. Returns the folders that lost their files.

    The line that names them is on disk before the first is touched. Raises EvidenceError, OSError.
    """
    if not root.is_dir():
        raise EvidenceError(f'cannot prune "{root}": there is no such folder')
    with locked(root):
        tail = Tail(root, key, now)
        going = {each.run: each for each in prunable(root, retention, hold, now, plan) if each.kept is None}
        under: dict[float, dict[str, str]] = {}
        for record in run_records(entries_of(root)):
            kept = _retention(root, record, retention, plan)
            if kept is not None and (each := going.get(record.opened.run)) is not None:
                under.setdefault(kept.total_seconds(), {})[each.run] = each.folder
        for seconds, runs in under.items():
            tail.add(kind="pruned", plan=plan, runs=runs, retention_seconds=seconds, kept=[*_KEPT])
        if under:
            tail.write()
        return tuple(_delete(root))


def _delete(root: Path) -> list[str]:
    """What is still there of the runs that the chain says are pruned, and does not stay."""
    gone = []
    for record in run_records(entries_of(root)):
        path = root / record.opened.folder
        if record.pruned is not None and path.is_dir() and not path.is_symlink():
            kept = {path / name for name in record.pruned.kept or ()}
            if going := [each for each in path.iterdir() if each not in kept]:
                _remove(path, going)
                gone.append(record.opened.folder)
    return gone


def _remove(folder: Path, going: list[Path]) -> None:
    for path in going:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    if any(folder.iterdir()):
        sync_folder(folder)
    else:
        folder.rmdir()
        sync_folder(folder.parent)
