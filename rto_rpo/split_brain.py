"""Split brain: what the old primary's own address still acknowledged once the new side served."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from rto_rpo.column import ACKNOWLEDGED, FAILED, INDETERMINATE, OUTCOME_MASK
from rto_rpo.measurement import SplitBrain, Verdict
from rto_rpo.operations import StreamHistory
from rto_rpo.recovery_time import Recovery
from rto_rpo.revival import Revival


@dataclass(frozen=True, slots=True, order=True)
class FirstAnswer:
    """The new side's first acknowledgement: when it arrived, and when its operation was sent."""

    acknowledged_ns: int
    sent_ns: int


def first_answer(history: StreamHistory, recovered: Recovery, old: StreamHistory) -> FirstAnswer | None:
    """b; or the first answer of b's address, where that had answered nothing before the fault.

    A service that flaps has answered from its new side before b. Where the `old` primary answered b itself,
    the new side is whatever else answered since the fault; nothing, if nobody failed over.
    """
    if recovered.first_acknowledged_ns is None or recovered.first_sent_ns is None:
        return None
    b = FirstAnswer(recovered.first_acknowledged_ns, recovered.first_sent_ns)
    if not history.address_count or recovered.bracket.begin_ns is None:
        return b
    firsts: dict[int, tuple[int, int]] = {}
    answered_b = set()
    for sent, completed, state, address in history.settled():
        if address and state & OUTCOME_MASK == ACKNOWLEDGED:
            if address not in firsts or (completed, sent) < firsts[address]:
                firsts[address] = completed, sent
            if completed == b.acknowledged_ns and sent == b.sent_ns:
                answered_b.add(address)
    known = _answered_by(old)
    own = {number for address, number in history.addresses.items() if address in known}
    begin = recovered.bracket.begin_ns
    from_old = bool(answered_b) and answered_b <= own
    sides = firsts.keys() - own if from_old else answered_b
    new = (FirstAnswer(*firsts[address]) for address in sides if firsts[address][0] >= begin)
    return min(new, default=None if from_old else b)


def _answered_by(old: StreamHistory) -> set[str | None]:
    """The addresses from which the old primary acknowledged a write."""
    names = {number: address for address, number in old.addresses.items()}
    found = {
        address for _, _, state, address in old.settled() if state & OUTCOME_MASK == ACKNOWLEDGED and address
    }
    return {names[number] for number in found}


def split_brain(
    history: StreamHistory,
    answers: Iterable[FirstAnswer | None],
    until_ns: int,
    unwatched: Callable[[tuple[int, int]], str | None],
    revival: Revival | None,
) -> SplitBrain:
    """Judge the old primary's stream against the new side's first answer to any of the clients' streams.

    It has to be written to from then until `until_ns`; `unwatched` says why it was not in a span of time.
    """
    name = history.stream["name"]
    first = min((answer for answer in answers if answer is not None), default=None)
    if first is None:
        never = "nothing shows that a new side served"
        return _told(name, (), (), ("inconclusive", never), revival)
    after, overlapping, tried = [], [], _Tried()
    for slot, state in enumerate(history.writes.state):
        outcome, sent = state & OUTCOME_MASK, history.writes.sent_ns(slot)
        if outcome and sent > first.acknowledged_ns:
            tried.count += 1
            if outcome == ACKNOWLEDGED:
                after.append(history.writes.number(slot))
            elif outcome != FAILED:
                tried.unknown += 1
        elif outcome == ACKNOWLEDGED and history.writes.completed_ns(slot) >= first.sent_ns:
            overlapping.append(history.writes.number(slot))
        elif outcome == INDETERMINATE:
            tried.unanswered_before += 1
    verdict, reason = _verdict(len(after), len(overlapping), tried, revival)
    unsettled = next(history.writes.unsettled(), None)
    if verdict == "met" and unsettled is not None:
        verdict = "inconclusive"
        reason = f"write {history.writes.number(unsettled)} to the old primary has no outcome"
    problem = unwatched((first.acknowledged_ns, until_ns)) if verdict == "met" else None
    if problem is not None:
        verdict, reason = "inconclusive", f"the old primary was not written to all along: {problem}"
    return _told(name, tuple(after), tuple(overlapping), (verdict, reason), revival)


@dataclass(slots=True)
class _Tried:
    """The writes sent to the old primary once the new side served; `unanswered_before`: those sent before.

    What was never answered nobody believes; what was sent before is not held against the run.
    """

    count: int = 0
    unknown: int = 0
    unanswered_before: int = 0


def _told(
    stream: str,
    after: tuple[int, ...],
    overlapping: tuple[int, ...],
    judged: tuple[Verdict, str],
    revival: Revival | None,
) -> SplitBrain:
    """What was not tried is said as plainly as what was."""
    verdict, reason = judged
    said = f"{reason}; after its revival: {'not tested' if revival is None else revival}"
    if revival is None:
        return SplitBrain(stream, after, overlapping, verdict, said)
    return SplitBrain(stream, after, overlapping, verdict, said, True, revival.tried, revival.taken)


def _verdict(after: int, overlapping: int, tried: _Tried, revival: Revival | None) -> tuple[Verdict, str]:
    if after:
        return (
            "missed",
            f"the old primary acknowledged {after} writes that were sent once the new side served",
        )
    if overlapping:
        return (
            "inconclusive",
            f"{overlapping} writes acknowledged by the old primary overlap the new side's first",
        )
    if not tried.count:
        return "inconclusive", "nothing was sent to the old primary once the new side served"
    if tried.unknown:
        maybe = f"{tried.unknown} of {tried.count} writes sent to the old primary once the new side served"
        return "inconclusive", f"{maybe} may have been committed there"
    if revival is not None and revival.doubt is not None:
        return "inconclusive", revival.doubt
    before = f"; never answered of those sent before: {tried.unanswered_before}"
    said = f"the old primary acknowledged none of {tried.count} writes sent once the new side served"
    return "met", said + before * bool(tried.unanswered_before)
