"""Which runs may answer, and what keeps one from showing anything good. All answers ask here.

A run may answer that is whole, closed by its drill, judged, in no doubt, of the year up to the day, and not
followed by one that may have shown otherwise and of which nothing is left to read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import cache

from rto_rpo import JUDGE
from rto_rpo.controls.answer import YEAR, Answer, Evidence
from rto_rpo.dossier.digest import Digest
from rto_rpo.dossier.shelf import Run, newest
from rto_rpo.doubts import DEADLINE_PASSED, NEVER_SAFE
from rto_rpo.evidence.agreed.charter import Charter, frozen_charter
from rto_rpo.evidence.lines.line import Recorded
from rto_rpo.evidence.lines.record import SignOff

Wanted = Callable[[Digest], bool]
# What a recovery that failed leaves behind: it tells of the recovery, and not of how it was watched.
OF_THE_RECOVERY = {NEVER_SAFE, DEADLINE_PASSED}


def flaw(found: Evidence, run: Run) -> str | None:
    """Why the run is no proper test, whatever it showed; None where it is one."""
    told = run.digest
    if told is None and not run.talked:
        return run.problem or "nothing of it is left to read"
    if told is not None and told.void:
        return told.void
    if told is not None and (doubts := [one for one in told.doubts if one not in OF_THE_RECOVERY]):
        return "; ".join(doubts)
    if told is not None and told.other_rules:
        return (
            f"it was judged by other rules ({told.other_rules}), and what these ({JUDGE}) find is not known"
        )
    first, last = _year_up_to(found.day)
    if not first <= run.utc[:10] <= last:
        return f"its clock said {run.utc[:10]}, which is not in the year up to {found.day}"
    return None


@cache
def _year_up_to(day: date) -> tuple[str, str]:
    return (day - YEAR).isoformat(), day.isoformat()


def doubt(found: Evidence, run: Run) -> str | None:
    """Why nothing good follows from what the run measured; None where something may."""
    told = run.digest
    return flaw(found, run) or ("; ".join(told.doubts) if told is not None and told.doubts else None)


def conclusive(found: Evidence, run: Run) -> bool:
    """A test is a test whatever came of it, as long as it came to something."""
    return not run.talked and run.verdict != "inconclusive" and flaw(found, run) is None


def drills(found: Evidence, name: str | None = None) -> list[Run]:
    """The drills of the year, or those of one; a tabletop is none."""
    return [run for run in found.year if not run.talked and name in (None, run.drill)]


def last_drill(found: Evidence) -> Run | None:
    """The newest of the year."""
    return newest(found.year, lambda run: not run.talked)


def charter_of(found: Evidence, run: Run) -> Charter | None:
    """What was agreed before it, where that is still there as it stood."""
    if found.shelf.runs and run is found.shelf.runs[-1]:
        return found.charter
    return frozen_charter(found.shelf.root / run.folder, run.record.opened.charter_sha256)


def said_of(found: Evidence, run: Run) -> Sequence[Recorded]:
    """What people said of it, as far as it was known then; no sign-off of another closing."""
    about = run.record.of_this_closing
    known = {line.seq for line in found.shelf.said} if about else ()
    return [line for line in about if line.seq in known]


def accepted(said: Sequence[Recorded]) -> list[Recorded]:
    """The sign-offs that say yes. Which refusals stand beside them is for whoever asks to say."""
    return [one for one in said if isinstance(one.entry, SignOff) and one.entry.decision == "accepted"]


def hidden(found: Evidence, after: Run, wanted: Wanted) -> Run | None:
    """The newest run after that one which may have shown otherwise, and of which nothing is left to read.

    It may have shown what an earlier run of its drill showed; of a drill that never left anything, all.
    """
    unread = [run for run in _later(found, after) if run.digest is None and not run.talked]
    shown: dict[str, bool] = {}
    for run in found.shelf.runs if unread else ():
        if run.digest is not None:
            shown[run.drill] = shown.get(run.drill, False) or wanted(run.digest)
    return next((run for run in unread if shown.get(run.drill, True)), None)


def _later(found: Evidence, after: Run) -> Iterator[Run]:
    """The newest first."""
    for run in reversed(found.year):
        if run.seq <= after.seq:
            return
        yield run


def answered(
    found: Evidence,
    wanted: Wanted,
    nothing: str,
    tell: Callable[[Run, Digest], Answer],
    why_not: Callable[[Evidence, Run], str | None] = doubt,
) -> Answer:
    """What the newest run of the year that is wanted tells; good news only where nothing is against it."""
    run = newest(found.year, lambda run: run.digest is not None and wanted(run.digest))
    if run is None or run.digest is None:
        return Answer("not tested", nothing)
    answer = tell(run, run.digest)
    if answer.state != "met":
        return answer
    if later := hidden(found, run, wanted):
        return unread(later)
    return upheld(found, run, answer, why_not)


def unread(run: Run) -> Answer:
    """What a run answers that left nothing to read."""
    return Answer("inconclusive", f"{run.folder}: {run.problem}", (run.folder,))


def upheld(
    found: Evidence,
    run: Run,
    answer: Answer,
    why_not: Callable[[Evidence, Run], str | None] = flaw,
) -> Answer:
    """Nothing good follows from a run that is in doubt; what it shows to be bad is bad."""
    why = why_not(found, run) if answer.state == "met" else None
    if why is None:
        return answer
    return Answer("inconclusive", f"{answer.reason}; but the run is in doubt: {why}", answer.runs)
