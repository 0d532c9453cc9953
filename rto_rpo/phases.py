"""Phases: cut points from the fault to the first acknowledgement, so that they sum to the upper bound."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rto_rpo.ledger.records import Stream
from rto_rpo.measurement import Phase
from rto_rpo.timeline import Milestone

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
    in time is merged into the next one, by the runbook's order, that was seen. People's waiting ("approve")
    is a phase of its own.
    """
    seen: dict[str, int] = {}
    for milestone in milestones:
        if _is_about(milestone, stream) and begin_ns <= milestone.ns <= acknowledged_ns:
            seen.setdefault(milestone.name, milestone.ns)
    cuts: list[tuple[int, str, tuple[str, ...]]] = []
    unseen: list[str] = []
    for name, event in _phases_of(seen):
        if event in seen:
            cuts.append((seen[event], name, tuple(unseen)))
            unseen.clear()
        else:
            unseen.append(name)
    cuts.sort(key=lambda cut: cut[0])
    cuts.append((acknowledged_ns, LAST, tuple(unseen)))
    starts = [begin_ns, *(ns for ns, _, _ in cuts)]
    return tuple(
        Phase(name, (ns - start) / 1e9, merged)
        for start, (ns, name, merged) in zip(starts, cuts, strict=False)
    )


def _phases_of(seen: dict[str, int]) -> tuple[tuple[str, str], ...]:
    if "decide_waiting" not in seen:
        return _ENDED_BY
    return (_ENDED_BY[0], *_WAITING, *_ENDED_BY[2:])


def _is_about(milestone: Milestone, stream: Stream) -> bool:
    about = (
        (milestone.detail.get("service"), stream["service"]),
        (milestone.detail.get("dataset"), stream["dataset"]),
    )
    return all(named is None or named == ours for named, ours in about)
