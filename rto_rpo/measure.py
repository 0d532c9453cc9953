"""From a ledger to a measurement. Pure: what is measured follows from the ledger's bytes alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from rto_rpo.control import control_failed
from rto_rpo.doubts import NEVER_SAFE, doubts
from rto_rpo.first_answer import first_answer, own_names
from rto_rpo.lag import lag
from rto_rpo.ledger.lookup import payloads, writes_since
from rto_rpo.ledger.records import Header
from rto_rpo.measurement import Lag, Measurement, Phase, RecoveryPoint, RecoveryTime, SafeRecovery, SplitBrain
from rto_rpo.old_primary import OldPrimary
from rto_rpo.operations import StreamHistory
from rto_rpo.phases import phases
from rto_rpo.recovery_point import Damage, reading_problem, recovery_point, turn_ns
from rto_rpo.recovery_time import Recovery, recovery
from rto_rpo.revival import Revival, revival, watched_ns
from rto_rpo.run import Run, counts, fault_problems, take_in
from rto_rpo.split_brain import split_brain
from rto_rpo.stall import stall, window


def measure(path: Path) -> Measurement:
    """Measure the run whose ledger is at `path`.

    A ledger that contradicts itself or was cut off gives a Measurement that is `void` and holds no number.
    Raises LedgerError where there is not even a header to go by, OSError where the file cannot be read.
    """
    return measured(take_in(path))


def measured(run: Run) -> Measurement:
    """Measure a run whose ledger was taken in."""
    return _measured(run) if run.broken is None else _nothing(run.header, run.broken)


def _nothing(header: Header, void: str) -> Measurement:
    return Measurement(
        run=header["run"],
        void=void,
        fault_begin_ns=None,
        fault_end_ns=None,
        fault_effective=None,
        late_ns=None,
        stable_ns=header["stable_ns"],
        recovery_times=(),
        recovery_points=(),
        split_brain=(),
        safe=None,
        checks=(),
        lag=Lag(None, None, None, 0.0),
    )


def _measured(run: Run) -> Measurement:
    timeline = run.timeline
    problems = fault_problems(timeline)
    found, stalls = _recoveries(run)
    judged = {*run.judged("rto"), *run.judged("rpo")}
    # Where the fault itself is in doubt there is no "new side", and no "after the recovery".
    trusted = {} if problems else found
    return Measurement(
        run=run.header["run"],
        void="; ".join([*problems, *(why for name, why in stalls.items() if name in judged)]) or None,
        fault_begin_ns=timeline.fault_begin_ns,
        fault_end_ns=timeline.fault_end_ns,
        fault_effective=timeline.fault_effective,
        late_ns=timeline.late_ns,
        stable_ns=run.header["stable_ns"],
        recovery_times=tuple(_recovery_time(run, name, each) for name, each in found.items()),
        recovery_points=tuple(_recovery_points(run, trusted)),
        split_brain=tuple(_split_brains(run, trusted, stalls)),
        safe=_safe(run, found),
        checks=tuple(timeline.checks),
        lag=_lag(run),
        counts=counts(run),
        end_reason=timeline.end_reason,
        doubts=tuple(doubts(run, trusted)),
        reading_problems=dict(_reading_problems(run, trusted)),
    )


def _recoveries(run: Run) -> tuple[dict[str, Recovery], dict[str, str]]:
    """The recovery of each stream of clients, and why those that cannot be trusted cannot."""
    timeline, late_ns = run.timeline, run.timeline.late_ns
    found: dict[str, Recovery] = {}
    stalls: dict[str, str] = {}
    bracketed = timeline.fault_begin_ns is not None and timeline.fault_end_ns is not None
    if late_ns is None or not (bracketed or timeline.no_fault_of_ours):
        return found, stalls
    for history in run.streams("clients"):
        name = history.stream["name"]
        recovered = recovery(history, timeline, late_ns, run.header["stable_ns"])
        span = window(history, recovered)
        problem = stall(history, timeline.stalls, span, late_ns)
        for control in run.streams("control"):
            problem = problem or control_failed(control, span, late_ns)
        if problem:
            stalls[name] = f"stream {name!r}: {problem}"
            if recovered.first_acknowledged_ns is None:
                recovered = replace(recovered, upper_ns=None)
        found[name] = recovered
    return found, stalls


def _recovery_time(run: Run, name: str, found: Recovery) -> RecoveryTime:
    begin, acknowledged = found.bracket.begin_ns, found.first_acknowledged_ns
    parts: tuple[Phase, ...] = ()
    seen = found.last_bad_sent_ns is not None
    if seen and found.upper_ns is not None and begin is not None and acknowledged is not None:
        parts = phases(run.timeline.milestones, run.operations.streams[name].stream, begin, acknowledged)
    return RecoveryTime(
        stream=name,
        lower_seconds=found.lower_ns / 1e9,
        upper_seconds=None if found.upper_ns is None else found.upper_ns / 1e9,
        outage_seen=found.bad_count > 0,
        last_bad_sent_ns=found.last_bad_sent_ns,
        first_acknowledged_sent_ns=found.first_sent_ns,
        first_acknowledged_ns=acknowledged,
        stable_until_ns=found.stable_until_ns,
        bad_count=found.bad_count,
        flap_count=max(0, found.stretch_count - 1),
        unavailable_seconds=found.unavailable_ns / 1e9,
        phases=parts,
    )


def _recovery_points(run: Run, found: dict[str, Recovery]) -> Iterator[RecoveryPoint]:
    judged = run.judged("rpo")
    for history in run.streams("clients", "marks"):
        name = history.stream["name"]
        if len(history.writes) or name in judged:
            yield recovery_point(history, _damage(run, found.get(name)), partial(_payloads, run, name))


def _reading_problems(run: Run, found: dict[str, Recovery]) -> Iterator[tuple[str, str]]:
    for history in run.streams("clients", "marks"):
        name = history.stream["name"]
        problem = reading_problem(history, _damage(run, found.get(name)).recovered_sent_ns)
        if problem is not None:
            yield name, problem


def _damage(run: Run, found: Recovery | None) -> Damage:
    timeline = run.timeline
    if found is None:
        return Damage(
            timeline.watch_ns, timeline.fault_begin_ns, timeline.fault_end_ns, None, timeline.late_ns
        )
    bracket = found.bracket
    return Damage(timeline.watch_ns, bracket.begin_ns, bracket.end_ns, found.first_sent_ns, timeline.late_ns)


def _payloads(run: Run, stream: str, numbers: set[int], since_ns: int) -> dict[int, str]:
    found = payloads(run.path, {stream: numbers}, since_ns)
    return {number: payload for (_, number), payload in found.items()}


def _split_brains(run: Run, found: dict[str, Recovery], stalls: dict[str, str]) -> Iterator[SplitBrain]:
    for old in run.streams("old_primary"):
        name, dataset = old.stream["name"], old.stream["dataset"]
        clients = [each for each in run.streams("clients") if each.stream["name"] in found]
        same = [each for each in clients if each.stream["dataset"] == dataset]
        promoted = run.timeline.promoted_ns(dataset)
        answers = [first_answer(each, found[each.stream["name"]], old, promoted) for each in same]
        until = max((found[each.stream["name"]].stable_until_ns or 0 for each in same), default=0)
        looked = partial(_unwatched, run, old)
        yield split_brain(
            old,
            [each for each in answers if each is not None],
            (until, run.header["stable_ns"]),
            _old_primary(run, old, looked),
            partial(writes_since, run.path, name),
            looked,
            next((stalls[each.stream["name"]] for each in same if each.stream["name"] in stalls), None),
        )


def _old_primary(run: Run, old: StreamHistory, looked: Callable[[tuple[int, int]], str | None]) -> OldPrimary:
    timeline, site = run.timeline, old.stream.get("site")
    return OldPrimary(
        names=own_names(old, timeline.watch_ns),
        watch_ns=timeline.watch_ns,
        well_from_ns=timeline.watch_ns - turn_ns(old, timeline.late_ns),
        fenced_ns=timeline.fenced_ns(site),
        gone_ns=timeline.gone_ns(site, revived=False),
        back_ns=timeline.revived_from_ns,
        revival=_revival(run, old, looked),
    )


def _unwatched(run: Run, old: StreamHistory, span: tuple[int, int]) -> str | None:
    """Why the recorder did not look at the old primary all along `span`."""
    late_ns = run.timeline.late_ns
    if late_ns is None:
        return "late was never frozen"
    silent = [control_failed(control, span, late_ns) for control in run.streams("control")]
    problems = [stall(old, run.timeline.stalls, span, late_ns), *silent]
    return next((problem for problem in problems if problem is not None), None)


def _revival(run: Run, old: StreamHistory, looked: Callable[[tuple[int, int]], str | None]) -> Revival | None:
    """What the writes to the old primary came to once it was being brought back; None where it never was."""
    begin = run.timeline.revived_from_ns
    if begin is None:
        return None
    writes = writes_since(run.path, old.stream["name"], begin)
    gone = run.timeline.gone_ns(old.stream.get("site"), revived=True)
    return revival(writes, begin, gone, watched_ns(run.header["stable_ns"]), looked)


def _safe(run: Run, found: dict[str, Recovery]) -> SafeRecovery | None:
    safe_ns = run.timeline.safe_ns
    if safe_ns is None:
        return SafeRecovery(False, None, None, NEVER_SAFE) if run.header["drill"].get("gate") else None
    first = next((found[name] for name in [*run.judged("rto"), *found] if name in found), None)
    if first is None:
        return SafeRecovery(True, None, None, "one writer and every order known, but nothing was timed")
    begin, served, upper = first.bracket.begin_ns, first.first_acknowledged_ns, None
    if first.upper_ns is not None and begin is not None and served is not None:
        upper = max(safe_ns - begin, served - begin, first.upper_ns) / 1e9
    return SafeRecovery(True, first.lower_ns / 1e9, upper, "one writer was proven and every order was known")


def _lag(run: Run) -> Lag:
    columns = [column for history in run.streams("clients") for column in history.columns]
    return lag(columns, max((stop - start for start, stop in run.timeline.stalls), default=0))
