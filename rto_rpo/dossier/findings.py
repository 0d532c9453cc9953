"""The findings register: what a drill showed to be wrong, until a later drill shows it to be right.

Two kinds, in one list. *Derived* ones follow from the runs alone: whatever was not met opens one, whatever
is met by a later run of the same drill, with the same fault and by an objective that is as hard, closes it,
and it opens again when it is not met again. *Entered* ones are a person's; their retest closes and opens them
in the same way. A person gives a derived one an owner, a day and a severity by entering a finding under its
id, and accepts its risk, for a reason, until a day. Unknown is never success: only *met* closes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from rto_rpo.dossier.digest import Digest
from rto_rpo.dossier.finding import Finding, Turn, TurnKind, by_weight
from rto_rpo.dossier.judged import fault_of
from rto_rpo.dossier.observed import observed
from rto_rpo.dossier.shelf import Run, Shelf
from rto_rpo.evidence.agreed.person import signed_with
from rto_rpo.evidence.lines.line import Recorded
from rto_rpo.evidence.lines.record import Finding as Entered
from rto_rpo.evidence.lines.record import FindingState, Retest, Severity
from rto_rpo.measurement import Verdict
from rto_rpo.report.model import Judgement

# What no objective excuses: it says that the recovery itself did harm.
_CRITICAL = ("corrupt", "duplicated", "resurrected")


@dataclass(frozen=True, slots=True)
class Observation:
    """One thing that a run says: under which key, how, and in which words.

    `fault` is what was broken, None where nothing says so; `judged` what an objective was judged from.
    """

    key: tuple[str, ...]
    title: str
    verdict: Verdict
    reason: str
    severity: Severity
    fault: str | None = None
    judged: tuple[Digest, Judgement] | None = None

    def met_by(self, limit_seconds: float | None) -> bool:
        """Whether it is met, by an objective of that length too."""
        if self.judged is None or limit_seconds is None:
            return self.verdict == "met"
        return observed(*self.judged, limit_seconds)[0].verdict(limit_seconds) == "met"


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
    fault = fault_of(run.digest) if run.digest else None
    yield from (replace(one, fault=fault) for one in _observations(run))


def _observations(run: Run) -> Iterator[Observation]:
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
        told = _observed(("objective", one.subject, one.objective), title, one.verdict, one.reason, worst)
        yield replace(told, judged=(found, one))
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
    # By fault, what is still to be met, and by which objective; one that is closed has nothing left.
    unmet: dict[str, float | None] = field(default_factory=dict)

    def finding(self) -> Finding:
        return Finding(self.id, self.source, self.plan, self.drill, self.retest, tuple(self.turns))

    def take(self, run: Run, one: Observation) -> None:
        """Met closes it, under whatever fault it was not. What is not met opens it again, unless a person
        entered it: such a one only what is missed."""
        why = f"{one.title} {one.verdict}: {one.reason}"
        if one.verdict == "met":
            if self._makes_good(one) and not self.closed:
                self.closed = True
                self.turns.append(Turn(run.seq, run.utc, "closed", why, folder=run.folder))
        elif self.source == "drill" or one.verdict == "missed":
            if self.closed or not self.turns:
                self._open(run, one, why)
            self.owe(one)

    def adopt(self, run: Run, one: Observation) -> None:
        """A person entered it under this id before any run showed it: from now on it is the drill's."""
        self.source, self.retest = "drill", _retest(run, one)
        self._open(run, one, f"{one.title} {one.verdict}: {one.reason}")
        self.owe(one)

    def _open(self, run: Run, one: Observation, why: str) -> None:
        what: Literal["opened", "opened again"] = "opened again" if self.turns else "opened"
        self.closed = False
        self.unmet.clear()
        self.turns.append(Turn(run.seq, run.utc, what, why, one.severity, run.folder))

    def owe(self, one: Observation | None) -> None:
        """What has to be met now; the hardest objective under which it was not counts."""
        if one is not None and one.fault is not None:
            limits = [one.judged[1].declared_seconds] if one.judged else []
            before = self.unmet.get(one.fault)
            self.unmet[one.fault] = min([*limits, *([before] if before is not None else [])], default=None)

    def _makes_good(self, one: Observation) -> bool:
        """Whether nothing is left to be met after this."""
        if one.fault in self.unmet and one.met_by(self.unmet[one.fault]):
            del self.unmet[one.fault]
            return not self.unmet
        return not self.unmet and one.met_by(None)


class _Book:
    """Follows runs and records in the chain's order."""

    def __init__(self) -> None:
        self.found: dict[str, _Draft] = {}
        self._ids: dict[tuple[str, ...], str] = {}
        self._seen: dict[tuple[str, str], list[Observation]] = {}

    def take_run(self, run: Run) -> None:
        seen = [*observations(run)]
        if run.digest is not None:
            self._seen[run.plan, run.drill] = seen
        for one in seen:
            key = (run.plan, run.drill, *one.key)
            name = self._ids.setdefault(key, finding_id(run.plan, run.drill, one.key))
            if name not in self.found and one.verdict != "met":
                self.found[name] = _Draft(name, "drill", run.plan, run.drill, _retest(run, one))
            if (draft := self.found.get(name)) is None:
                continue
            if draft.source == "drill":
                draft.take(run, one)
            elif one.verdict != "met":
                draft.adopt(run, one)
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
            if entry.retest:  # as hard as that drill was when it was entered
                draft.owe(_asked(entry.retest, self._seen.get((line.plan, entry.retest.drill), [])))
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
        fault = fault_of(run.digest)
        return Observation(("drill",), f"drill {run.drill}", verdict, reasons, "high", fault)
    return _asked(wanted, [one for one in seen if len(one.key) == 3])


def _asked(wanted: Retest, seen: list[Observation]) -> Observation | None:
    """What a run says of that objective; of a whole drill whatever it says first, for the fault's sake."""
    for one in seen:
        asked = (wanted.subject or one.key[-2:][0], wanted.objective or one.key[-1])
        if (wanted.subject is None and wanted.objective is None) or (
            len(one.key) == 3 and one.key[1:] == asked
        ):
            return one
    return None
