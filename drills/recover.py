"""Undo whatever drills have left behind, from what is on disk alone; harmless to repeat."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from drills.closing import close
from drills.fault import Healing, in_words, undone
from drills.faults import fault_of
from drills.guard import only_drill
from drills.outcome import keep_outcome
from drills.undo import Undo, UndoIntents, left_of, plan_as_it_stood, plan_of
from rto_rpo.evidence.keeping import chain
from rto_rpo.evidence.keeping.run_folder import RunFolder, held
from sites.errors import BlackstartError
from sites.estate import Estate
from sites.fences import Fences
from sites.plan import Plan
from sites.recovery import under_way
from sites.recovery.under_way import journal_of
from sites.recovery.ways_out import ways_out


@dataclass(frozen=True, slots=True)
class Recovered:
    """One thing that was left behind, and what became of it. `ok` is false when it still is."""

    what: str
    how: str
    ok: bool


def recover(plan: Plan) -> list[Recovered]:
    """Undo what is pending and close what is unfinished, of one plan."""
    return [*undo_pending(plan.state), *cut_off(plan.state), *close_unfinished(plan)]


def recover_state(state: Path) -> list[Recovered]:
    """The same where the plan itself cannot be read any more: from the intents in `state` alone."""
    plans = list(_readable_plans(state))
    undone = undo_pending(state)  # before the runs are closed, so that their reports tell of it
    return [*undone, *cut_off(state), *(found for plan in plans for found in close_unfinished(plan))]


def cut_off(state: Path) -> list[Recovered]:
    """A runbook that has begun and not ended: who serves is for it to decide, not for an undo."""
    try:
        kind = under_way.cut_off(state)
    except BlackstartError as error:
        return [Recovered("failover", str(error), ok=False)]
    if kind is None:
        return []
    how = f"was cut off or stopped at a gate: {ways_out(state, kind)}"
    return [Recovered(kind, how, ok=False)]


def undo_pending(state: Path) -> list[Recovered]:
    """Heal every fault whose undo intent is in `state`. The plan is the one that the intent holds.

    Holds off drills and failovers meanwhile; where one runs, nothing is undone and that is said. An intent
    that is unreadable is said too, and keeps no other from its undo.
    """
    intents = UndoIntents(state)
    if not intents.anything:
        return []
    try:
        with only_drill(state), journal_of(state):
            found, unreadable = intents.readable()
            return [
                *(_undone(state, intents, undo) for undo in found),
                *(
                    Recovered("an intent to undo", f"{error} ({error.hint})", ok=False)
                    for error in unreadable
                ),
                *(
                    Recovered(f"what was kept aside for run {run}", "removed", ok=True)
                    for run in intents.tidy()
                ),
            ]
    except BlackstartError as error:
        hint = f" ({error.hint})" if error.hint else ""
        return [Recovered("what drills left behind", f"not undone: {error}{hint}", ok=False)]


def close_unfinished(plan: Plan) -> list[Recovered]:
    """Judge and close every run of the plan's evidence whose processes are all gone."""
    return [_closed(plan, folder) for folder in chain.unfinished(plan.evidence.path)]


def _undone(state: Path, intents: UndoIntents, undo: Undo) -> Recovered:
    healing = intents.carried_out(undo, _heal(state, undo))
    how = f"{healing.undone}: {healing.how}{_way_out(intents, undo, healing)}"
    try:
        keep_outcome(plan_of(undo, state), undo, healing, "recover")
    except (
        BlackstartError,
        OSError,
    ) as error:  # the estate comes first: it is undone whether or not anybody can say so
        how += f" (not in the evidence: {error})"
    return Recovered(f'drill "{undo.drill}" ({undo.utc})', how, ok=intents.of(undo.run) is None)


def _way_out(intents: UndoIntents, undo: Undo, healing: Healing) -> str:
    """Nobody waits at the end of `recover`, so it never takes silence for the worst as a dead-man does."""
    if healing.undone != "stuck" or "cannot be asked" not in healing.how:
        return ""
    return (
        " (once it answers, recover again; where it is gone for good, make sure that nothing there takes "
        f"writes or ever will, start by hand what ran, and move {intents.file(undo.run)} aside)"
    )


def _heal(state: Path, undo: Undo) -> Healing:
    try:
        plan = plan_of(undo, state)
        _heed_fences(undo, plan)
        fault = fault_of(Estate(plan), plan.drills[undo.drill])
        return undone(fault, left_of(undo, state))
    except Exception as error:  # noqa: BLE001 - it is kept and said, and the next one is undone
        return Healing("stuck", in_words(error))


def _heed_fences(undo: Undo, plan: Plan) -> None:
    """A state that was copied may lack a fence that was raised since where the plan itself looks."""
    declared, named = Fences(plan_as_it_stood(undo).state), Fences(plan.state)
    for site in plan.sites:
        if declared.raised(site) and not named.raised(site):
            named.raise_(site, declared.why(site))


def _readable_plans(state: Path) -> Iterator[Plan]:
    for undo in UndoIntents(state).readable()[0]:
        with suppress(BlackstartError):  # its undo says so too
            yield plan_of(undo, state)


def _closed(plan: Plan, folder: RunFolder) -> Recovered:
    what = f"run {folder.path.name}"
    if held(folder.path):
        return Recovered(what, "is still being written; recover again when it is done", ok=False)
    try:
        closed = close(plan, folder)
    except (BlackstartError, OSError) as error:
        left = any(run.run == folder.run for run in chain.unfinished(plan.evidence.path))
        how = "not closed" if left else "closed as inconclusive"
        return Recovered(what, f"{how}: {error}", ok=not left)
    return Recovered(what, f"closed, {closed.verdict}: {closed.folder / 'report.html'}", ok=True)
