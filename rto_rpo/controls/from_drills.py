"""Answers that drills give. One is met only on what a drill showed; a declaration alone shows nothing."""

from __future__ import annotations

from collections.abc import Callable

from rto_rpo.controls.answer import STATES, YEAR, Answer, Evidence, State
from rto_rpo.dossier.digest import Digest
from rto_rpo.dossier.shelf import Run
from rto_rpo.report.model import Check

_WORST_FIRST = ("missed", "inconclusive", "met")
_MOVED = {"restored", "promoted", "started", "redirected"}
_ATTACKS = ("attack", "corrupt", "encrypt", "ransom", "wipe", "delete", "drop", "tamper")


def _of(run: Run | None, nothing: str, what: str) -> Answer:
    """The verdict of the newest run that shows something."""
    if run is None:
        return Answer("not tested", nothing)
    told = f"{what}: drill {run.drill} of {run.utc[:10]} was {run.verdict}"
    return Answer(STATES[run.verdict], told, (run.folder,))


def _unless_doubted(run: Run, answer: Answer) -> Answer:
    """Nothing good follows from a run that is void or in doubt; what it shows to be bad is bad."""
    told = run.digest
    if told is None or not told.doubted or answer.state != "met":
        return answer
    why = told.void or "; ".join(told.doubts)
    return Answer("inconclusive", f"{answer.reason}; but the run is in doubt: {why}", answer.runs)


def tested_yearly(found: Evidence) -> Answer:
    """A test is a test whatever came of it, as long as it came to something, and something was recovered."""
    drilled = [run for run in found.year if run.digest and _tries_recovery(run.digest)]
    conclusive = [run for run in drilled if run.verdict != "inconclusive" and _measured(run)]
    if conclusive:
        last = conclusive[-1]
        why = f"the newest conclusive drill ran on {last.utc[:10]} and was {last.verdict}"
        return Answer("met", why, (last.folder,))
    if drilled:
        return Answer("inconclusive", "no drill of the last year was conclusive", (drilled[-1].folder,))
    return Answer("not tested", "no drill of the last year recovered from a fault")


def _tries_recovery(told: Digest) -> bool:
    """Whether there was something to recover from: a runbook moved the service, or an outage was judged."""
    timed = any(one.objective == "rto" and one.lower_seconds for one in told.judgements)
    return told.faulted and (timed or not _MOVED.isdisjoint(told.events))


def is_of_calibration(doubt: str) -> bool:
    """Whether a run's doubt is about its instrument: then neither its good nor its bad news is worth much."""
    return "calibrat" in doubt


def _measured(run: Run) -> bool:
    """Whether it was timed at all, by an instrument that was proven."""
    told = run.digest
    return told is not None and told.void is None and not any(map(is_of_calibration, told.doubts))


def _doubted(run: Run) -> bool:
    return run.digest is not None and run.digest.doubted


def programme(found: Evidence) -> Answer:
    declared = found.plan.nouns("drills")
    scheduled = [name for name in declared if found.plan.text(f"drills.{name}.schedule")]
    if not scheduled:
        return Answer("not tested", "no drill has a schedule")
    missed = [one for one in found.missed if one.due.date() >= found.day - YEAR]
    if missed:
        times = "one scheduled drill" if len(missed) == 1 else f"{len(missed)} scheduled drills"
        return Answer("not met", f"{times} did not run, the last on {missed[-1].due:%Y-%m-%d}")
    if not found.year:
        return Answer("not tested", "no drill ran in the last year")
    if found.charter is None:
        return Answer("inconclusive", "the newest run does not say which schedules were in force")
    if blind := [one for one in found.blind if one.until.date() >= found.day - YEAR]:
        told = f"{blind[-1].since:%Y-%m-%d} to {blind[-1].until:%Y-%m-%d}"
        return Answer("inconclusive", f"of {told} nothing says which drills were due")
    shown = {run.drill for run in found.year if run.digest is not None and not _doubted(run)}
    if without := [name for name in scheduled if name not in shown]:
        told = f"no run of the last year that can be relied on is there of: {', '.join(without)}"
        return Answer("not tested", told)
    return Answer("met", f"every scheduled drill of the last year ran ({', '.join(scheduled)})")


def promises(found: Evidence) -> Answer:
    told = [one for one in found.coverage if one.kind == "promise"]
    runs = tuple(dict.fromkeys(one.run.folder for one in told if one.run))
    for state in ("missed", "inconclusive", "not tested"):
        names = [f"{one.name} ({one.what})" for one in told if one.state == state]
        if names:
            return Answer(STATES[state], f"{state}: {', '.join(names)}", runs)
    if not told:
        return Answer("not tested", "the plan declares no objective")
    return Answer("met", f"each of the {len(told)} declared objectives was met when last judged", runs)


def switchover(found: Evidence) -> Answer:
    run = found.newest(lambda _, told: told.faulted and "redirected" in told.events)
    return _of(
        run,
        "no drill of the last year moved the service to the other site",
        "the service moved to the other site",
    )


def attack(found: Evidence) -> Answer:
    def is_attack(_: Run, told: Digest) -> bool:
        said = f"{told.fault.get('kind')} {told.fault.get('damage')}"
        return told.faulted and any(word in said for word in _ATTACKS)

    return _of(
        found.newest(is_attack),
        "no drill of the last year did the damage that an attack does",
        "the damage of an attack",
    )


def restored(found: Evidence) -> Answer:
    run = found.newest(lambda _, told: told.kind == "restore" or "restored" in told.events)
    return _of(run, "no drill of the last year restored anything from a backup", "restored from a backup")


def backed_up(found: Evidence) -> Answer:
    names = list(found.plan.nouns("datasets"))
    without = [name for name in names if not found.plan.text(f"datasets.{name}.backup.every")]
    if not names:
        return Answer("not tested", "the plan declares no dataset")
    if without:
        return Answer("not met", f"no backup is declared for {', '.join(without)}")
    told = restored(found)
    if told.state != "met":
        return Answer("inconclusive", f"scope and frequency are declared; {told.reason}", told.runs)
    return Answer("met", f"scope and frequency are declared for all; {told.reason}", told.runs)


def apart(found: Evidence) -> Answer:
    repositories = found.plan.nouns("repositories")
    copies = [name for name in repositories if found.plan.text(f"repositories.{name}.copy_of")]
    if not copies:
        return Answer("not tested", "no repository is declared a copy at another site")
    return Answer("inconclusive", f"declared apart ({', '.join(copies)}); no drill has proven it")


def checked(found: Evidence) -> Answer:
    """Only what somebody else says of the data counts; a runbook that ended well says nothing of them."""
    run = found.newest(lambda _, told: told.faulted and bool(told.independent))
    if run is None or run.digest is None:
        return Answer(
            "not tested", "no drill of the last year checked the recovered data against another record"
        )
    told = [check.verdict for check in run.digest.checks if check.name in run.digest.independent]
    told += [one.verdict for one in run.digest.judgements if one.objective == "rpo"]
    names = ", ".join(run.digest.independent)
    worst = "missed" if "missed" in told else "inconclusive" if "inconclusive" in told else "met"
    why = f"every write read back, and checked: {names} ({run.utc[:10]})"
    return _unless_doubted(run, Answer(STATES[worst], why, (run.folder,)))


def restored_and_checked(found: Evidence) -> Answer:
    """Both of one run: what was restored in one and checked in another is two halves of nothing."""

    def is_both(_: Run, told: Digest) -> bool:
        return bool(told.independent) and (told.kind == "restore" or "restored" in told.events)

    run = found.newest(is_both)
    if run is None or run.digest is None:
        return Answer("not tested", "no drill of the last year checked what it had restored from a backup")
    told = [check.verdict for check in run.digest.checks if check.name in run.digest.independent]
    worst = min([run.verdict, *told], key=_WORST_FIRST.index)
    why = f"restored from a backup and checked ({', '.join(run.digest.independent)}): {run.utc[:10]}"
    return _unless_doubted(run, Answer(STATES[worst], why, (run.folder,)))


def orders_known(found: Evidence) -> Answer:
    run = found.newest(lambda _, told: told.gate)
    if run is None or run.digest is None:
        return Answer("not tested", "no drill of the last year asked for a proof that every order is known")
    if run.digest.safe:
        why = f"one writer, every order known: {run.utc[:10]}"
        return _unless_doubted(run, Answer("met", why, (run.folder,)))
    return Answer("not met", f"it was not shown that every order is known: {run.utc[:10]}", (run.folder,))


def activated(found: Evidence) -> Answer:
    run = found.newest(lambda _, told: told.faulted)
    if run is None or run.digest is None:
        return Answer("not tested", "no drill with a fault ran in the last year")
    seen = [name for name in ("detected", "decided") if name in run.digest.events]
    state: State = "met" if len(seen) == 2 else "inconclusive"
    why = f"seen on {run.utc[:10]}: {', '.join(seen) or 'neither detection nor decision'}"
    return _unless_doubted(run, Answer(state, why, (run.folder,)))


def ended(found: Evidence) -> Answer:
    run = found.newest(lambda *_: True)
    if run is None or run.digest is None:
        return Answer("not tested", "nothing ran in the last year")
    if run.digest.ended == "stable":
        why = f"declared when the service was stable: {run.utc[:10]}"
        return _unless_doubted(run, Answer("met", why, (run.folder,)))
    why = f"the recorder ended with: {run.digest.ended or 'nothing said'}"
    return Answer("inconclusive", why, (run.folder,))


def check_named(name: str) -> Callable[[Evidence], Answer]:
    """The worst check of that name, or that begins with it, of the newest drill that has one."""
    begins = (f"{name} ", f"{name}-", f"{name}_")

    def answer(found: Evidence) -> Answer:
        run = found.newest(lambda _, told: any(is_it(check) for check in told.checks))
        if run is None or run.digest is None:
            return Answer("not tested", f'no drill of the last year had a check "{name}"')
        told = min(filter(is_it, run.digest.checks), key=lambda check: _WORST_FIRST.index(check.verdict))
        why = f"{told.name}: {told.reason} ({run.utc[:10]})"
        return _unless_doubted(run, Answer(STATES[told.verdict], why, (run.folder,)))

    def is_it(check: Check) -> bool:
        return check.name == name or check.name.startswith(begins)

    return answer
