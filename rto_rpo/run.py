"""A whole ledger, taken in: its header, its timeline and its operations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from rto_rpo.calibration import calibration_doubt
from rto_rpo.column import ACKNOWLEDGED, FAILED, INDETERMINATE, OUTCOME_MASK, UNSETTLED
from rto_rpo.ledger.errors import LedgerError
from rto_rpo.ledger.reader import read
from rto_rpo.ledger.records import Header, Record
from rto_rpo.operations import Operations, StreamHistory
from rto_rpo.recovery_point import turn_ns
from rto_rpo.timeline import Timeline

NEVER_REVIVED: Final = "the old primary was to be revived and was not, so nothing shows that its fence holds"
NEVER_WRITTEN_TO: Final = "the old primary was to be revived, and its own address was not written to"
DEADLINE_PASSED: Final = "the deadline passed before all that the drill waits for had come"
NEVER_SAFE: Final = "it was never proven that there is one writer and that every order is known"
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


def doubts(run: Run) -> Iterator[str]:
    """What keeps the run as a whole from being met, though every number in it stands."""
    if (uncalibrated := calibration_doubt(run.header)) is not None:
        yield uncalibrated
    if run.timeline.end_reason == "orphaned":
        yield "the orchestrator was lost on the way, so the drill's own checks did not run"
    if run.timeline.end_reason == "deadline":
        yield DEADLINE_PASSED
    yield from _unwell(run)
    if run.header["drill"].get("gate") and run.timeline.safe_ns is None:
        yield NEVER_SAFE
    if run.header["drill"].get("revive") and run.timeline.revived_ns is None:
        yield NEVER_REVIVED
    if run.header["drill"].get("revive") and not run.streams("old_primary"):
        yield NEVER_WRITTEN_TO


def _unwell(run: Run) -> Iterator[str]:
    """Which judged service was not well when the fault came: the outage may not be the fault's alone."""
    begin, late_ns = run.timeline.fault_begin_ns, run.timeline.late_ns
    if begin is None or late_ns is None or run.timeline.no_fault_of_ours:
        return
    for history in run.streams("clients"):
        name = history.stream["name"]
        if name in {*run.judged("rto"), *run.judged("rpo")} and not _served_since(
            history, begin - turn_ns(history, late_ns), begin, late_ns
        ):
            yield f"stream {name!r} was not served right before the fault, so it was not well when that came"


def _served_since(history: StreamHistory, since_ns: int, until_ns: int, late_ns: int) -> bool:
    return any(
        state & OUTCOME_MASK == ACKNOWLEDGED and completed <= until_ns and completed - sent <= late_ns
        for sent, completed, state, _ in history.settled(since_ns, until_ns)
        if completed >= since_ns
    )


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
