"""The recovery time actual (RTA) of one stream: how long clients were without service, with bounds."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from rto_rpo.column import ACKNOWLEDGED, OUTCOME_MASK
from rto_rpo.ledger.records import LIMIT
from rto_rpo.operations import StreamHistory
from rto_rpo.sending import first_sent, longest_unseen_ns, sent_since
from rto_rpo.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Bracket:
    """The fault happened between `begin_ns` (f0) and `end_ns` (f1); operations count from `watch_ns` on.

    Where the fault is none of ours the bracket follows from the operations: the sending of the last one
    served before the first bad one, and the instant when that one was late. `begin_ns` is None where nothing
    was served before it. Without a bad one there is no bracket and both are None.
    """

    watch_ns: int
    begin_ns: int | None
    end_ns: int | None
    ours: bool


@dataclass(frozen=True, slots=True)
class Recovery:
    """Instants and lengths in ns. `first_sent_ns` and `first_acknowledged_ns` are b's.

    `again_ns`: when the first and the last bad operation after the stable run were sent.
    """

    bracket: Bracket
    lower_ns: int
    upper_ns: int | None
    last_bad_sent_ns: int | None
    first_sent_ns: int | None
    first_acknowledged_ns: int | None
    stable_until_ns: int | None
    bad_count: int
    stretch_count: int
    unavailable_ns: int
    again_ns: tuple[int, int] | None

    @property
    def b(self) -> tuple[int, int] | None:
        """b as (acknowledged, sent)."""
        if self.first_acknowledged_ns is None or self.first_sent_ns is None:
            return None
        return self.first_acknowledged_ns, self.first_sent_ns


@dataclass(frozen=True, slots=True)
class _Gaps:
    """Between (and before, and after) the bad operations: the first and the last served one; -1 for none.

    After all bad ones there may be millions: the last is there any with which the run is long enough.
    """

    first: Sequence[int]
    last: Sequence[int]


def recovery(history: StreamHistory, timeline: Timeline, late_ns: int, stable_ns: int) -> Recovery:
    """Measure one stream of clients.

    A *run* is a stretch of operations, by their sending, none of them bad, from the fault's begin on. Its
    length is from the sending of its first to that of its last operation: what was never sent proves nothing.
    What lies before f1 does not count, or a slow fault would be measured before it took hold.
    """
    bad = _bad(history, timeline, late_ns)
    bracket = _bracket(history, timeline, bad, late_ns)
    gaps = _gaps(history, bad, bracket, stable_ns)
    run = _first_stable(gaps, bracket, stable_ns, bad)
    last_bad = bad[-1] if bad else None
    until = None
    if run is not None:
        last_bad = bad[run - 1] if run else None
        until = _counted_from(gaps.first[run], bracket) + stable_ns
    lower = max(0, last_bad - bracket.end_ns) if last_bad is not None and bracket.end_ns is not None else 0
    first = _first_acknowledged(history, bracket, last_bad) if run is not None else None
    stretches, unavailable = _unavailable(bad, gaps, bracket.watch_ns)
    return Recovery(
        bracket=bracket,
        lower_ns=lower,
        upper_ns=_upper(history, bracket, first, until, late_ns, seen=last_bad is not None),
        last_bad_sent_ns=last_bad,
        first_sent_ns=first[1] if first else None,
        first_acknowledged_ns=first[0] if first else None,
        stable_until_ns=until,
        bad_count=len(bad),
        stretch_count=stretches,
        unavailable_ns=unavailable,
        again_ns=(bad[run], bad[-1]) if run is not None and run < len(bad) else None,
    )


def _bad(history: StreamHistory, timeline: Timeline, late_ns: int) -> Sequence[int]:
    """When the bad operations were sent, rising; also of those that were in flight when the fault began."""
    watch = timeline.watch_ns
    found = array("q")
    for sent, completed, state, _ in history.settled(watch, but_served_ns=late_ns):
        if state & OUTCOME_MASK == ACKNOWLEDGED and completed - sent <= late_ns:
            continue
        if sent >= watch or (completed >= watch and not timeline.no_fault_of_ours):
            found.append(sent)
    return array("q", sorted(found))


def _bracket(history: StreamHistory, timeline: Timeline, bad: Sequence[int], late_ns: int) -> Bracket:
    watch = timeline.watch_ns
    if not timeline.no_fault_of_ours:
        return Bracket(watch, timeline.fault_begin_ns, timeline.fault_end_ns, ours=True)
    if not bad:
        return Bracket(watch, None, None, ours=False)
    before = _served_before(history, bad[0], late_ns)
    return Bracket(watch, before, bad[0] + late_ns, ours=False)


def _served_before(history: StreamHistory, ns: int, late_ns: int) -> int | None:
    """When that was sent which was sent last before that and served."""
    served = (
        sent
        for sent, completed, state, _ in history.settled(until_ns=ns)
        if sent < ns and state & OUTCOME_MASK == ACKNOWLEDGED and completed - sent <= late_ns
    )
    return max(served, default=None)


def _gaps(history: StreamHistory, bad: Sequence[int], bracket: Bracket, stable_ns: int) -> _Gaps:
    first = array("q", [-1]) * (len(bad) + 1)
    last = array("q", [-1]) * (len(bad) + 1)
    watch, last_bad = bracket.watch_ns, bad[-1] if bad else -1
    for sent, _, _, _ in history.settled(watch, last_bad):
        if not watch <= sent < last_bad:
            continue
        gap = bisect_left(bad, sent)
        if bad[gap] == sent:  # bad itself, or sent with one: no run begins here
            continue
        if sent > last[gap]:
            last[gap] = sent
        if sent < first[gap] or first[gap] < 0:
            first[gap] = sent
    first[-1] = first_sent(history.settled, max(watch, last_bad + 1))
    long_enough = _counted_from(first[-1], bracket) + stable_ns
    last[-1] = next(sent_since(history.settled, long_enough), first[-1])
    return _Gaps(first, last)


def _counted_from(first_sent_ns: int, bracket: Bracket) -> int:
    if bracket.ours and bracket.end_ns is not None:
        return max(first_sent_ns, bracket.end_ns)
    return first_sent_ns


def _first_stable(gaps: _Gaps, bracket: Bracket, stable_ns: int, bad: Sequence[int]) -> int | None:
    """The gap that holds the first stable run. What was served before a fault not of ours is no recovery."""
    for gap in range(1 if bad and not bracket.ours else 0, len(gaps.first)):
        first, last = gaps.first[gap], gaps.last[gap]
        if first >= 0 and last - _counted_from(first, bracket) >= stable_ns:
            return gap
    return None


def _first_acknowledged(
    history: StreamHistory, bracket: Bracket, last_bad_ns: int | None
) -> tuple[int, int] | None:
    """b, as (acknowledged, sent). None where nothing says what it should follow."""
    after = last_bad_ns
    if bracket.ours and bracket.end_ns is not None:
        after = bracket.end_ns if after is None else max(after, bracket.end_ns)
    if after is None:
        return None
    span = history.stream["interval_ns"]
    while True:
        acknowledged = (
            (completed, sent)
            for sent, completed, state, _ in history.settled(after, after + span)
            if state & OUTCOME_MASK == ACKNOWLEDGED and sent > after
        )
        best = min(acknowledged, default=None)
        # What was sent later than this was not acknowledged earlier.
        if (best is not None and best[0] <= after + span) or after + span > LIMIT:
            return best
        span *= 16


def _upper(
    history: StreamHistory,
    bracket: Bracket,
    first: tuple[int, int] | None,
    stable_until_ns: int | None,
    late_ns: int,
    *,
    seen: bool,
) -> int | None:
    if stable_until_ns is None:
        return None
    unseen_ns = 0 if seen else _unseen(history, bracket, stable_until_ns, late_ns)
    if first is None:  # nobody's fault, and nothing was bad
        return unseen_ns
    return None if bracket.begin_ns is None else max(first[0] - bracket.begin_ns, unseen_ns)


def _unseen(history: StreamHistory, bracket: Bracket, stable_until_ns: int, late_ns: int) -> int:
    watch = bracket.watch_ns
    if bracket.ours:
        return longest_unseen_ns(history, watch, watch, stable_until_ns)
    # It may have come at any time, also while `late` was being frozen.
    before = _served_before(history, watch, late_ns)
    return longest_unseen_ns(history, watch if before is None else before, watch)


def _unavailable(bad: Sequence[int], gaps: _Gaps, watch_ns: int) -> tuple[int, int]:
    """(stretches, ns): each from its first bad operation to the next served one, or to the last bad one."""
    stretches, total, begin = 0, 0, None
    for place, sent in enumerate(bad):
        if begin is None:
            begin = max(sent, watch_ns)
            stretches += 1
        served = gaps.first[place + 1]
        if served >= 0:
            total += served - begin
            begin = None
    if begin is not None:
        total += max(0, bad[-1] - begin)
    return stretches, total
