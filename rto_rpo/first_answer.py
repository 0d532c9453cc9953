"""The new side's first answer to clients: from when on another server's acknowledgement is one too many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rto_rpo.column import ACKNOWLEDGED, OUTCOME_MASK
from rto_rpo.operations import StreamHistory
from rto_rpo.recovery_time import Recovery

_Settled = Iterable[tuple[int, int, int, int]]


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    """When the first answer arrived that may be the new side's, and when its operation was sent.

    `certain_ns`: when the first arrived that is the new side's beyond doubt; None where nobody knows.
    """

    acknowledged_ns: int
    sent_ns: int
    certain_ns: int | None


def first_answer(
    history: StreamHistory, recovered: Recovery, old: StreamHistory, promoted_ns: int | None
) -> FirstAnswer | None:
    """The first answer to a write from a name that is new since the fault. It may come before b.

    Names tell servers apart where the `old` primary calls itself at its own address as it did to clients.
    Where it answered b itself and nobody new did, nobody failed over. Where names tell nothing, nobody knows
    who answered since the fault; b is the new side's if another server was promoted before it was sent.
    """
    begin, b = recovered.bracket.begin_ns, recovered.b
    if begin is not None:
        firsts, own = _firsts(history), _own(history, old, begin)
        if any(address in firsts and firsts[address][0] < begin for address in own):
            new = min(
                (at for address, at in firsts.items() if at[0] >= begin and address not in own), default=None
            )
            if new is not None:
                return FirstAnswer(*new, certain_ns=new[0])
            if b is not None and _answered(history, b) <= own:
                return None
    if b is None:
        return None
    end = recovered.bracket.end_ns if recovered.bracket.ours else begin
    since = b[1] if end is None else end + 1
    promoted = promoted_ns is not None and promoted_ns <= b[1]
    return FirstAnswer(*min(_since(history, since)), certain_ns=b[0] if promoted else None)


def _acknowledged(settled: _Settled) -> Iterator[tuple[int, int, int]]:
    """(arrived, sent, address)"""
    return (
        (done, sent, address)
        for sent, done, state, address in settled
        if state & OUTCOME_MASK == ACKNOWLEDGED
    )


def _firsts(history: StreamHistory) -> dict[int, tuple[int, int]]:
    """Each address's first acknowledged write: (arrived, sent)."""
    firsts: dict[int, tuple[int, int]] = {}
    if not history.address_count:
        return firsts
    for arrived, sent, address in _acknowledged(history.writes.settled()):
        if address:
            firsts[address] = min(firsts.get(address, (arrived, sent)), (arrived, sent))
    return firsts


def _own(history: StreamHistory, old: StreamHistory, begin_ns: int) -> set[int]:
    """How clients number the names that the old primary gave itself until then."""
    names = {number: address for address, number in old.addresses.items()}
    given = {names[address] for arrived, _, address in _acknowledged(old.settled()) if arrived < begin_ns}
    return {number for address, number in history.addresses.items() if number and address in given}


def _answered(history: StreamHistory, b: tuple[int, int]) -> set[int]:
    """The addresses that answered b; 0 where it named none."""
    found = _acknowledged(history.settled(b[1], b[1]))
    return {address for arrived, sent, address in found if (arrived, sent) == b}


def _since(history: StreamHistory, since_ns: int) -> Iterator[tuple[int, int]]:
    return ((done, sent) for done, sent, _ in _acknowledged(history.settled(since_ns)) if sent >= since_ns)
