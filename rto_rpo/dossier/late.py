"""Drills that were due and not run, at the place of the chain at which that was known."""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import Final

from rto_rpo.dossier.shelf import Shelf
from rto_rpo.evidence.agreed.not_run import TOLERANCE, NotRun

DUE: Final = ("due",)
NOT_YET: Final = sys.maxsize - 1  # after every line, and before "as things stand"


@dataclass(frozen=True, slots=True)
class Late:
    """`utc`: from when on no run could answer for it; `seq`: the first line that was written then."""

    seq: int
    utc: str
    plan: str
    drill: str
    why: str


def placed(shelf: Shelf, not_run: Sequence[NotRun]) -> list[Late]:
    """Each before the first line of its plan that is younger: beside a run no later one is known."""
    if not not_run:
        return []
    lines = sorted(
        [
            *((run.seq, datetime.fromisoformat(run.utc)) for run in shelf.runs),
            *((line.seq, datetime.fromisoformat(line.utc)) for line in shelf.said),
        ]
    )
    # a clock that was set back makes nothing known later than it was
    times = [*accumulate((utc for _, utc in lines), max)]
    found = []
    for one in not_run:
        known = one.due + TOLERANCE
        at = bisect_left(times, known)
        seq = lines[at][0] if at < len(lines) else NOT_YET
        why = f"drill {one.drill} was due on {one.due:%Y-%m-%d %H:%M} UTC, and not run within the hour"
        found.append(Late(seq, f"{known:%Y-%m-%dT%H:%M:%S.%fZ}", one.plan, one.drill, why))
    return found
