"""A finding while the runs and records are still followed: what opens, closes and opens it again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from rto_rpo.dossier.finding import Finding, Turn, TurnKind, worse
from rto_rpo.dossier.late import Late
from rto_rpo.dossier.observation import Observation, Promised
from rto_rpo.dossier.shelf import Run
from rto_rpo.evidence.lines.record import Retest, Severity
from rto_rpo.report.model import Judgement


@dataclass(slots=True)
class Draft:
    """A finding that is still followed."""

    id: str
    source: Literal["drill", "person"]
    plan: str
    drill: str | None
    retest: Retest | None
    closed: bool = False
    turns: list[Turn] = field(default_factory=list)
    worst: Severity | None = None  # that a run showed since one opened it last
    # By fault, what is still to be met, by which objectives; one that is closed has nothing left.
    unmet: dict[str, dict[Promised, float]] = field(default_factory=dict)

    def finding(self) -> Finding:
        return Finding(self.id, self.source, self.plan, self.drill, self.retest, tuple(self.turns))

    def take(self, run: Run, one: Observation) -> None:
        """Met closes it, under whatever fault it was not. What is not met opens it again, unless a person
        entered it: such a one only what is missed. What is worse than was known ends an acceptance, too."""
        why = f"{one.title} {one.verdict}: {one.reason}"
        if one.verdict == "met":
            if self._makes_good(one) and not self.closed:
                self.closed = True
                self.turns.append(Turn(run.seq, run.utc, "closed", why, folder=run.folder))
        elif self.source == "drill" or one.verdict == "missed":
            if self.closed or not self.turns:
                self.unmet.clear()
                self._open(run, one, why, self._opening())
            elif worse(one.severity, self.worst or self.finding().severity):
                self._worsen(run, one, why)
            self._owe(one)

    def take_late(self, late: Late) -> None:
        """A drill that was not run opens it; of one that is open already nothing more is said."""
        self.source = "drill"  # whoever entered it under this id before
        if self.closed or not self.turns:
            self.turns.append(Turn(late.seq, late.utc, self._opening(), late.why, "medium"))
            self.closed = False

    def adopt(self, run: Run, one: Observation) -> None:
        """A person entered it under this id before any run showed it: from now on it is the drill's."""
        self.source, self.retest = "drill", retest_of(run, one)
        self.unmet.clear()
        self._open(run, one, f"{one.title} {one.verdict}: {one.reason}", self._opening())
        self._owe(one)

    def _worsen(self, run: Run, one: Observation, why: str) -> None:
        """Whatever was accepted of it, this was not known then."""
        if self.finding().last.what == "accepted":
            self._open(run, one, f"{why}; that is worse than what was accepted", "opened again")
        else:
            self._open(run, one, why, "got worse")

    def _open(self, run: Run, one: Observation, why: str, what: TurnKind) -> None:
        self.turns.append(Turn(run.seq, run.utc, what, why, one.severity, run.folder))
        self.closed, self.worst = False, one.severity

    def _opening(self) -> Literal["opened", "opened again"]:
        return "opened again" if self.turns else "opened"

    def _owe(self, one: Observation) -> None:
        if one.fault is not None:
            self.owe(one.fault, one.judged[1] if one.judged else ())

    def owe(self, fault: str, judged: Iterable[Judgement]) -> None:
        """What has to be met now, under this fault; of each objective the hardest that was not counts."""
        owed = self.unmet.setdefault(fault, {})
        for one in judged:
            name = one.subject, one.objective
            owed[name] = min(one.declared_seconds, owed.get(name, one.declared_seconds))

    def _makes_good(self, one: Observation) -> bool:
        """Whether nothing is left to be met after this."""
        if one.fault in self.unmet and one.met_by(self.unmet[one.fault]):
            del self.unmet[one.fault]
            return not self.unmet
        return not self.unmet and one.met_by({})


def retest_of(run: Run, one: Observation) -> Retest:
    """The drill that has to show it again, and the objective of that."""
    if one.key[0] == "objective":
        return Retest.model_validate({"drill": run.drill, "subject": one.key[1], "objective": one.key[2]})
    return Retest(drill=run.drill)
