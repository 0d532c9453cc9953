"""A whole ledger, taken in: its header, its timeline and its operations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from rto_rpo.column import ACKNOWLEDGED, FAILED, INDETERMINATE, UNSETTLED
from rto_rpo.ledger.errors import LedgerError
from rto_rpo.ledger.reader import read
from rto_rpo.ledger.records import Header, Record
from rto_rpo.operations import Operations, StreamHistory
from rto_rpo.timeline import Timeline

_OF_OPERATIONS: Final = frozenset({"operation", "intents", "read", "readback"})


@dataclass(frozen=True, slots=True)
class Run:
    """`broken` says why nothing of it may be used: the ledger contradicts itself, or was cut off.

    `told` are the events, anchors and the end, in order: all that is not about operations, and short.
    """

    path: Path
    header: Header
    timeline: Timeline
    operations: Operations
    record_count: int
    broken: str | None
    told: list[Record]

    def streams(self, *roles: str) -> list[StreamHistory]:
        return [each for each in self.operations.streams.values() if each.stream["role"] in roles]

    def judged(self, objective: str) -> list[str]:
        """The streams that measure the objectives of this kind, in the header's order."""
        return [
            each["stream"]
            for each in self.header["judged"]
            if each["objective"] == objective and each["stream"] is not None
        ]


def take_in(path: Path) -> Run:
    """Raises LedgerError where there is not even a header, OSError where the file cannot be read."""
    operations = Operations()
    records = read(path, operations)
    header = cast("Header", next(records))
    timeline, count, broken, told = Timeline(header), 1, None, list[Record]()
    try:
        for record in records:
            count += 1
            if record["kind"] not in _OF_OPERATIONS:
                _tell(timeline, record)
                told.append(record)
        if timeline.end_reason is None:
            broken = "the ledger has no end: the recorder was cut off"
    except LedgerError as error:
        broken = str(error)
    return Run(path, header, timeline, operations, count, broken, told)


def _tell(timeline: Timeline, record: Record) -> None:
    if record["kind"] == "event":
        timeline.add(record)
    elif record["kind"] == "stall":
        timeline.stall(record)
    elif record["kind"] == "end":
        timeline.end(record)


def fault_problems(timeline: Timeline) -> list[str]:
    """Why nothing can be said about a recovery from the fault: there was none, or it is not known."""
    problems = []
    if timeline.aborted is not None:
        problems.append(f"the drill was aborted: {timeline.aborted}")
    if timeline.late_ns is None and timeline.has_clients:
        problems.append("late was never frozen")
    if timeline.no_fault_of_ours:
        return problems
    if timeline.fault_begin_ns is None:
        problems.append("the fault was never begun")
    elif timeline.fault_end_ns is None:
        problems.append("the fault call never returned")
    elif timeline.fault_effective is None:
        problems.append("nothing shows that the fault took effect")
    elif not timeline.fault_effective:
        problems.append("the fault did not take effect")
    return problems


def counts(run: Run) -> dict[str, int]:
    """Over all streams; `unsettled` are operations that were intended and have no outcome."""
    totals = [0, 0, 0, 0]
    for history in run.operations.streams.values():
        for column in history.columns:
            for outcome in range(4):
                totals[outcome] += column.count(outcome)
    return {
        "records": run.record_count,
        "events": run.timeline.event_count,
        "stalls": len(run.timeline.stalls),
        "operations": sum(totals[1:]),
        "acknowledged": totals[ACKNOWLEDGED],
        "failed": totals[FAILED],
        "indeterminate": totals[INDETERMINATE],
        "unsettled": totals[UNSETTLED],
    }
