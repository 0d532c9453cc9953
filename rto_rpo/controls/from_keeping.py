"""Whether evidence is kept for so many years: by what is there and how old it got; a plan keeps nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta
from itertools import takewhile

from rto_rpo.controls.answer import Answer, Evidence
from rto_rpo.dossier.declared import Declared
from rto_rpo.dossier.shelf import Run
from rto_rpo.evidence.names import PLAN_NAME
from rto_rpo.objective import parse_duration
from rto_rpo.report.words import count, promised

_UNDECLARED = "6y"  # what a plan that says nothing of it keeps evidence for


def kept(years: int) -> Callable[[Evidence], Answer]:
    """By what is missing, how old each run was that was pruned, what plans declared, and the oldest run."""
    wanted = timedelta(days=years * 365)

    def answer(found: Evidence) -> Answer:
        if not found.shelf.runs:
            return Answer("not tested", "there is nothing to keep yet")
        for bad in _not_kept(found, wanted):
            return bad
        declared = retention(found.plan)
        if declared is None:
            return Answer("inconclusive", "nothing says how long evidence is kept: its plan is gone")
        for doubt in _doubts(found, declared, wanted):
            return Answer("inconclusive", doubt)
        old = _old(found, wanted)
        told = f"kept for {promised(declared)} by the plan, and nothing is missing"
        if not old:
            return Answer("not tested", f"{told}; but no run is that old yet")
        return Answer("met", f"{told}; {count(len(old), 'run')} got that old", old)

    return answer


def retention(plan: Declared) -> str | None:
    """What the plan declares; None where there is no plan to read."""
    return plan.text("evidence.retention") or (_UNDECLARED if plan.tree else None)


def _not_kept(found: Evidence, wanted: timedelta) -> Iterator[Answer]:
    pruned = [run for run in found.shelf.runs if run.record.pruned]
    if early := [run for run in pruned if _age(found, run) < wanted]:
        days = min(_age(found, run) for run in early).days
        told = f"pruned too early: {count(len(early), 'run')}, the youngest after {count(days, 'day')}"
        yield Answer("not met", told, tuple(run.folder for run in early))
    if lost := [run for run in found.shelf.runs if _lost(found, run)]:
        why = found.shelf.broken.get(lost[-1].folder) or lost[-1].problem
        yield Answer("not met", f"{lost[-1].folder}: {why}", tuple(run.folder for run in lost))
    declared = retention(found.plan)
    if declared and (length := _length(declared)) and length < wanted:
        yield Answer("not met", f"the plan keeps evidence for {promised(declared)} only")


def _old(found: Evidence, wanted: timedelta) -> tuple[str, ...]:
    """The first runs of the chain, as far as they are that old: one that comes later is not older.

    Only one whose own record of the time can be read, or whose pruning the chain holds, can show it.
    """
    closed = (run for run in found.shelf.runs if run.record.pruned or run.digest is not None)
    return tuple(run.folder for run in takewhile(lambda run: _shown_age(found, run) >= wanted, closed))


def _shown_age(found: Evidence, run: Run) -> timedelta:
    """By the chain's clock and by that of the run's own ledger: the younger of the two."""
    if run.digest is None:
        return _age(found, run)
    begin = run.digest.begin_utc
    return min(_age(found, run), _since(found, begin) if begin else timedelta(0))


def _lost(found: Evidence, run: Run) -> bool:
    """Whether it is not there as it was left. Of a run that was given up there is the plan at least."""
    closed = run.record.closed
    if closed is None:
        return run.digest is None and not (found.shelf.root / run.folder).is_dir()
    if run.folder in found.shelf.broken:
        return True
    if closed.source == "abandoned":
        return PLAN_NAME not in closed.files
    return run.record.pruned is None and run.digest is None and run.report_sha256 is not None


def _doubts(found: Evidence, declared: str, wanted: timedelta) -> Iterator[str]:
    if _length(declared) is None:
        yield f"the plan's retention {declared!r} is no length of time"
    for run, before in found.retentions:
        length = _length(before)
        if (length is None or length < wanted) and _since(found, run.utc) < wanted:
            yield f"the plan of {run.utc[:10]} kept evidence for {before} only"


def _length(declared: str) -> timedelta | None:
    try:
        return timedelta(seconds=parse_duration(declared).seconds)
    except (ValueError, OverflowError):
        return None


def _age(found: Evidence, run: Run) -> timedelta:
    """How old the evidence of a run was when it was pruned, or is on the day."""
    closed, pruned = run.record.closed, run.record.pruned
    if closed is None:
        return timedelta(0)
    if pruned is None:
        return _since(found, closed.utc)
    return datetime.fromisoformat(pruned.utc) - datetime.fromisoformat(closed.utc)


def _since(found: Evidence, utc: str) -> timedelta:
    return datetime.combine(found.day, time(0), UTC) - datetime.fromisoformat(utc)
