"""The new side's first answer to clients: from when on another server's acknowledgement is one too many."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rto_rpo.column import ACKNOWLEDGED, OUTCOME_MASK
from rto_rpo.operations import StreamHistory
from rto_rpo.recovery_time import Recovery


@dataclass(frozen=True, slots=True, order=True)
class FirstAnswer:
    """When it arrived, and when its operation was sent.

    `named`: it came from the new side for certain. Else it is the first that may have come from there.
    """

    acknowledged_ns: int
    sent_ns: int
    named: bool


def first_answer(
    history: StreamHistory, recovered: Recovery, old: StreamHistory, promoted_ns: int | None
) -> FirstAnswer | None:
    """The first answer of the address that answered b, where that had answered nothing before the fault.

    A service that flaps has answered from its new side before b. Where the `old` primary answered b itself,
    the new side is whatever else answered since the fault; nothing, if nobody failed over. Where no address
    tells servers apart it is what was answered since another one was promoted, and where nobody says that
    either, the first answer since the fault: who gave it is not known.
    """
    b, begin = recovered.b, recovered.bracket.begin_ns
    if b is None:
        return None
    firsts, answered_b = _firsts(history, b)
    own = {number for address, number in history.addresses.items() if address in _answered_by(old)}
    from_old = bool(answered_b) and answered_b <= own
    sides = firsts.keys() - own if from_old else answered_b
    new = min(
        (firsts[address] for address in sides if begin is not None and firsts[address][0] >= begin),
        default=None,
    )
    if new is not None:
        return FirstAnswer(*new, named=True)
    if from_old:
        return None
    if promoted_ns is not None and promoted_ns <= b[1]:
        return FirstAnswer(*min(_acknowledged(history, promoted_ns)), named=True)
    end = recovered.bracket.end_ns if recovered.bracket.ours else begin
    since = b[1] if end is None else end + 1
    return FirstAnswer(*min(_acknowledged(history, min(since, b[1]))), named=False)


def _firsts(history: StreamHistory, b: tuple[int, int]) -> tuple[dict[int, tuple[int, int]], set[int]]:
    """Each address's first acknowledgement, as (arrived, sent), and the addresses that answered `b`."""
    firsts: dict[int, tuple[int, int]] = {}
    answered_b = set[int]()
    if not history.address_count:
        return firsts, answered_b
    for sent, completed, state, address in history.settled():
        if address and state & OUTCOME_MASK == ACKNOWLEDGED:
            firsts[address] = min(firsts.get(address, (completed, sent)), (completed, sent))
            if (completed, sent) == b:
                answered_b.add(address)
    return firsts, answered_b


def _acknowledged(history: StreamHistory, since_ns: int) -> Iterator[tuple[int, int]]:
    """(arrived, sent) of what was sent at `since_ns` or later."""
    for sent, completed, state, _ in history.settled(since_ns):
        if sent >= since_ns and state & OUTCOME_MASK == ACKNOWLEDGED:
            yield completed, sent


def _answered_by(old: StreamHistory) -> set[str | None]:
    """The addresses from which the old primary acknowledged a write."""
    names = {number: address for address, number in old.addresses.items()}
    found = {address for _, _, state, address in old.settled() if state & OUTCOME_MASK == ACKNOWLEDGED}
    return {names[number] for number in found}
