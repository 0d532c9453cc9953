"""The new side's first answer to clients: from when on another server's acknowledgement is one too many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from rto_rpo.column import ACKNOWLEDGED, OUTCOME_MASK, Column, places
from rto_rpo.ledger.records import LIMIT
from rto_rpo.operations import StreamHistory
from rto_rpo.recovery_time import Recovery

_Settled = Iterable[tuple[int, int, int, int]]


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    """When the first answer arrived that may be the new side's, and when the earliest such was asked for.

    `certain_ns`: when the first arrived that is the new side's beyond doubt; None where nobody knows.
    `names`: what those call themselves who answer clients since the fault and did not before.
    """

    acknowledged_ns: int
    sent_ns: int
    certain_ns: int | None
    names: frozenset[str]


def first_answer(
    history: StreamHistory, recovered: Recovery, old: StreamHistory, promoted_ns: int | None
) -> FirstAnswer | None:
    """The first acknowledgement from a name that is new since the fault. It may come before b.

    Names tell servers apart where the `old` primary calls itself at its own address as it did to clients.
    Where it answered b itself and nobody new did, nobody failed over. Where names tell nothing, nobody knows
    who answered since the fault; b is the new side's if another server was promoted before it was sent.
    Of a fault that is none of ours nobody knows when it began: names are new from the watch on.
    """
    bracket, b = recovered.bracket, recovered.b
    begin = bracket.watch_ns
    firsts, own = _firsts(history), _own(history, old, begin)
    fresh = {each: at for each, at in firsts.items() if at[0] >= begin and each not in own}
    names = frozenset(name for name, each in history.addresses.items() if name and each in fresh)
    if any(address in firsts and firsts[address][0] < begin for address in own):
        if fresh:
            arrived, sent = _earliest(fresh.values())
            return FirstAnswer(arrived, sent, arrived, names)
        if b is not None and _answered(history, b) <= own:
            return None
    if b is None:
        return None
    end = bracket.end_ns if bracket.ours else bracket.begin_ns
    arrived, sent = _earliest(_between(history, b[1] if end is None else end + 1, b[0]))
    promoted = promoted_ns is not None and promoted_ns <= b[1]
    return FirstAnswer(arrived, sent, b[0] if promoted else None, names)


def _earliest(answers: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """The first arrival and the first sending, which may be those of two answers that cross."""
    first = LIMIT, LIMIT
    for arrived, sent in answers:
        first = min(first[0], arrived), min(first[1], sent)
    return first


def _acknowledged(settled: _Settled) -> Iterator[tuple[int, int, int]]:
    """(arrived, sent, address)"""
    return (
        (done, sent, address)
        for sent, done, state, address in settled
        if state & OUTCOME_MASK == ACKNOWLEDGED
    )


def _firsts(history: StreamHistory) -> dict[int, tuple[int, int]]:
    """By address: when its first write or delete was acknowledged, and when the first such was sent."""
    firsts: dict[int, tuple[int, int]] = {}
    for address in filter(None, history.addresses.values()):
        answers = chain(_first_of(history.writes, address), _first_of(history.deletes, address))
        first = _earliest(answers)
        if first[0] < LIMIT:
            firsts[address] = first
    return firsts


def _first_of(column: Column, address: int) -> Iterator[tuple[int, int]]:
    """(arrived, sent) of what that address acknowledged, from the first slot on until none can be earlier."""
    slots = places(column.address, address)
    slot = next((slot for slot in slots if column.state[slot] & OUTCOME_MASK == ACKNOWLEDGED), None)
    if slot is not None:
        until = column.completed_ns(slot) + column.reach_ns()
        settled = column.settled(due_until_ns=until, first_slot=slot)
        yield from ((done, sent) for done, sent, by in _acknowledged(settled) if by == address)


def own_names(old: StreamHistory, begin_ns: int) -> frozenset[str]:
    """What the old primary called itself at its own address until then."""
    given = {address for arrived, _, address in _acknowledged(old.settled()) if arrived < begin_ns}
    return frozenset(name for name, address in old.addresses.items() if name and address in given)


def _own(history: StreamHistory, old: StreamHistory, begin_ns: int) -> set[int]:
    """How clients number the names that the old primary gave itself until then."""
    names = own_names(old, begin_ns)
    return {number for name, number in history.addresses.items() if name in names}


def _answered(history: StreamHistory, b: tuple[int, int]) -> set[int]:
    """The addresses that answered b; 0 where it named none."""
    found = _acknowledged(history.settled(b[1], b[1]))
    return {address for arrived, sent, address in found if (arrived, sent) == b}


def _between(history: StreamHistory, since_ns: int, until_ns: int) -> Iterator[tuple[int, int]]:
    """(arrived, sent) of what was sent since then; what was sent after `until_ns` may be left out."""
    found = _acknowledged(history.settled(since_ns, until_ns))
    return ((done, sent) for done, sent, _ in found if sent >= since_ns)
