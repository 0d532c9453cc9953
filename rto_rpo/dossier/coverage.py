"""What was tested, and what never was: promises, drills and sites of the plan against all that ran."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from typing import Literal

from rto_rpo.dossier.declared import Declared
from rto_rpo.dossier.digest import Digest
from rto_rpo.dossier.judged import Judgements
from rto_rpo.dossier.shelf import Run
from rto_rpo.measurement import Verdict
from rto_rpo.report.words import promised

Kind = Literal["promise", "drill", "site"]
# Faults by which a whole site is lost; one process killed, or a site held still, is no such thing.
_LOSSES = {"kill_site", "dr_not_ready", "kill_orchestrator", "second_fault_during_recovery"}
State = Literal["met", "missed", "inconclusive", "held", "not tested", "not run"]


@dataclass(frozen=True, slots=True)
class Covered:
    """`state`: the newest verdict; "not tested": no run ever judged it; "not run": the drill never ran.

    Of a promise it is the worst of the drills'. `run` is the one that says so, `count` how many say anything.
    """

    kind: Kind
    name: str
    what: str
    state: State
    run: Run | None
    count: int


@dataclass(slots=True)
class Seen:
    """What the runs so far have shown: (kind, name, what) to the newest state, its run, and how many.

    `shows`: by drill, what its runs have shown; one that left nothing to read was to show it again. `judged`:
    how each promise was judged.
    """

    last: dict[tuple[Kind, str, str], tuple[State, Run, int]] = field(default_factory=dict)
    shows: dict[str, set[tuple[Kind, str, str]]] = field(default_factory=dict)
    judged: dict[tuple[str, str], Judgements] = field(default_factory=dict)

    def take(self, run: Run) -> None:
        """One more run, in the chain's order."""
        found = run.digest
        if found is not None:
            self._put("drill", run.drill, "", _good(found, found.verdict), run)
            self._take(run, found)
            return
        self._put("drill", run.drill, "", "held" if run.talked else "inconclusive", run)
        if run.talked:
            return
        for kind, name, what in sorted(self.shows.get(run.drill, ())):
            self._put(kind, name, what, "inconclusive", run)
        for judged in self.judged.values():
            judged.unread(run)

    def _take(self, run: Run, found: Digest) -> None:
        for one in found.judgements:
            self.judged.setdefault((one.subject, one.objective), Judgements()).take(run, found, one)
        site = found.fault.get("site")
        if found.faulted and found.fault.get("kind") in _LOSSES and isinstance(site, str):
            self._show("site", site, "", _good(found, found.verdict), run)

    def _show(self, kind: Kind, name: str, what: str, state: State, run: Run) -> None:
        self.shows.setdefault(run.drill, set()).add((kind, name, what))
        self._put(kind, name, what, state, run)

    def _put(self, kind: Kind, name: str, what: str, state: State, run: Run) -> None:
        count = self.last[kind, name, what][2] if (kind, name, what) in self.last else 0
        self.last[kind, name, what] = state, run, count + 1


def _good(found: Digest, verdict: Verdict) -> Verdict:
    """Nothing good follows from a run in doubt."""
    return "inconclusive" if verdict == "met" and found.doubted else verdict


def coverage(seen: Seen, plan: Declared) -> Iterator[Covered]:
    """Everything that the plan declares, in its own order."""
    drills = set(plan.nouns("drills"))
    for kind, objective in (("services", "rto"), ("datasets", "rpo")):
        for name in plan.nouns(kind):
            if declared := plan.text(f"{kind}.{name}.{objective}"):
                yield _promise(seen, name, objective, declared, drills)
    for name in plan.nouns("drills"):
        fault = (plan.text(f"drills.{name}.fault.kind") or "no fault named").replace("_", " ")
        target = plan.text(f"drills.{name}.fault.site")
        yield _covered(seen, "drill", name, "", f"{fault} {target}" if target else fault)
    for name in plan.nouns("tabletops"):
        yield _covered(seen, "drill", name, "", "tabletop")
    for name in plan.nouns("sites"):
        yield _covered(seen, "site", name, "", "its loss")


def _promise(seen: Seen, name: str, objective: str, declared: str, drills: Container[str]) -> Covered:
    told, judged = f"{objective.upper()} {promised(declared)}", seen.judged.get((name, objective))
    if judged is None:
        return Covered("promise", name, told, "not tested", None, 0)
    worst = judged.worst(declared, drills)
    return Covered("promise", name, told, worst.state, worst.run, judged.count)


def _covered(seen: Seen, kind: Kind, name: str, what: str, told: str) -> Covered:
    if (kind, name, what) in seen.last:
        state, run, count = seen.last[kind, name, what]
        return Covered(kind, name, told, state, run, count)
    return Covered(kind, name, told, "not run" if kind == "drill" else "not tested", None, 0)
