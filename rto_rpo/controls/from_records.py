"""Answers that the records give: what was agreed before, who said what, what was kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from rto_rpo.controls.answer import Answer, Evidence
from rto_rpo.dossier.shelf import Run, newest
from rto_rpo.evidence.agreed.authority import approval_faults, approvals
from rto_rpo.evidence.agreed.charter import Role, frozen_charter
from rto_rpo.evidence.agreed.person import executor, separation, standing
from rto_rpo.evidence.lines.record import Approval, Finding, FindingState, Presence, SignOff
from rto_rpo.objective import parse_duration
from rto_rpo.report.words import count

_ANSWERED = {"acknowledged", "joined"}


def frozen(found: Evidence) -> Answer:
    run = found.last
    if run is None:
        return Answer("not tested", "nothing ran")
    if run.digest and run.digest.frozen and run.digest.frozen.criteria_sha256:
        why = f"frozen before the fault as {run.digest.frozen.criteria_sha256[:16]}: {run.utc[:10]}"
        return Answer("met", why, (run.folder,))
    return Answer("not tested", "the newest run froze no criteria before it began", (run.folder,))


def scenario(found: Evidence) -> Answer:
    run = newest(
        found.year, lambda run: bool(run.digest and run.digest.frozen and run.digest.frozen.scenario)
    )
    if run is None:
        return Answer("not tested", "no run of the last year wrote its scenario down beforehand")
    return Answer("met", f"written down before the run of {run.utc[:10]}", (run.folder,))


def recorded(found: Evidence) -> Answer:
    if found.shelf.problems:
        return Answer("not met", f"the chain does not hold: {found.shelf.problems[0]}")
    if all(run.talked for run in found.year):
        return Answer("not tested", "no drill ran in the last year")
    without = [run for run in found.year if run.digest is None and not (run.talked or run.record.pruned)]
    if without:
        return Answer("not met", f"{without[-1].folder}: {without[-1].problem}", (without[-1].folder,))
    runs = "the one run" if len(found.year) == 1 else f"each of the {len(found.year)} runs"
    return Answer("met", f"{runs} of the last year has its report in the chain")


def followed(found: Evidence) -> Answer:
    if all(run.talked for run in found.shelf.runs):
        return Answer("not tested", "nothing ran that could have found anything")
    day = found.day.isoformat()
    open_ = [one for one in found.findings if one.state(day) == "open"]
    late = [one.id for one in open_ if one.overdue(day)]
    loose = [one.id for one in open_ if not (one.owner and one.due)]
    if late:
        return Answer("not met", f"overdue: {', '.join(late)}")
    if loose:
        return Answer("not met", f"without an owner or a day: {', '.join(loose)}")
    if claimed := _claimed(found):
        return Answer("inconclusive", f"it rests on words that nobody signed: {', '.join(claimed)}")
    if not open_:
        return Answer("met", "no finding is open")
    return Answer("met", f"findings open, each with an owner and a day: {len(open_)}")


def _claimed(found: Evidence) -> list[str]:
    """Findings that are what they are by somebody's word, and that word is not signed by a listed key."""
    lasts = {one.id: one.turns[-1] for one in found.findings}
    known = {name for name, last in lasts.items() if last.by is not None or last.what != "closed"}
    return sorted(
        {
            line.entry.id
            for line in found.shelf.said
            if isinstance(line.entry, Finding | FindingState)
            and line.entry.id in known
            and standing(line, found.roles) != "signed"
        }
    )


def approved(found: Evidence) -> Answer:
    run, charter = found.last, found.charter
    if run is None or charter is None or charter.confirm is None:
        return Answer("not tested", "the newest run names nothing that could have been approved")
    given = approvals(run.record, charter, found.shelf.said)
    if not given:
        return Answer("not tested", "nobody's approval before the newest run is on record", (run.folder,))
    last = given[-1]
    if isinstance(last.entry, Approval) and last.entry.decision == "refused":
        return Answer("not met", "refused beforehand", (run.folder,))
    faults = [*approval_faults(given[-1:], charter, run.record.records)]
    if not faults and executor(charter, run.record.records).standing != "signed":
        faults = [f'nothing but a name says that "{charter.executor.name}", who ran it, is somebody else']
    why = faults[0] if faults else f'"{last.entry.by.name}" accepted it beforehand, by a key of their own'
    return Answer("inconclusive" if faults else "met", why, (run.folder,))


def signed_off(found: Evidence) -> Answer:
    run, charter = found.last, found.charter
    said = [line for line in run.record.records if isinstance(line.entry, SignOff)] if run else []
    if run is None or charter is None or not said:
        return Answer("not tested", "nobody has signed the newest run off")
    if any(isinstance(line.entry, SignOff) and line.entry.decision == "refused" for line in said):
        return Answer("not met", "the sign-off was refused", (run.folder,))
    faults = [*separation(charter, run.record.records)]
    return Answer("inconclusive" if faults else "met", faults[0] if faults else "three people", (run.folder,))


def took_part(found: Evidence) -> Answer:
    run = newest(found.year, lambda run: any(_presences(run)))
    if run is None:
        return Answer("not tested", "no run of the last year says who was called and who answered")
    states: dict[str, set[str]] = {}
    for one in _presences(run):
        states.setdefault(one.person, set()).add(one.state)
    charter = frozen_charter(found.shelf.root / run.folder, run.record.opened.charter_sha256)
    if charter is None:
        return Answer("inconclusive", "nothing says any more who was to take part", (run.folder,))
    for role in charter.roles:
        states.setdefault(role.name, set())
    missing = [name for name, seen in states.items() if not seen & _ANSWERED]
    if missing:
        return Answer("not met", f"did not answer: {', '.join(missing)}", (run.folder,))
    signed = {one.person for one in _presences(run, signed_by=charter.roles) if one.state in _ANSWERED}
    if claimed := [name for name in states if name not in signed]:
        return Answer("inconclusive", f"only claimed, not signed: {', '.join(claimed)}", (run.folder,))
    return Answer("met", f"{len(states)} people answered on {run.utc[:10]}, as signed", (run.folder,))


def _presences(run: Run, *, signed_by: Sequence[Role] | None = None) -> Iterator[Presence]:
    """What is on record of who came; with `signed_by` only what somebody listed there signed."""
    for line in run.record.records:
        if isinstance(line.entry, Presence) and (signed_by is None or standing(line, signed_by) == "signed"):
            yield line.entry


def kept(years: int) -> Callable[[Evidence], Answer]:
    """By what the plan declares today, and by how old each run was that was pruned."""
    wanted = timedelta(days=years * 365)

    def answer(found: Evidence) -> Answer:
        declared = found.plan.text("evidence.retention") or "6y"
        try:
            seconds = parse_duration(declared).seconds
        except ValueError:
            return Answer("inconclusive", f"the plan's retention {declared!r} is no length of time")
        if seconds < wanted.total_seconds():
            return Answer("not met", f"the plan keeps evidence for {declared} only")
        pruned = [run for run in found.shelf.runs if run.record.pruned]
        if early := [run for run in pruned if _kept_for(run) < wanted]:
            days = min(map(_kept_for, early)).days
            told = f"pruned too early: {count(len(early), 'run')}, the youngest after {count(days, 'day')}"
            return Answer("not met", told, tuple(run.folder for run in early))
        if not found.shelf.runs:
            return Answer("not tested", "there is nothing to keep yet")
        told = f"pruned, all of them older: {len(pruned)}" if pruned else "nothing was pruned"
        return Answer("met", f"kept for {declared}; {told}")

    return answer


def _kept_for(run: Run) -> timedelta:
    """How old the evidence of a run was when it was pruned."""
    pruned, closed = run.record.pruned, run.record.closed
    if pruned is None:
        return timedelta.max
    since = closed.utc if closed else run.utc
    return datetime.fromisoformat(pruned.utc) - datetime.fromisoformat(since)
