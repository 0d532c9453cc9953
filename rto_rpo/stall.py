"""When the instrument itself failed: a recorder that stalled saw nothing, and cannot say what it missed."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

from rto_rpo.column import ACKNOWLEDGED, OUTCOME_MASK, Column
from rto_rpo.operations import StreamHistory
from rto_rpo.recovery_time import Recovery
from rto_rpo.sending import first_sent


def window(history: StreamHistory, recovered: Recovery) -> tuple[int, int]:
    """From the last acknowledgement before the fault to the end of the stability window (or of sending)."""
    bracket = recovered.bracket
    begin = bracket.watch_ns if bracket.begin_ns is None else bracket.begin_ns
    acknowledged = [
        history.last_completed_before(begin, column, _is_acknowledged) for column in history.columns
    ]
    start = max((ns for ns in acknowledged if ns is not None), default=None)
    if start is None:
        dues = [column.first_due_ns for column in history.columns]
        # A fault of ours may have begun before anything was due, unseen; nobody's is looked for from then on.
        start = min([due for due in dues if due is not None] + [begin] * bracket.ours, default=begin)
    no_outage = not bracket.ours and recovered.bad_count == 0
    if recovered.stable_until_ns is None or no_outage:
        return start, max(begin, max((sent for sent, _, _, _ in history.settled(begin)), default=begin))
    return start, recovered.stable_until_ns


def _is_acknowledged(state: int) -> bool:
    return state & OUTCOME_MASK == ACKNOWLEDGED


def stall(
    history: StreamHistory, stalls: Iterable[tuple[int, int]], span: tuple[int, int], late_ns: int
) -> str | None:
    """Why nothing that was timed within `span`, to its very end, can be trusted; None if it can.

    The recorder may have been up to half of `late_ns` behind: its own loop, an operation's sending, or a gap
    in the schedule.
    """
    begin, end = span
    late = in_seconds(late_ns)
    for start, stop in stalls:
        if 2 * (stop - start) > late_ns and start <= end and stop >= begin:
            return f"the recorder stalled for {in_seconds(stop - start)}, over half of late ({late})"
    for column in history.columns:
        wrong = never_settled(column, span) or _sent_late(column, span, late_ns)
        if wrong:
            return wrong
    return _gap(history, span, late_ns)


def never_settled(column: Column, span: tuple[int, int]) -> str | None:
    """Which operation that was due within `span` has no outcome."""
    for slot in column.unsettled():
        if span[0] <= column.due_ns(slot) <= span[1]:
            return f"operation {column.number(slot)} was due and has no outcome"
    return None


def _sent_late(column: Column, span: tuple[int, int], late_ns: int) -> str | None:
    for slot in column.lagging(late_ns // 2):
        due, sent = column.due_ns(slot), column.sent_ns(slot)
        if due <= span[1] and sent >= span[0]:
            late = in_seconds(late_ns)
            lag = in_seconds(sent - due)
            return (
                f"operation {column.number(slot)} was sent {lag} after its time, over half of late ({late})"
            )
    return None


def _gap(history: StreamHistory, span: tuple[int, int], late_ns: int) -> str | None:
    """A stretch without any sending that is longer than one interval by more than half of late.

    Such a stretch reaches over the edge of some bucket as wide as itself, so the first and the last sending
    of each bucket show it without any sorting.
    """
    begin, end = span
    interval = history.stream["interval_ns"]
    width = interval + late_ns // 2
    count = max(0, end - begin) // width + 1
    if count > sum(len(column) for column in history.columns) + 2:
        return "operations are missing from the schedule"
    first, last = array("q", [-1]) * count, array("q", [-1]) * count
    before, after = -1, first_sent(history.scheduled, max(end, begin + 1))
    for sent, _, _, _ in history.scheduled(begin - width, end):
        if sent <= begin:
            before = max(before, sent)
        elif sent < end:
            bucket = (sent - begin) // width
            first[bucket] = sent if first[bucket] < 0 else min(first[bucket], sent)
            last[bucket] = max(last[bucket], sent)
    if before < begin - width:  # what was answered before all that was looked at may be the nearest
        everything = (sent for sent, _, _, _ in history.scheduled(until_ns=begin) if sent <= begin)
        before = max(everything, default=begin)
    previous = before
    for start, stop in [*zip(first, last, strict=True), (after, after)]:
        if start >= 0:
            if start - previous > width:
                gap = in_seconds(start - previous)
                return f"nothing was sent for {gap}, where {in_seconds(interval)} is due"
            previous = stop
    if end - previous > width:
        return f"nothing was sent for the last {in_seconds(end - previous)}"
    return None


def in_seconds(ns: int) -> str:
    return f"{ns / 1e9:.3f} s"
