"""Phases: cut points from the fault to the first acknowledgement, so that they sum to the upper bound."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rto_rpo.ledger.records import Stream
from rto_rpo.measurement import Phase
from rto_rpo.timeline import WAITING, Milestone

_ENDED_BY: Final = (
    ("detect", "detected"),
    ("decide", "decided"),
    ("fence", "fenced"),
    ("restore", "restored"),
    ("promote", "promoted"),
    ("start", "started"),
    ("redirect", "redirected"),
)
_WAITING: Final = (("decide", "decide_waiting"), ("approve", "decided"))
LAST: Final = "first acknowledgement"


def phases(
    milestones: Iterable[Milestone], stream: Stream, begin_ns: int, acknowledged_ns: int
) -> tuple[Phase, ...]:
    """The phases of one stream's recovery, from f0 to b acknowledged, in the order in which they ended.

    Each ends at the first milestone of its name that is about this stream. A phase whose milestone nobody saw
    in time is merged into the next one, by the runbook's order, that was seen. People's waiting ("approve",
    and "people: QUESTION" for what the runbook asked them on its way) is a phase of its own, and whole: a
    milestone that was reached meanwhile is merged into it. What came before such a question ends at it.
    """
    told = [each for each in milestones if begin_ns <= each.ns <= acknowledged_ns]
    seen: dict[str, int] = {}
    for milestone in told:
        if _is_about(milestone, stream):
            seen.setdefault(milestone.name, milestone.ns)
    cuts, unseen = _cuts(seen)
    for wait in _waits(told):
        cuts = _apart(cuts, wait)
    cuts.sort(key=lambda cut: cut.ns)
    cuts.append(_Cut(acknowledged_ns, LAST, unseen))
    starts = [begin_ns, *(cut.ns for cut in cuts)]
    return tuple(
        Phase(cut.name, (cut.ns - start) / 1e9, cut.merged) for start, cut in zip(starts, cuts, strict=False)
    )


@dataclass(frozen=True, slots=True)
class _Cut:
    """Where a phase ends."""

    ns: int
    name: str
    merged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Wait:
    """From a question to its answer. Questions that waited at the same time are one wait."""

    from_ns: int
    to_ns: int
    questions: tuple[str, ...]


def _cuts(seen: Mapping[str, int]) -> tuple[list[_Cut], tuple[str, ...]]:
    """What was seen, by the runbook's order, and the names of what was not seen after all of that."""
    cuts: list[_Cut] = []
    unseen: list[str] = []
    for name, event in _phases_of(seen):
        if event in seen:
            cuts.append(_Cut(seen[event], name, tuple(unseen)))
            unseen.clear()
        else:
            unseen.append(name)
    return cuts, tuple(unseen)


def _waits(told: Sequence[Milestone]) -> list[_Wait]:
    """Every question that was answered, of whatever stream: the runbook waits for people as a whole."""
    waits: list[_Wait] = []
    asked: dict[str, int] = {}
    people = [each for each in told if each.name in WAITING]
    for each in sorted(people, key=lambda each: each.ns):
        question = str(each.detail.get("question"))
        if each.name == "asked":
            asked.setdefault(question, each.ns)
        elif question in asked:
            waits.append(_Wait(asked.pop(question), each.ns, (question,)))
    joined: list[_Wait] = []
    for wait in sorted(waits, key=lambda wait: wait.from_ns):
        if joined and wait.from_ns <= joined[-1].to_ns:
            last = joined.pop()
            questions = tuple(dict.fromkeys((*last.questions, *wait.questions)))
            wait = _Wait(last.from_ns, max(last.to_ns, wait.to_ns), questions)
        joined.append(wait)
    return joined


def _apart(cuts: Sequence[_Cut], wait: _Wait) -> list[_Cut]:
    """The cuts with this wait as a phase of its own."""
    meanwhile = [cut for cut in cuts if wait.from_ns < cut.ns <= wait.to_ns]
    merged = tuple(name for cut in meanwhile for name in (*cut.merged, cut.name))
    names = ", ".join(wait.questions)
    return [
        *(cut for cut in cuts if cut not in meanwhile),
        _Cut(wait.from_ns, f"until asked: {names}"),
        _Cut(wait.to_ns, f"people: {names}", merged),
    ]


def _phases_of(seen: Mapping[str, int]) -> tuple[tuple[str, str], ...]:
    if "decide_waiting" not in seen:
        return _ENDED_BY
    return (_ENDED_BY[0], *_WAITING, *_ENDED_BY[2:])


def _is_about(milestone: Milestone, stream: Stream) -> bool:
    about = (
        (milestone.detail.get("service"), stream["service"]),
        (milestone.detail.get("dataset"), stream["dataset"]),
    )
    return all(named is None or named == ours for named, ours in about)
