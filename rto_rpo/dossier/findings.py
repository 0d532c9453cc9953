"""The findings register: what a drill showed to be wrong, until a later drill shows it to be right.

Two kinds, in one list. *Derived* ones follow from the runs alone: whatever was not met opens one, whatever
is met by a later run of the same drill, with the same fault and by an objective that is as hard, closes it,
and it opens again when it is not met again. A drill that was due and not run opens one, too, until it is run
and in no doubt. *Entered* ones are a person's; their retest closes and opens them in the same way. A person
gives a derived one an owner, a day and a severity by entering a finding under its id, and accepts its risk,
for a reason, until a day. Unknown is never success: only *met* closes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from rto_rpo.dossier.digest import Digest
from rto_rpo.dossier.draft import Draft, retest_of
from rto_rpo.dossier.finding import Finding, Turn, TurnKind, by_weight
from rto_rpo.dossier.judged import fault_of
from rto_rpo.dossier.late import DUE, Late, placed
from rto_rpo.dossier.observation import Observation, observations
from rto_rpo.dossier.retest import answer, asked
from rto_rpo.dossier.shelf import Run, Shelf
from rto_rpo.evidence.agreed.not_run import NotRun
from rto_rpo.evidence.agreed.person import signed_with
from rto_rpo.evidence.lines.line import Recorded
from rto_rpo.evidence.lines.record import Finding as Entered
from rto_rpo.evidence.lines.record import FindingState, Retest


def finding_id(plan: str, drill: str, key: tuple[str, ...]) -> str:
    """ "F-" and eight hex digits, the same whenever and by whomever it is computed."""
    return f"F-{hashlib.sha256(repr((plan, drill, *key)).encode()).hexdigest()[:8]}"


def register(shelf: Shelf, not_run: Sequence[NotRun] = ()) -> list[Finding]:
    """Every finding that there ever was, the weightiest first, older before newer."""
    book = _Book()
    steps: list[tuple[int, int, Run | Recorded | Late]] = [
        *((one.seq, 0, one) for one in placed(shelf, not_run)),
        *((run.seq, 1, run) for run in shelf.runs),
        *((line.seq, 1, line) for line in shelf.said),
    ]
    for _, _, step in sorted(steps, key=lambda one: one[:2]):
        book.take(step)
    return by_weight(draft.finding() for draft in book.found.values())


class _Book:
    """Follows runs and records in the chain's order."""

    def __init__(self) -> None:
        self.found: dict[str, Draft] = {}
        self._ids: dict[tuple[str, ...], str] = {}
        self._newest: dict[tuple[str, str], Digest] = {}

    def take(self, step: Run | Recorded | Late) -> None:
        """The next of them."""
        if isinstance(step, Run):
            self._take_run(step)
        elif isinstance(step, Recorded):
            self._take_line(step)
        else:
            self._take_late(step)

    def _take_late(self, late: Late) -> None:
        name = self._ids.setdefault((late.plan, late.drill, *DUE), finding_id(late.plan, late.drill, DUE))
        draft = self.found.get(name)
        if draft is None:
            draft = self.found[name] = Draft(name, "drill", late.plan, late.drill, Retest(drill=late.drill))
        draft.take_late(late)

    def _take_run(self, run: Run) -> None:
        seen = observations(run)
        if run.digest is not None:
            self._newest[run.plan, run.drill] = run.digest
        for one in seen:
            key = (run.plan, run.drill, *one.key)
            if (name := self._ids.get(key)) is None:
                name = self._ids[key] = finding_id(run.plan, run.drill, one.key)
            if name not in self.found and one.verdict != "met":
                self.found[name] = Draft(name, "drill", run.plan, run.drill, retest_of(run, one))
            if (draft := self.found.get(name)) is None:
                continue
            if draft.source == "drill":
                draft.take(run, one)
            elif one.verdict != "met":
                draft.adopt(run, one)
        for draft in self.found.values():
            if draft.source == "person" and (said := _answer(draft, run, seen)):
                draft.take(run, said)

    def _take_line(self, line: Recorded) -> None:
        entry = line.entry
        if isinstance(entry, Entered):
            self._enter(line, entry)
        elif isinstance(entry, FindingState) and (draft := self.found.get(entry.id)):
            draft.closed = entry.state == "closed"
            what: Literal["opened again", "closed", "accepted"] = (
                "opened again" if entry.state == "opened" else entry.state
            )
            draft.turns.append(replace(_said(line, what), until=entry.until))

    def _enter(self, line: Recorded, entry: Entered) -> None:
        draft = self.found.get(entry.id)
        what: Literal["opened", "entered"] = "entered" if draft else "opened"
        if draft is None:
            draft = Draft(entry.id, "person", line.plan, line.drill, entry.retest)
            self.found[entry.id] = draft
            if entry.retest and (then := self._newest.get((line.plan, entry.retest.drill))):
                draft.owe(fault_of(then), asked(entry.retest, then))  # as hard as the drill was then
        told = replace(_said(line, what), severity=entry.severity, owner=entry.owner, due=entry.due)
        draft.turns.append(told)


def _said(line: Recorded, what: TurnKind) -> Turn:
    """The turn that a person's entry makes, with what every entry has."""
    by = line.entry.by.name
    return Turn(seq=line.seq, utc=line.utc, what=what, why=line.entry.text, by=by, key=signed_with(line))


def _answer(draft: Draft, run: Run, seen: Sequence[Observation]) -> Observation | None:
    """What this run says to the finding's retest; None where it says nothing."""
    wanted = draft.retest
    if wanted is None or (draft.plan, wanted.drill) != (run.plan, run.drill) or run.digest is None:
        return None
    return answer(wanted, run.digest, seen)
