"""The register of findings: entered by people, closed and opened again by the drills that retest them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from rto_rpo.evidence.history import Entry
from rto_rpo.evidence.line import Closed, Recorded
from rto_rpo.evidence.record import Finding, FindingState, Retest, Severity
from rto_rpo.measurement import Verdict

State = Literal["open", "closed", "accepted"]
Judgements = Callable[[Closed], Mapping[tuple[str, str], Verdict]]
"""What a closed run decided about each objective: (subject, "rto" or "rpo") to its verdict."""

_AFTER: Mapping[Verdict, State] = {"met": "closed", "missed": "open"}


@dataclass(frozen=True, slots=True)
class Step:
    """A change of state: when, to what, by whom (a person, or the run that retested it), and why."""

    utc: str
    state: State
    by: str
    run: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Registered:
    """A finding as it stands. `until`: the day to which its risk is accepted. `run`: where it was found."""

    id: str
    severity: Severity
    text: str
    owner: str | None
    due: str | None
    retest: Retest | None
    run: str | None
    state: State
    until: str | None
    steps: tuple[Step, ...]

    def overdue(self, today: str) -> bool:
        """Not closed by its day, or its acceptance has run out. `today` is YYYY-MM-DD."""
        limit = self.until if self.state == "accepted" else self.due
        return self.state != "closed" and limit is not None and limit < today


def register(entries: Sequence[Entry], judgements: Judgements) -> tuple[Registered, ...]:
    """All findings in the order in which they were entered, as the chain's end leaves them."""
    found: dict[str, Registered] = {}
    for entry in entries:
        line = entry.line
        if isinstance(line, Recorded) and isinstance(line.entry, Finding):
            found.setdefault(line.entry.id, _entered(line, line.entry))
        elif isinstance(line, Recorded) and isinstance(line.entry, FindingState) and line.entry.id in found:
            found[line.entry.id] = _stated(found[line.entry.id], line, line.entry)
        elif isinstance(line, Closed):
            found.update({name: _retested(each, line, judgements) for name, each in found.items()})
    return tuple(found.values())


def _entered(line: Recorded, entry: Finding) -> Registered:
    first = Step(line.utc, "open", entry.by.name, line.run, entry.text)
    return Registered(
        entry.id,
        entry.severity,
        entry.text,
        entry.owner,
        entry.due,
        entry.retest,
        line.run,
        "open",
        None,
        (first,),
    )


def _stated(known: Registered, line: Recorded, entry: FindingState) -> Registered:
    state: State = "open" if entry.state == "opened" else entry.state
    step = Step(line.utc, state, entry.by.name, line.run, entry.text)
    until = entry.until if state == "accepted" else None
    return replace(known, state=state, until=until, steps=(*known.steps, step))


def _retested(known: Registered, line: Closed, judgements: Judgements) -> Registered:
    """A met retest closes it, a missed one opens it again; an inconclusive one proves nothing either way."""
    retest = known.retest
    if retest is None or retest.drill != line.drill:
        return known
    verdict: Verdict | None = line.verdict
    if retest.subject is not None and retest.objective is not None:
        verdict = judgements(line).get((retest.subject, retest.objective))
    after = _AFTER.get(verdict or "inconclusive")
    if after is None or after == known.state or (after == "open" and known.state == "accepted"):
        return known
    text = f"retested by {line.drill}: {verdict}"
    return replace(
        known,
        state=after,
        until=None,
        steps=(*known.steps, Step(line.utc, after, line.drill, line.run, text)),
    )
