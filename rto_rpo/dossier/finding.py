"""A finding: what was found to be wrong, its turns, and what it is on a day."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Literal

from rto_rpo.evidence.agreed.person import Standing
from rto_rpo.evidence.lines.record import Retest, Severity

State = Literal["open", "accepted", "closed"]
TurnKind = Literal["opened", "opened again", "got worse", "closed", "accepted", "entered"]
STATES: tuple[State, ...] = ("open", "accepted", "closed")
SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low")
_OPENING = frozenset({"opened", "opened again", "got worse"})


def worse(one: Severity, other: Severity) -> bool:
    return SEVERITIES.index(one) < SEVERITIES.index(other)


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn in a finding's life, at the place `seq` of the chain.

    `folder` is that of the run that made it, `by` the person and `key` what that person signed with; None:
    the name is only claimed. `until`: the last day of an accepted risk. `standing`: how far the name may be
    believed, given who the newest plan that was known then lists; None where no person said it.
    """

    seq: int
    utc: str
    what: TurnKind
    why: str
    severity: Severity | None = None
    folder: str | None = None
    by: str | None = None
    key: str | None = None
    owner: str | None = None
    due: str | None = None
    until: str | None = None
    standing: Standing | None = None


def _standing(turn: Turn, listed: Collection[tuple[str, str]]) -> Turn:
    if turn.by is None:
        return turn
    if turn.key is None:
        return replace(turn, standing="claimed")
    return replace(turn, standing="signed" if (turn.by, turn.key) in listed else "unlisted")


@dataclass(frozen=True, slots=True)
class Finding:
    """`source` "drill": it follows from the runs. Everything else about it is in its turns."""

    id: str
    source: Literal["drill", "person"]
    plan: str
    drill: str | None
    retest: Retest | None
    turns: tuple[Turn, ...]

    def as_of(self, seq: int) -> Finding | None:
        """What was known of it at that place of the chain; None when it was not there yet."""
        turns = self.turns[: bisect_right(self.turns, seq, key=attrgetter("seq"))]
        return replace(self, turns=turns) if turns else None

    def with_standing(self, listed: Collection[tuple[str, str]]) -> Finding:
        """The same, each person's word held against `listed`: names with the identities of their keys."""
        if all(turn.by is None for turn in self.turns):
            return self
        return replace(self, turns=tuple(_standing(turn, listed) for turn in self.turns))

    @property
    def last(self) -> Turn:
        """The turn that made it what it is."""
        return next((turn for turn in reversed(self.turns) if turn.what != "entered"), self.turns[-1])

    def state(self, day: str) -> State:
        """What it is on that day ("2026-11-22"). An accepted risk is open again when its time is over."""
        last = self.last
        if last.what == "accepted":
            return "accepted" if last.until is None or day <= last.until else "open"
        return "closed" if last.what == "closed" else "open"

    def overdue(self, day: str) -> bool:
        """Open after its day, or because the time of its acceptance is over."""
        limit = self.until or self.due
        return self.state(day) == "open" and limit is not None and limit < day

    @property
    def opened(self) -> Turn:
        return self.turns[0]

    @property
    def text(self) -> str:
        """A person's words, until worse is seen than was known then; else those of what opened it last."""
        words = [
            at
            for at, turn in enumerate(self.turns)
            if turn.by is not None and turn.what in {"opened", "entered"}
        ]
        told = words or [at for at, turn in enumerate(self.turns) if turn.what in _OPENING]
        return self.turns[max(told[-1], *self._growing[1:][-1:], 0)].why

    @property
    def severity(self) -> Severity:
        """A person's word, or worse that was seen after it; without one the worst that was seen."""
        said = [at for at, turn in enumerate(self.turns) if turn.by is not None and turn.severity]
        counted = [*said[-1:], *(at for at in self._growing if at > max(said, default=-1))]
        return min(filter(None, (self.turns[at].severity for at in counted)), key=SEVERITIES.index)

    @property
    def _growing(self) -> list[int]:
        """The places of the turns that showed worse than any such before."""
        found: list[int] = []
        worst: Severity | None = None
        for at, turn in enumerate(self.turns):
            if turn.by is None and turn.severity and (worst is None or worse(turn.severity, worst)):
                worst = turn.severity
                found.append(at)
        return found

    @property
    def owner(self) -> str | None:
        return next((turn.owner for turn in reversed(self.turns) if turn.owner), None)

    @property
    def due(self) -> str | None:
        return next((turn.due for turn in reversed(self.turns) if turn.due), None)

    @property
    def until(self) -> str | None:
        """The last day of the accepted risk, where it is accepted."""
        last = self.turns[-1]
        return last.until if last.what == "accepted" else None


def summed(findings: Sequence[Finding], day: str) -> str:
    """How the register stands: "2 open, 1 of them overdue; 1 accepted as a risk; 4 closed"."""
    states = [one.state(day) for one in findings]
    late = sum(1 for one in findings if one.overdue(day))
    told = (
        f"{states.count('open')} open, {late or 'none'} of them overdue" if "open" in states else "none open"
    )
    accepted, closed = states.count("accepted"), states.count("closed")
    return "; ".join(
        [told, *[f"{accepted} accepted as a risk"] * bool(accepted), *[f"{closed} closed"] * bool(closed)]
    )


def by_weight(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda one: (SEVERITIES.index(one.severity), one.opened.utc, one.id))


def open_first(findings: Iterable[Finding], day: str) -> list[Finding]:
    """The open ones, then the accepted, then the closed; the weightiest first in each."""
    return sorted(by_weight(findings), key=lambda one: STATES.index(one.state(day)))
