"""Answers that all the drills of a year give together: were they planned, run, and worth something."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial

from rto_rpo.controls.answer import STATES, YEAR, Answer, Evidence
from rto_rpo.controls.witness import conclusive, drills, flaw, hidden
from rto_rpo.dossier.coverage import Covered, State
from rto_rpo.dossier.digest import Digest
from rto_rpo.dossier.shelf import Run, newest
from rto_rpo.evidence.agreed.not_run import EARLY
from rto_rpo.report.words import count
from rto_rpo.schedule import ScheduleError, due

_MOVED = {"restored", "promoted", "started", "redirected"}


def tested_yearly(found: Evidence) -> Answer:
    """That something was recovered once in the year stays true, whatever came after it."""
    drilled = [run for run in found.year if run.digest and _tries_recovery(run.digest)]
    last = newest(drilled, lambda run: conclusive(found, run))
    if last is not None:
        why = f"the newest conclusive drill ran on {last.utc[:10]} and was {last.verdict}"
        return Answer("met", why, (last.folder,))
    if drilled:
        return Answer("inconclusive", "no drill of the last year was conclusive", (drilled[-1].folder,))
    return Answer("not tested", "no drill of the last year recovered from a fault")


def _tries_recovery(told: Digest) -> bool:
    """Whether there was something to recover from: a runbook moved the service, or an outage was judged."""
    tries: bool = told.once("tries recovery", partial(_recovers, told))
    return tries


def _recovers(told: Digest) -> bool:
    timed = any(one.objective == "rto" and one.lower_seconds for one in told.judgements)
    return told.faulted and (timed or not _MOVED.isdisjoint(told.events))


def programme(found: Evidence) -> Answer:
    """Every drill that is planned ran when it was due, and came to something each time."""
    planned = [*found.plan.nouns("drills")]
    if not any(found.plan.text(f"drills.{name}.schedule") for name in planned):
        return Answer("not tested", "no drill has a schedule")
    missed = [one for one in found.missed if one.due.date() >= found.day - YEAR]
    if missed:
        times = "one scheduled drill" if len(missed) == 1 else f"{len(missed)} scheduled drills"
        return Answer("not met", f"{times} did not run, the last on {missed[-1].due:%Y-%m-%d}")
    ran = drills(found)
    if not ran:
        return Answer("not tested", "no drill ran in the last year")
    if found.charter is None:
        return Answer("inconclusive", "the newest run does not say which schedules were in force")
    if blind := [one for one in found.blind if one.until.date() >= found.day - YEAR]:
        told = f"{blind[-1].since:%Y-%m-%d} to {blind[-1].until:%Y-%m-%d}"
        return Answer("inconclusive", f"of {told} nothing says which drills were due")
    return _worth(found, planned, [run for run in ran if run.drill in planned])


def _worth(found: Evidence, planned: list[str], ran: list[Run]) -> Answer:
    good = [run for run in ran if conclusive(found, run)]
    if wasted := [*_wasted(found, ran, good)]:
        runs = tuple(run.folder for run in wasted)
        told = f"{len(wasted)} of {count(len(ran), 'run')} of the last year prove nothing"
        return Answer("inconclusive", f"{told} and were not made good before they were due again", runs)
    shown = {run.drill: run.folder for run in good}
    if without := [name for name in planned if name not in shown]:
        told = f"no run of the last year that can be relied on is there of: {', '.join(without)}"
        return Answer("not tested", told)
    why = f"every planned drill ran in the last year ({', '.join(planned)})"
    return Answer("met", why, tuple(shown.values()))


def _wasted(found: Evidence, ran: list[Run], good: list[Run]) -> Iterator[Run]:
    """Runs that came to nothing, but for those that were repeated before their drill was due again."""
    worth = {run.seq for run in good}
    for run in ran:
        if run.seq not in worth:
            until = _due_again(found, run)
            again = next((one for one in good if one.seq > run.seq and one.drill == run.drill), None)
            if again is None or datetime.fromisoformat(again.utc) >= until:
                yield run


def _due_again(found: Evidence, run: Run) -> datetime:
    schedule = (found.charter.schedules if found.charter else {}).get(run.drill)
    never = datetime.max.replace(tzinfo=UTC)
    if schedule is None:
        return never
    since = datetime.fromisoformat(run.utc) + EARLY
    try:
        return next(due(schedule, since, since + YEAR), never)
    except ScheduleError:
        return since


def promises(found: Evidence) -> Answer:
    told = [one for one in found.coverage if one.kind == "promise"]
    runs = tuple(dict.fromkeys(one.run.folder for one in told if one.run))
    states = {(one.name, one.what): _state(found, one) for one in told}
    for state in ("missed", "inconclusive", "not tested"):
        names = [f"{name} ({what})" for (name, what), seen in states.items() if seen == state]
        if names:
            return Answer(STATES[state], f"{state}: {', '.join(names)}", runs)
    if not told:
        return Answer("not tested", "the plan declares no objective")
    return Answer("met", f"each of the {len(told)} declared objectives was met when last judged", runs)


def _state(found: Evidence, one: Covered) -> State:
    """What was shown counts for a year; a miss stays one until something better is shown."""
    if one.run is None or one.state == "missed":
        return one.state
    if not found.year or one.run.seq < found.year[0].seq:
        return "not tested"
    if one.state == "met" and (flaw(found, one.run) or hidden(found, one.run, partial(_judges, one))):
        return "inconclusive"
    return one.state


def _judges(one: Covered, told: Digest) -> bool:
    judged = (each for each in told.judgements if each.subject == one.name)
    return any(one.what.startswith(each.objective.upper()) for each in judged)
