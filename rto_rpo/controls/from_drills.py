"""Answers that drills give. One is met only on what a drill showed; a declaration alone shows nothing."""

from __future__ import annotations

from collections.abc import Callable

from rto_rpo.controls.answer import STATES, YEAR, Answer, Evidence, State
from rto_rpo.dossier.digest import Digest
from rto_rpo.dossier.shelf import Run

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
    """A test is a test whatever came of it, as long as it came to something."""
    drilled = [run for run in found.year if run.digest and run.digest.faulted]
    conclusive = [run for run in drilled if run.verdict != "inconclusive"]
    if conclusive:
        last = conclusive[-1]
        why = f"the newest conclusive drill ran on {last.utc[:10]} and was {last.verdict}"
        return Answer("met", why, (last.folder,))
    if drilled:
        return Answer("inconclusive", "no drill of the last year was conclusive", (drilled[-1].folder,))
    return Answer("not tested", "no drill with a fault ran in the last year")


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
    return _of(run, "no drill moved the service to the other site", "the service moved to the other site")


def attack(found: Evidence) -> Answer:
    def is_attack(_: Run, told: Digest) -> bool:
        said = f"{told.fault.get('kind')} {told.fault.get('damage')}"
        return told.faulted and any(word in said for word in _ATTACKS)

    return _of(
        found.newest(is_attack), "no drill did the damage that an attack does", "the damage of an attack"
    )


def restored(found: Evidence) -> Answer:
    run = found.newest(lambda _, told: told.kind == "restore" or "restored" in told.events)
    return _of(run, "no drill restored anything from a backup", "restored from a backup")


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
        return Answer("not tested", "no drill checked the recovered data against another record")
    told = [check.verdict for check in run.digest.checks if check.name in run.digest.independent]
    told += [one.verdict for one in run.digest.judgements if one.objective == "rpo"]
    names = ", ".join(run.digest.independent)
    worst = "missed" if "missed" in told else "inconclusive" if "inconclusive" in told else "met"
    why = f"every write read back, and checked: {names} ({run.utc[:10]})"
    return _unless_doubted(run, Answer(STATES[worst], why, (run.folder,)))


def orders_known(found: Evidence) -> Answer:
    run = found.newest(lambda _, told: told.gate)
    if run is None or run.digest is None:
        return Answer("not tested", "no drill asked for a proof that every order is known")
    if run.digest.safe:
        why = f"one writer, every order known: {run.utc[:10]}"
        return _unless_doubted(run, Answer("met", why, (run.folder,)))
    return Answer("not met", f"it was not shown that every order is known: {run.utc[:10]}", (run.folder,))


def activated(found: Evidence) -> Answer:
    run = found.newest(lambda _, told: told.faulted)
    if run is None or run.digest is None:
        return Answer("not tested", "no drill with a fault ran")
    seen = [name for name in ("detected", "decided") if name in run.digest.events]
    state: State = "met" if len(seen) == 2 else "inconclusive"
    why = f"seen on {run.utc[:10]}: {', '.join(seen) or 'neither detection nor decision'}"
    return _unless_doubted(run, Answer(state, why, (run.folder,)))


def ended(found: Evidence) -> Answer:
    run = found.newest(lambda *_: True)
    if run is None or run.digest is None:
        return Answer("not tested", "nothing ran")
    if run.digest.ended == "stable":
        why = f"declared when the service was stable: {run.utc[:10]}"
        return _unless_doubted(run, Answer("met", why, (run.folder,)))
    why = f"the recorder ended with: {run.digest.ended or 'nothing said'}"
    return Answer("inconclusive", why, (run.folder,))


def check_named(name: str) -> Callable[[Evidence], Answer]:
    """The newest drill's check of that name, or one that begins with it."""

    def answer(found: Evidence) -> Answer:
        for run in reversed(found.shelf.runs):
            for check in run.digest.checks if run.digest else ():
                if check.name == name or check.name.startswith((f"{name} ", f"{name}-", f"{name}_")):
                    told = f"{check.name}: {check.reason} ({run.utc[:10]})"
                    return _unless_doubted(run, Answer(STATES[check.verdict], told, (run.folder,)))
        return Answer("not tested", f'no drill had a check "{name}"')

    return answer
