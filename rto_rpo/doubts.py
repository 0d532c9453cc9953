"""What keeps a run as a whole from being met, though every number in it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from rto_rpo.calibration import calibration_doubt
from rto_rpo.column import ACKNOWLEDGED, OUTCOME_MASK, UNSETTLED
from rto_rpo.operations import StreamHistory
from rto_rpo.recovery_point import turn_ns
from rto_rpo.recovery_time import Recovery
from rto_rpo.run import Run
from rto_rpo.stall import in_seconds

NEVER_REVIVED: Final = "the old primary was to be revived and was not, so nothing shows that its fence holds"
NEVER_WRITTEN_TO: Final = "the old primary was to be revived, and its own address was not written to"
DEADLINE_PASSED: Final = "the deadline passed before all that the drill waits for had come"
NEVER_SAFE: Final = "it was never proven that there is one writer and that every order is known"


def doubts(run: Run, found: Mapping[str, Recovery]) -> Iterator[str]:
    """`found` are the recoveries of the streams of clients."""
    if (uncalibrated := calibration_doubt(run.header)) is not None:
        yield uncalibrated
    if run.timeline.end_reason == "orphaned":
        yield "the orchestrator was lost on the way, so the drill's own checks did not run"
    if run.timeline.end_reason == "deadline":
        yield DEADLINE_PASSED
    yield from _unwell(run)
    yield from _without_outcome(run)
    yield from _not_restored(run)
    for name, recovered in found.items():
        if name in {*run.judged("rto"), *run.judged("rpo")}:
            yield from _of_recovery(run, f"stream {name!r}", recovered)
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


def _without_outcome(run: Run) -> Iterator[str]:
    """Which judged clients sent something of which nobody wrote down what became of it."""
    for history in run.streams("clients"):
        count = sum(column.count(UNSETTLED) for column in history.columns)
        if count and history.stream["name"] in {*run.judged("rto"), *run.judged("rpo")}:
            yield f"stream {history.stream['name']!r}: {count} operations have no recorded outcome"


def _served_since(history: StreamHistory, since_ns: int, until_ns: int, late_ns: int) -> bool:
    return any(
        state & OUTCOME_MASK == ACKNOWLEDGED and completed <= until_ns and completed - sent <= late_ns
        for sent, completed, state, _ in history.settled(since_ns, until_ns)
        if completed >= since_ns
    )


def _not_restored(run: Run) -> Iterator[str]:
    """Which judged marks were read from data that nobody said was restored."""
    for history in run.streams("marks"):
        name, dataset, read = history.stream["name"], history.stream["dataset"], history.readback_ns
        if name in run.judged("rpo") and read is not None and not run.timeline.was_restored(dataset, read):
            yield f"dataset {dataset!r} was not restored before its marks were read, so they prove nothing"


def _of_recovery(run: Run, stream: str, recovered: Recovery) -> Iterator[str]:
    """What lies beyond the first stable run, or came about otherwise than by a recovery in time."""
    timeline, until, b = run.timeline, recovered.stable_until_ns, recovered.b
    if until is None:
        return
    if recovered.again_ns:
        first, last = recovered.again_ns
        span = f"from {in_seconds(first - until)} to {in_seconds(last - until)} after"
        yield f"{stream} was bad again once it had been stable: {span}; no objective covers that"
    if timeline.no_fault_of_ours or timeline.fault_begin_ns is None:
        return
    if b is not None and b[0] - timeline.fault_begin_ns > run.header["deadline_ns"]:
        yield f"{stream} was served again after the deadline only"
    if timeline.healed_ns is not None and timeline.healed_ns <= until:
        yield f"the fault was undone before {stream} had been stable, so what brought it back is not known"
