"""A drill that was run many times, told: each run, why there are no more, and what all of them show."""

from __future__ import annotations

from typing import Any

from drills.closing import Closed
from drills.repeat import Repeated
from flows.evidence.history import lines as history_lines
from rto_rpo.series.gather import History


def lines(found: Repeated, history: History) -> list[str]:
    told = [f"{run.verdict:<12}  {run.folder}" for run in found.runs]
    if found.stopped is not None:
        told.append(f"stopped after {len(found.runs)} of {found.wanted} runs: {found.stopped}")
        told += [f"hint: {found.stopped.hint}"] if found.stopped.hint else []
    return [*told, f"chain head    {found.runs[-1].head}", "", *history_lines(history)]


def data(found: Repeated, history: History) -> dict[str, Any]:
    return {
        "verdict": found.verdict,
        "wanted": found.wanted,
        "runs": [closed_data(run) for run in found.runs],
        "stopped": found.stopped,
        "history": history,
    }


def closed_data(closed: Closed) -> dict[str, Any]:
    return {"folder": closed.folder, "verdict": closed.verdict, "head": closed.head, "report": closed.report}
