"""The findings register: what a drill showed to be wrong, until a later drill shows it to be right.

Two kinds, in one list. *Derived* ones follow from the runs alone: whatever was not met opens one, whatever
is met by a later run of the same drill closes it, and it opens again when it is not met again. *Entered*
ones are a person's; their retest closes and opens them in the same way. A person gives a derived one an
owner, a day and a severity by entering a finding under its id, and accepts its risk, for a reason, until a
day. Unknown is never success: only *met* closes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from rto_rpo.dossier.digest import Digest
from rto_rpo.dossier.finding import Finding, Turn, TurnKind, by_weight
from rto_rpo.dossier.shelf import Run, Shelf
from rto_rpo.evidence.agreed.person import signed_with
from rto_rpo.evidence.lines.line import Recorded
from rto_rpo.evidence.lines.record import Finding as Entered
from rto_rpo.evidence.lines.record import FindingState, Retest, Severity
from rto_rpo.measurement import Verdict

# What no objective excuses: it says that the recovery itself did harm.
_CRITICAL = ("corrupt", "duplicated", "resurrected")


@dataclass(frozen=True, slots=True)
class Observation:
    """One thing that a run says: under which key, how, and in which words."""

    key: tuple[str, ...]
    title: str
    verdict: Verdict
    reason: str
    severity: Severity


def finding_id(plan: str, drill: str, key: tuple[str, ...]) -> str:
    """ "F-" and eight hex digits, the same whenever and by whomever it is computed."""
    return f"F-{hashlib.sha256(repr((plan, drill, *key)).encode()).hexdigest()[:8]}"


def register(shelf: Shelf) -> list[Finding]:
    """Every finding that there ever was, the weightiest first, older before newer."""
    book = _Book()
    steps: list[tuple[int, Run | Recorded]] = [
        *((run.seq, run) for run in shelf.runs),
        *((line.seq, line) for line in shelf.said),
    ]
    for _, step in sorted(steps, key=lambda one: one[0]):
        book.take_run(step) if isinstance(step, Run) else book.take_line(step)
    return by_weight(draft.finding() for draft in book.found.values())


def observations(run: Run) -> Iterator[Observation]:
    """All that a run says of what was judged and checked.

    One that is void or in doubt says so once, and nothing good besides: what it shows to be missed is missed
    all the same, and what it measured well closes nothing. Of one that was pruned the verdict is left: a miss
    stays open until the drill is met, and what was inconclusive until a run is in no doubt.
    """
    found = run.digest
    if run.talked:
        return
    if found is None and run.record.pruned:
        gone = "its files said, which were pruned"
        if run.verdict == "missed":
            yield _verdict("missed", f"on {run.utc[:10]}; in what, {gone}")
        elif run.verdict != "met":
            yield _whole("inconclusive", f"why, {gone}")
        return
    if found is None:
        yield _whole("inconclusive", run.problem or "it is not known why")
        return
    if found.doubted:
        yield _whole("inconclusive", "; ".join([*filter(None, [found.void]), *found.doubts]))
    else:
        yield _whole("met", "nothing was in doubt")
    if found.verdict == "met":
        yield _verdict("met", f"on {run.utc[:10]}")
    for one in _shown(found):
        if one.verdict == "missed" or not found.doubted or (one.verdict != "met" and not found.void):
            yield one


def _verdict(verdict: Verdict, reason: str) -> Observation:
    return Observation(("verdict",), "the drill", verdict, reason, "high")


def _whole(verdict: Verdict, reason: str) -> Observation:
    return Observation(("run",), "the run as a whole", verdict, reason, "medium")


def _shown(found: Digest) -> Iterator[Observation]:
    harm = any(found.count(way) for way in _CRITICAL)
    for one in found.judgements:
        title = f"{one.subject} {one.objective.upper()}"
        worst: Severity = "critical" if one.objective == "rpo" and harm else "high"
        yield _observed(("objective", one.subject, one.objective), title, one.verdict, one.reason, worst)
    for split in found.splits:
        yield _observed(("writer",), "one writer only", split.verdict, split.reason, "critical")
    for check in found.checks:
        yield _observed(("check", check.name), f"check {check.name}", check.verdict, check.reason, "high")


def _observed(
    key: tuple[str, ...], title: str, verdict: Verdict, reason: str, worst: Severity
) -> Observation:
    return Observation(key, title, verdict, reason, worst if verdict == "missed" else "medium")


@dataclass(slots=True)
class _Draft:
    """A finding that is still followed."""

    id: str
    source: Literal["drill", "person"]
    plan: str
    drill: str | None
    retest: Retest | None
    closed: bool = False
    turns: list[Turn] = field(default_factory=list)

    def finding(self) -> Finding:
        return Finding(self.id, self.source, self.plan, self.drill, self.retest, tuple(self.turns))

    def take(self, run: Run, one: Observation) -> None:
        """Met closes it. What is not met opens it again; a person's finding only what is missed."""
        why = f"{one.title} {one.verdict}: {one.reason}"
        if one.verdict == "met":
            if self.turns and not self.closed:
                self.closed = True
                self.turns.append(Turn(run.seq, run.utc, "closed", why, folder=run.folder))
        elif not self.turns or (self.closed and (self.source == "drill" or one.verdict == "missed")):
            self.closed = False
            what: Literal["opened", "opened again"] = "opened again" if self.turns else "opened"
            self.turns.append(Turn(run.seq, run.utc, what, why, one.severity, run.folder))


class _Book:
    """Follows runs and records in the chain's order."""

    def __init__(self) -> None:
        self.found: dict[str, _Draft] = {}
        self._ids: dict[tuple[str, ...], str] = {}

    def take_run(self, run: Run) -> None:
        seen = [*observations(run)]
        for one in seen:
            key = (run.plan, run.drill, *one.key)
            name = self._ids.setdefault(key, finding_id(run.plan, run.drill, one.key))
            if name not in self.found and one.verdict != "met":
                self.found[name] = _Draft(name, "drill", run.plan, run.drill, _retest(run, one))
            if name in self.found:
                self.found[name].take(run, one)
        for draft in self.found.values():
            if draft.source == "person" and (said := _answer(draft, run, seen)):
                draft.take(run, said)

    def take_line(self, line: Recorded) -> None:
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
            draft = _Draft(entry.id, "person", line.plan, line.drill, entry.retest)
            self.found[entry.id] = draft
        told = replace(_said(line, what), severity=entry.severity, owner=entry.owner, due=entry.due)
        draft.turns.append(told)


def _said(line: Recorded, what: TurnKind) -> Turn:
    """The turn that a person's entry makes, with what every entry has."""
    by = line.entry.by.name
    return Turn(seq=line.seq, utc=line.utc, what=what, why=line.entry.text, by=by, key=signed_with(line))


def _retest(run: Run, one: Observation) -> Retest:
    if one.key[0] == "objective":
        return Retest.model_validate({"drill": run.drill, "subject": one.key[1], "objective": one.key[2]})
    return Retest(drill=run.drill)


def _answer(draft: _Draft, run: Run, seen: list[Observation]) -> Observation | None:
    """What this run says to the finding's retest; None where it says nothing."""
    wanted = draft.retest
    if wanted is None or (draft.plan, wanted.drill) != (run.plan, run.drill) or run.digest is None:
        return None
    if wanted.subject is None and wanted.objective is None:
        verdict, reasons = run.digest.verdict, "; ".join(run.digest.reasons)
        return Observation(("drill",), f"drill {run.drill}", verdict, reasons, "high")
    for one in seen:
        asked = (wanted.subject or one.key[-2:][0], wanted.objective or one.key[-1])
        if len(one.key) == 3 and one.key[1:] == asked:
            return one
    return None
