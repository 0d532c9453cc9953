"""What was tested, and what never was: promises, drills and sites of the plan against all that ran."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from rto_rpo.dossier.declared import Declared
from rto_rpo.dossier.shelf import Run

Kind = Literal["promise", "drill", "site"]
# Faults by which a whole site is lost; one process killed, or a site held still, is no such thing.
_LOSSES = {"kill_site", "dr_not_ready", "kill_orchestrator", "second_fault_during_recovery"}
State = Literal["met", "missed", "inconclusive", "held", "not tested", "not run"]


@dataclass(frozen=True, slots=True)
class Covered:
    """`state`: the newest verdict; "not tested": no run ever judged it; "not run": the drill never ran.

    `run` is the newest that says something, `count` how many do.
    """

    kind: Kind
    name: str
    what: str
    state: State
    run: Run | None
    count: int


@dataclass(slots=True)
class Seen:
    """What the runs so far have shown: (kind, name, what) to the newest state, its run, and how many."""

    last: dict[tuple[str, str, str], tuple[State, Run, int]] = field(default_factory=dict)

    def take(self, run: Run) -> None:
        """One more run, in the chain's order."""
        found = run.digest
        state: State = "held" if run.talked else found.verdict if found else "inconclusive"
        self._put("drill", run.drill, "", state, run)
        if found is None:
            return
        for one in found.judgements:
            good = one.verdict == "met" and found.doubted
            self._put("promise", one.subject, one.objective, "inconclusive" if good else one.verdict, run)
        site = found.fault.get("site")
        if found.faulted and found.fault.get("kind") in _LOSSES and isinstance(site, str):
            self._put("site", site, "", found.verdict, run)

    def _put(self, kind: Kind, name: str, what: str, state: State, run: Run) -> None:
        count = self.last[kind, name, what][2] if (kind, name, what) in self.last else 0
        self.last[kind, name, what] = state, run, count + 1


def coverage(seen: Seen, plan: Declared) -> Iterator[Covered]:
    """Everything that the plan declares, in its own order."""
    for kind, objective in (("services", "rto"), ("datasets", "rpo")):
        for name in plan.nouns(kind):
            if declared := plan.text(f"{kind}.{name}.{objective}"):
                yield _covered(seen, "promise", name, objective, f"{objective.upper()} {declared}")
    for name in plan.nouns("drills"):
        fault = (plan.text(f"drills.{name}.fault.kind") or "no fault named").replace("_", " ")
        target = plan.text(f"drills.{name}.fault.site")
        yield _covered(seen, "drill", name, "", f"{fault} {target}" if target else fault)
    for name in plan.nouns("tabletops"):
        yield _covered(seen, "drill", name, "", "tabletop")
    for name in plan.nouns("sites"):
        yield _covered(seen, "site", name, "", "its loss")


def _covered(seen: Seen, kind: Kind, name: str, what: str, told: str) -> Covered:
    if (kind, name, what) in seen.last:
        state, run, count = seen.last[kind, name, what]
        return Covered(kind, name, told, state, run, count)
    return Covered(kind, name, told, "not run" if kind == "drill" else "not tested", None, 0)
