"""Answers that one drill gives: one is met only on what the newest that can be relied on showed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rto_rpo.answering import DECLARED, OWN
from rto_rpo.controls.answer import STATES, Answer, Evidence, State
from rto_rpo.controls.witness import answered
from rto_rpo.dossier.digest import Digest
from rto_rpo.dossier.shelf import Run
from rto_rpo.measurement import Verdict

_WORST_FIRST = ("missed", "inconclusive", "met")
_ATTACKS = ("attack", "corrupt", "encrypt", "ransom", "wipe", "delete", "drop", "tamper")


def _as_judged(what: str) -> Callable[[Run, Digest], Answer]:
    """The verdict of the run that shows it."""

    def tell(run: Run, _: Digest) -> Answer:
        told = f"{what}: drill {run.drill} of {run.utc[:10]} was {run.verdict}"
        return Answer(STATES[run.verdict], told, (run.folder,))

    return tell


def switchover(found: Evidence) -> Answer:
    return answered(
        found,
        lambda told: told.faulted and "redirected" in told.events,
        "no drill of the last year moved the service to the other site",
        _as_judged("the service moved to the other site"),
    )


def attack(found: Evidence) -> Answer:
    def is_attack(told: Digest) -> bool:
        said = f"{told.fault.get('kind')} {told.fault.get('damage')}"
        return told.faulted and any(word in said for word in _ATTACKS)

    nothing = "no drill of the last year did the damage that an attack does"
    return answered(found, is_attack, nothing, _as_judged("the damage of an attack"))


def restored(found: Evidence) -> Answer:
    nothing = "no drill of the last year restored anything from a backup"
    return answered(found, lambda told: bool(told.restored), nothing, _as_restored)


def _as_restored(run: Run, told: Digest) -> Answer:
    """The verdict of the run, and whether what came back was shown to be whole."""
    names, runs = ", ".join(told.restored), (run.folder,)
    if run.verdict == "met" and (part := [name for name, whole in told.restored.items() if not whole]):
        return Answer("inconclusive", f"not shown to be whole: {', '.join(part)} ({run.utc[:10]})", runs)
    why = f"restored from a backup ({names}): drill {run.drill} of {run.utc[:10]} was {run.verdict}"
    return Answer(STATES[run.verdict], why, runs)


def backed_up(found: Evidence) -> Answer:
    names = list(found.plan.nouns("datasets"))
    without = [name for name in names if not found.plan.text(f"datasets.{name}.backup.every")]
    if not names:
        return Answer("not tested", "the plan declares no dataset")
    if without:
        return Answer("not met", f"no backup is declared for {', '.join(without)}")
    each = {name: _brought_back(found, name) for name in names}
    runs = tuple(dict.fromkeys(run for one in each.values() for run in one.runs))
    open_: dict[str, list[str]] = {}  # by reason: several datasets often have one in common
    for name, one in each.items():
        if one.state != "met":
            open_.setdefault(one.reason, []).append(name)
    if open_:
        told = "; ".join(f"{', '.join(whose)}: {reason}" for reason, whose in open_.items())
        return Answer("inconclusive", f"scope and frequency are declared; {told}", runs)
    return Answer("met", f"scope and frequency are declared, and each was restored: {', '.join(names)}", runs)


def _brought_back(found: Evidence, name: str) -> Answer:
    nothing = "no drill of the last year restored it from a backup"
    return answered(found, lambda told: name in told.restored, nothing, _as_restored)


def apart(found: Evidence) -> Answer:
    repositories = found.plan.nouns("repositories")
    copies = [name for name in repositories if found.plan.text(f"repositories.{name}.copy_of")]
    if not copies:
        return Answer("not tested", "no repository is declared a copy at another site")
    return Answer("inconclusive", f"declared apart ({', '.join(copies)}); no drill has proven it")


def checked(found: Evidence) -> Answer:
    """Only what somebody else says of the data counts; a runbook that ended well says nothing of them."""
    nothing = "no drill of the last year checked the recovered data against another record"
    return answered(found, lambda told: told.faulted and bool(told.independent), nothing, _checked)


def _checked(run: Run, told: Digest) -> Answer:
    judged = [one.verdict for one in told.judgements if one.objective == "rpo"]
    taken = told.unsafe
    worst = _worst([*([taken[0]] if taken else []), *_independent(told), *judged])
    names, day, runs = ", ".join(told.independent), run.utc[:10], (run.folder,)
    if worst == "met" and told.unread:
        why = f"checked ({names}), but not every write was read back: {', '.join(told.unread)} ({day})"
        return Answer("inconclusive", why, runs)
    if worst == "met" and not judged:
        return Answer("not tested", f"checked ({names}), but no RPO was judged: {day}", runs)
    if taken is not None:
        return Answer(STATES[worst], f"checked ({names}); but {taken[1]} ({day})", runs)
    return Answer(STATES[worst], f"every write read back, and checked: {names} ({day})", runs)


def _independent(told: Digest) -> list[str]:
    return [check.verdict for check in told.checks if check.name in told.independent]


def _worst(verdicts: list[str]) -> str:
    return min(verdicts, key=_WORST_FIRST.index)


def restored_and_checked(found: Evidence) -> Answer:
    """Both of one run: what was restored in one and checked in another is two halves of nothing."""

    def tell(run: Run, told: Digest) -> Answer:
        restored_, names = _as_restored(run, told), ", ".join(told.independent)
        worst = STATES[_worst([run.verdict, *_independent(told)])]
        if worst == "met" and restored_.state != "met":
            return restored_
        return Answer(worst, f"restored from a backup and checked ({names}): {run.utc[:10]}", (run.folder,))

    nothing = "no drill of the last year checked what it had restored from a backup"
    return answered(found, lambda told: bool(told.independent and told.restored), nothing, tell)


def orders_known(found: Evidence) -> Answer:
    def tell(run: Run, told: Digest) -> Answer:
        if told.safe and (taken := told.unsafe):
            why = f"the gate said that every order is known; but {taken[1]}: {run.utc[:10]}"
            return Answer(STATES[taken[0]], why, (run.folder,))
        if told.safe:
            return Answer("met", f"one writer, every order known: {run.utc[:10]}", (run.folder,))
        why = f"it was not shown that every order is known: {run.utc[:10]}"
        return Answer("not met", why, (run.folder,))

    nothing = "no drill of the last year asked for a proof that every order is known"
    return answered(found, lambda told: told.gate, nothing, tell)


def activated(found: Evidence) -> Answer:
    def tell(run: Run, told: Digest) -> Answer:
        seen = [name for name in ("detected", "decided") if name in told.events]
        state: State = "met" if len(seen) == 2 else "inconclusive"
        why = f"seen on {run.utc[:10]}: {', '.join(seen) or 'neither detection nor decision'}"
        return Answer(state, why, (run.folder,))

    return answered(found, lambda told: told.faulted, "no drill with a fault ran in the last year", tell)


def ended(found: Evidence) -> Answer:
    def tell(run: Run, told: Digest) -> Answer:
        if told.ended == "stable":
            why = f"declared when the service was stable: {run.utc[:10]}"
            return Answer("met", why, (run.folder,))
        why = f"the recorder ended with: {told.ended or 'nothing said'}"
        return Answer("inconclusive", why, (run.folder,))

    return answered(found, lambda _: True, "nothing ran in the last year", tell)


def check_named(name: str) -> Callable[[Evidence], Answer]:
    """The worst check that answers the word, of the newest drill that has one.

    One of the fixed words is answered by declaration alone; any other is the whole name of a check.
    """

    def those(told: Digest) -> Iterator[tuple[Verdict, str]]:
        if name in DECLARED | OWN:
            yield from told.answers.get(name, ())
        else:
            yield from ((one.verdict, f"{one.name}: {one.reason}") for one in told.checks if one.name == name)

    def tell(run: Run, told: Digest) -> Answer:
        verdict, why = min(those(told), key=lambda one: _WORST_FIRST.index(one[0]))
        return Answer(STATES[verdict], f"{why} ({run.utc[:10]})", (run.folder,))

    nothing = f'no drill of the last year had a check "{name}"'
    if name in DECLARED:
        nothing = f'no drill of the last year had a check that is declared to answer "{name}"'
    return lambda found: answered(found, lambda told: any(those(told)), nothing, tell)
