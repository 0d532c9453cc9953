"""The recovery point actual (RPA) of one stream: what was acknowledged and is gone, and how old it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from rto_rpo.column import (
    ACKNOWLEDGED,
    FAILED,
    INDETERMINATE,
    OUTCOME_MASK,
    UNSETTLED,
    positions,
    states,
)
from rto_rpo.measurement import LostWrite, RecoveryPoint
from rto_rpo.operations import (
    CORRUPT,
    DELETE_ACKNOWLEDGED,
    DELETE_UNSETTLED,
    DELETED_MASK,
    READ_AGAIN,
    READ_MASK,
    StreamHistory,
)

LOSS_BOUND: Final = 3  # about -ln(0.05): a loss rate above 3/N would have shown in 95 of 100 runs


@dataclass(frozen=True, slots=True)
class Damage:
    """When the fault happened, and b's sending: no write that was sent after b may be lost.

    `begin_ns` and `end_ns` are f0 and f1. Where no fault was seen they are None: the loss came after
    `watch_ns` and before the reading. `late_ns` is None where there are no clients.
    """

    watch_ns: int
    begin_ns: int | None
    end_ns: int | None
    recovered_sent_ns: int | None
    late_ns: int | None


def _outcome(state: int) -> int:
    return state & OUTCOME_MASK


def _kept(state: int) -> bool:
    """Not deleted by an acknowledged or indeterminate delete, nor by one of which nobody knows."""
    return not state & DELETED_MASK


def _read(state: int) -> bool:
    return bool(state & READ_MASK)


_A: Final = states(lambda s: _outcome(s) == ACKNOWLEDGED and _kept(s))
_I: Final = states(lambda s: _outcome(s) == INDETERMINATE and _kept(s))
_F: Final = states(lambda s: _outcome(s) == FAILED and _kept(s))
_LOST: Final = states(lambda s: _outcome(s) == ACKNOWLEDGED and _kept(s) and not _read(s))
_SURVIVOR: Final = states(lambda s: _outcome(s) == ACKNOWLEDGED and _kept(s) and _read(s))
_PHANTOM: Final = states(lambda s: _outcome(s) == FAILED and _kept(s) and _read(s))
_MAYBE_KEPT: Final = states(lambda s: _outcome(s) in {INDETERMINATE, UNSETTLED} and _kept(s) and _read(s))
_MAYBE_GONE: Final = states(lambda s: _outcome(s) == INDETERMINATE and _kept(s) and not _read(s))
_RESURRECTED: Final = states(lambda s: s & DELETED_MASK == DELETE_ACKNOWLEDGED and _read(s))
_DUPLICATED: Final = states(lambda s: s & READ_MASK == READ_AGAIN)
_CORRUPT: Final = states(lambda s: bool(s & CORRUPT))
_UNRECORDED: Final = states(
    lambda s: not _read(s) and (_outcome(s) == UNSETTLED or s & DELETED_MASK == DELETE_UNSETTLED)
)


def recovery_point(
    history: StreamHistory, damage: Damage, payload_of: Callable[[set[int], int], dict[int, str]]
) -> RecoveryPoint:
    """Hold what was acknowledged against what was read back.

    `payload_of(numbers, since_ns)` finds the payload hashes of writes that were recorded since then.
    """
    acknowledged, failed, indeterminate = (_count(history, table) for table in (_A, _F, _I))
    name = history.stream["name"]
    if reading_problem(history, damage.recovered_sent_ns) is not None:
        return RecoveryPoint(name, None, None, False, acknowledged, failed, indeterminate, history.read_count)
    lost = _lost(history, damage, payload_of)
    lower, upper, survivor_age = _bounds(history, damage, lost)
    unrecorded = _numbers(history, _UNRECORDED)
    return RecoveryPoint(
        stream=name,
        lower_seconds=lower / 1e9,
        upper_seconds=None if unrecorded or upper is None else upper / 1e9,
        reading_complete=True,
        acknowledged_count=acknowledged,
        failed_count=failed,
        indeterminate_count=indeterminate,
        read_count=history.read_count,
        lost=lost,
        corrupt=_numbers(history, _CORRUPT),
        duplicated=_numbers(history, _DUPLICATED),
        resurrected=_numbers(history, _RESURRECTED),
        phantom=_numbers(history, _PHANTOM),
        unexpected=tuple(sorted(history.unexpected)),
        indeterminate_kept=_numbers(history, _MAYBE_KEPT),
        indeterminate_not_kept=_numbers(history, _MAYBE_GONE),
        unrecorded=unrecorded,
        newest_survivor_age_seconds=None if survivor_age is None else survivor_age / 1e9,
        verification_seconds=_verification(history),
        loss_rate_bound=min(1.0, LOSS_BOUND / acknowledged) if acknowledged and not lost else None,
        turn_seconds=turn_ns(history, damage.late_ns) / 1e9,
    )


def reading_problem(history: StreamHistory, recovered_sent_ns: int | None) -> str | None:
    """Why what was read back does not count: it was not whole, or not read where clients are served.

    `recovered_sent_ns` is b's sending; None where there is no b.
    """
    where = history.readback_address
    if history.reading_problem is not None or recovered_sent_ns is None or where is None:
        return history.reading_problem
    fitting = {0, history.addresses.get(where, 0)}  # 0: a server that gives no name may be that one
    served_there = (
        address in fitting
        for sent, _, state, address in history.settled(recovered_sent_ns)
        if sent >= recovered_sent_ns and _outcome(state) == ACKNOWLEDGED
    )
    if any(served_there):
        return None
    return f"it was read at {where}, which served no client since the recovery"


def turn_ns(history: StreamHistory, late_ns: int | None) -> int:
    """How old the newest acknowledged write is at most in a service that is well.

    An operation is sent within half of `late` of its time, and answered within `late`. Marks have no
    such limit: two intervals.
    """
    interval = history.stream["interval_ns"]
    if late_ns is None or history.stream["role"] == "marks":
        return 2 * interval
    return interval + late_ns // 2 + late_ns


def _verification(history: StreamHistory) -> float | None:
    """How long it took to read back all that clients wrote, once everything had settled."""
    if history.readback_ns is None or history.stream["role"] != "clients":
        return None
    until = history.readback_ns + 1
    ends = [history.last_completed_before(until, column, lambda _: True) for column in history.columns]
    last = max((ns for ns in ends if ns is not None), default=None)
    return None if last is None else (history.readback_ns - last) / 1e9


def _count(history: StreamHistory, table: bytes) -> int:
    return history.writes.state.translate(table).count(1)


def _numbers(history: StreamHistory, table: bytes) -> tuple[int, ...]:
    return tuple(history.writes.number(slot) for slot in positions(history.writes.state, table))


def _lost(
    history: StreamHistory, damage: Damage, payload_of: Callable[[set[int], int], dict[int, str]]
) -> tuple[LostWrite, ...]:
    writes = history.writes
    slots = list(positions(writes.state, _LOST))
    if not slots:
        return ()
    hashes = payload_of(
        {writes.number(slot) for slot in slots}, min(writes.completed_ns(slot) for slot in slots)
    )
    fault = damage.watch_ns if damage.begin_ns is None else damage.begin_ns
    return tuple(
        LostWrite(
            number=writes.number(slot),
            payload=hashes[writes.number(slot)],
            sent_ns=writes.sent_ns(slot),
            acknowledged_ns=writes.completed_ns(slot),
            after_fault=writes.completed_ns(slot) > fault,
            after_recovery=damage.recovered_sent_ns is not None
            and writes.sent_ns(slot) > damage.recovered_sent_ns,
        )
        for slot in slots
    )


def _bounds(
    history: StreamHistory, damage: Damage, lost: tuple[LostWrite, ...]
) -> tuple[int, int | None, int | None]:
    """(lower bound, upper bound, age of the newest survivor) in ns.

    Where nothing was acknowledged before the oldest lost write, all of the run until then is gone: what
    serves now may stand still since long before the run, and there is no upper bound.
    """
    fault = damage.watch_ns if damage.begin_ns is None else damage.begin_ns
    survivor = history.last_completed_before(fault + 1, history.writes, lambda state: bool(_SURVIVOR[state]))
    age = None if survivor is None else fault - survivor
    if not lost:
        return 0, 0, age
    oldest = min(write.acknowledged_ns for write in lost)
    newest = max(write.acknowledged_ns for write in lost)
    before = history.last_completed_before(oldest, history.writes, lambda state: bool(_A[state]))
    begin = newest if damage.begin_ns is None else max(damage.begin_ns, newest)
    latest = history.readback_ns if damage.end_ns is None else damage.end_ns
    end = newest if latest is None else max(latest, newest)
    return begin - oldest, None if before is None else end - before, age
