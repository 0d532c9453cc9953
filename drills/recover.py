"""Undo whatever drills have left behind, from what is on disk alone; harmless to repeat."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from drills.closing import close
from drills.fault import Healing
from drills.faults import fault_of
from drills.undo import Undo, UndoIntents
from rto_rpo.evidence import chain
from rto_rpo.evidence.run_folder import held
from sites.errors import BlackstartError
from sites.estate import Estate
from sites.plan import Plan, read_plan


@dataclass(frozen=True, slots=True)
class Recovered:
    """One thing that was left behind, and what became of it. `ok` is false when it still is."""

    what: str
    how: str
    ok: bool


def recover(plan: Plan) -> list[Recovered]:
    """Undo what is pending and close what is unfinished, of one plan."""
    return [*undo_pending(plan.state), *close_unfinished(plan)]


def recover_state(state: Path) -> list[Recovered]:
    """The same where the plan itself cannot be read any more: from the intents in `state` alone."""
    plans = [_plan(undo) for undo in UndoIntents(state).pending()]
    return [*undo_pending(state), *(found for plan in plans for found in close_unfinished(plan))]


def undo_pending(state: Path) -> list[Recovered]:
    """Heal every fault whose undo intent is in `state`. The plan is the one that the intent holds."""
    intents = UndoIntents(state)
    recovered = []
    for undo in intents.pending():
        healing = _heal(undo)
        ok = healing.undone != "stuck"
        if ok:
            intents.remove(undo)
        recovered.append(
            Recovered(f'drill "{undo.drill}" ({undo.utc})', f"{healing.undone}: {healing.how}", ok)
        )
    return recovered


def close_unfinished(plan: Plan) -> list[Recovered]:
    """Judge and close every run of the plan's evidence whose processes are all gone."""
    return list(_closed(plan))


def _heal(undo: Undo) -> Healing:
    try:
        plan = _plan(undo)
        return fault_of(Estate(plan), plan.drills[undo.drill]).heal(undo.targets)
    except BlackstartError as error:
        return Healing("stuck", str(error))


def _plan(undo: Undo) -> Plan:
    return read_plan(Path(undo.plan_path), undo.plan_text.encode(), undo.variables)


def _closed(plan: Plan) -> Iterator[Recovered]:
    for folder in chain.unfinished(plan.evidence.path):
        what = f"run {folder.path.name}"
        if held(folder.path):
            yield Recovered(what, "is still being written", ok=False)
            continue
        try:
            closed = close(plan, folder)
        except BlackstartError as error:
            yield Recovered(what, f"closed as inconclusive: {error}", ok=True)
        else:
            yield Recovered(what, f"closed, {closed.verdict}: {closed.folder / 'report.html'}", ok=True)
