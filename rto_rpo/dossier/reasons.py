"""Why a drill that was due was not run: what was kept of it in the chain, found by drill and time."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from rto_rpo.evidence.agreed.not_run import EARLY, NotRun
from rto_rpo.evidence.lines.line import Recorded
from rto_rpo.evidence.lines.record import Note

_BEGINS = "not run: "
Reasons = Mapping[tuple[str, str, datetime], tuple[int, str]]
"""By plan, drill and the time at which it was due: the record's place in the chain, and its reason."""


def reasons(not_run: Sequence[NotRun], said: Sequence[Recorded]) -> Reasons:
    """Each deviation "not run: ..." is about the last time before it at which its drill was due."""
    dues: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    for one in not_run:
        dues[one.plan, one.drill].append(one.due)
    found: dict[tuple[str, str, datetime], tuple[int, str]] = {}
    for line in said:
        why = _why(line)
        times = dues.get((line.plan, line.drill or ""), [])
        at = bisect_right(times, datetime.fromisoformat(line.utc) + EARLY) if why else 0
        if at and why:
            found.setdefault((line.plan, line.drill or "", times[at - 1]), (line.seq, why))
    return found


def with_reason(one: NotRun, found: Reasons, before_seq: int) -> NotRun:
    """With what was known before that place in the chain."""
    seq, why = found.get((one.plan, one.drill, one.due), (before_seq, None))
    return replace(one, why=why) if why is not None and seq < before_seq else one


def _why(line: Recorded) -> str | None:
    entry = line.entry
    if isinstance(entry, Note) and entry.what == "deviation" and entry.text.startswith(_BEGINS):
        return entry.text.removeprefix(_BEGINS)
    return None
