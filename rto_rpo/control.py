"""Whether the recorder's own network was well: what an endpoint outside the drill answered meanwhile."""

from __future__ import annotations

from itertools import pairwise

from rto_rpo.column import ACKNOWLEDGED, OUTCOME_MASK
from rto_rpo.operations import StreamHistory
from rto_rpo.stall import in_seconds, never_settled


def control_failed(history: StreamHistory, span: tuple[int, int], late_ns: int) -> str | None:
    """Why the recorder's own network is in doubt; None where the control answered all through `span`.

    A control that was not asked proves as little as one that did not answer.
    """
    named = f"the control endpoint {history.stream['name']!r}"
    for column in history.columns:
        wrong = never_settled(column, span)
        if wrong:
            return f"{named}: {wrong}"
    begin, end = span
    sent, touched = [], False
    for sent_ns, completed_ns, state, _ in history.settled(begin, end):
        if sent_ns > end or completed_ns < begin:
            continue
        touched = True
        if state & OUTCOME_MASK != ACKNOWLEDGED or completed_ns - sent_ns > late_ns:
            return f"{named} did not answer in time: was it the recorder's own network?"
        sent.append(max(sent_ns, begin))
    if not touched:
        return f"{named} was not asked in the window that counts"
    return _unasked(named, [begin, *sorted(sent), end], history.stream["interval_ns"] + late_ns // 2)


def _unasked(named: str, instants: list[int], width_ns: int) -> str | None:
    for before, after in pairwise(instants):
        if after - before > width_ns:
            return f"{named} was not asked for {in_seconds(after - before)}"
    return None
