"""report.json: a pure function of the run's plan and ledger, so that anyone can compute it again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rto_rpo.calibration import calibration_doubt
from rto_rpo.evidence.agreed.charter import Charter, CharterError, parse_charter
from rto_rpo.evidence.keeping.undone import Undone, left_stuck
from rto_rpo.ledger.records import Event, Header, Stream
from rto_rpo.measure import measured
from rto_rpo.measurement import Decision, LostWrite, Measurement, Objective, RecoveryPoint, RecoveryTime
from rto_rpo.report import model
from rto_rpo.report.density import Density
from rto_rpo.report.scan import Scan, scan
from rto_rpo.report.standing import doubts, standing
from rto_rpo.run import take_in
from rto_rpo.verdict import decide

_MARGIN_NS_MIN = 50_000_000


class DocumentError(ValueError):
    """Plan and ledger are not of the same run."""


def document(
    ledger: Path, plan: bytes, charter: bytes | None = None, undone: Sequence[Undone] = ()
) -> dict[str, Any]:
    """The content of report.json for the ledger at this path and the raw bytes of its plan and charter.

    `undone` is what the run's folder says about its undo beside the ledger.

    Raises LedgerError when the ledger has no header to go by, DocumentError when it froze another plan, or
    the charter is none.
    """
    run = take_in(ledger)
    measurement = measured(run)
    found = scan(run, measurement, _outage(measurement))
    if (given := hashlib.sha256(plan).hexdigest()) != found.header["plan"]["sha256"]:
        raise DocumentError(f"the plan given ({given[:12]}…) is not the one that the ledger froze")
    decision = decide(found.header, measurement)
    with ledger.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    report = _report(found, sha256, measurement, decision, _agreed(charter), undone)
    # what a run has none of is not named: its report is what it was before there were any, byte for byte
    absent = {name for name, given in (("charter", charter), ("undone", undone)) if not given}
    return report.model_dump(mode="json", by_alias=True, exclude=absent)


def to_json(content: dict[str, Any]) -> bytes:
    """report.json's bytes: sorted keys, two spaces, ASCII, one newline at the end."""
    return json.dumps(content, sort_keys=True, indent=2, ensure_ascii=True).encode("ascii") + b"\n"


def _outage(measurement: Measurement) -> tuple[int, int] | None:
    """The stretch to count finely: from a little before the fault to a little after the service is back."""
    begin, end = measurement.fault_begin_ns, measurement.fault_end_ns
    if begin is None:
        return None
    instants = [begin, end or begin]
    for time in measurement.recovery_times:
        instants += [ns for ns in (time.last_bad_sent_ns, time.first_acknowledged_ns) if ns is not None]
    margin = max(_MARGIN_NS_MIN, (max(instants) - begin) // 6)
    return begin - margin, max(instants) + margin


@dataclass(frozen=True, slots=True)
class _Clock:
    """Instants of the recorder's clock as the report shows them: from the fault's begin, and in UTC."""

    zero_ns: int
    found: Scan

    def at(self, ns: int) -> float:
        return (ns - self.zero_ns) / 1e9

    def at_or_none(self, ns: int | None) -> float | None:
        return None if ns is None else self.at(ns)

    def utc(self, ns: int | None) -> str | None:
        return self.found.utc(ns)


def _agreed(content: bytes | None) -> Charter | None:
    try:
        return parse_charter(content) if content is not None else None
    except CharterError as error:
        raise DocumentError(f"the charter given is none: {error}") from None


def _report(
    found: Scan,
    ledger_sha256: str,
    measurement: Measurement,
    decision: Decision,
    charter: Charter | None,
    undone: Sequence[Undone],
) -> model.Report:
    header = found.header
    begin = measurement.fault_begin_ns
    clock = _Clock(header["ns"] if begin is None else begin, found)
    doubted = doubts(measurement, decision)
    if (why := left_stuck(undone)) is not None:
        doubted.append(f"nothing shows that the fault was undone: {why}")
    return model.Report(
        schema="blackstart/report/2",
        judge=header["judge"],
        run=header["run"],
        plan=model.Plan.model_validate(header["plan"]),
        ledger=model.Ledger(
            sha256=ledger_sha256, records=found.records, boot=header["boot"], ended=found.reason
        ),
        drill=model.Drill.model_validate(header["drill"]),
        utc=model.Span(begin=clock.utc(header["ns"]), fault=clock.utc(begin), end=clock.utc(found.last_ns)),
        limits=_limits(header, measurement),
        streams=[_stream(stream) for stream in header["streams"]],
        verdict=decision.verdict,
        reasons=list(decision.reasons),
        doubts=doubted,
        judgements=_judgements(header, decision, doubted),
        not_tested=[_not_tested(objective) for objective in decision.not_tested],
        recovery_times=[_recovery_time(time, clock) for time in measurement.recovery_times],
        recovery_points=[_recovery_point(point, measurement, clock) for point in measurement.recovery_points],
        split_brain=[
            model.SplitBrain(standing=standing(split.verdict, doubted), **asdict(split))
            for split in measurement.split_brain
        ],
        safe=model.Safe.model_validate(asdict(measurement.safe)) if measurement.safe else None,
        checks=[
            model.Check(standing=standing(check.verdict, doubted), **asdict(check))
            for check in measurement.checks
        ],
        instrument=model.Instrument(
            void=measurement.void,
            fault_effective=measurement.fault_effective,
            calibration=_calibration(header),
            **asdict(measurement.lag),
        ),
        versions=[*_versions(found.events, clock)],
        timeline=_timeline(found, measurement, clock),
        counts=dict(sorted(measurement.counts.items())),
        charter=charter,
        undone=list(undone),
    )


def _calibration(header: Header) -> model.Calibration | None:
    known = header.get("calibration")
    if known is None:
        return None
    figures = {name: value for name, value in known.items() if name in model.Calibration.model_fields}
    return model.Calibration.model_validate({"unfit": calibration_doubt(header), **figures})


def _limits(header: Header, measurement: Measurement) -> model.Limits:
    return model.Limits(
        late_seconds=None if measurement.late_ns is None else measurement.late_ns / 1e9,
        stable_seconds=header["stable_ns"] / 1e9,
        deadline_seconds=header["deadline_ns"] / 1e9,
        seed=header["seed"],
    )


def _stream(stream: Stream) -> model.Stream:
    return model.Stream(
        name=stream["name"],
        role=stream["role"],
        address=stream["address"],
        dataset=stream["dataset"],
        service=stream["service"],
        interval_seconds=stream["interval_ns"] / 1e9,
        limit_seconds=stream["limit_ns"] / 1e9,
    )


def _judgements(header: Header, decision: Decision, doubted: list[str]) -> list[model.Judgement]:
    streams = {(judged["subject"], judged["objective"]): judged["stream"] for judged in header["judged"]}
    return [
        model.Judgement(
            stream=streams.get((judgement.subject, judgement.objective)),
            standing=standing(judgement.verdict, doubted),
            **asdict(judgement),
        )
        for judgement in decision.judgements
    ]


def _not_tested(objective: Objective) -> model.NotTested:
    return model.NotTested(
        subject=objective.subject, objective=objective.objective, declared_seconds=objective.seconds
    )


def _recovery_time(time: RecoveryTime, clock: _Clock) -> model.RecoveryTime:
    content = asdict(time)
    for name in ("last_bad_sent", "first_acknowledged_sent", "first_acknowledged", "stable_until"):
        content[f"{name}_at_seconds"] = clock.at_or_none(content.pop(f"{name}_ns"))
    return model.RecoveryTime.model_validate(content)


def _recovery_point(point: RecoveryPoint, measurement: Measurement, clock: _Clock) -> model.RecoveryPoint:
    told = {name: value for name, value in asdict(point).items() if name != "turn_seconds"}
    return model.RecoveryPoint.model_validate(
        {
            **told,
            "lost": [_lost(write, clock) for write in point.lost],
            "reading_problem": measurement.reading_problems.get(point.stream),
        }
    )


def _lost(write: LostWrite, clock: _Clock) -> dict[str, Any]:
    return {
        "number": write.number,
        "payload": write.payload,
        "sent_at_seconds": clock.at(write.sent_ns),
        "acknowledged_at_seconds": clock.at(write.acknowledged_ns),
        "acknowledged_utc": clock.utc(write.acknowledged_ns),
        "after_fault": write.after_fault,
        "after_recovery": write.after_recovery,
    }


def _timeline(found: Scan, measurement: Measurement, clock: _Clock) -> model.Timeline:
    outage_end = found.outage[1] if found.outage else 0
    return model.Timeline(
        begin_at_seconds=clock.at(found.header["ns"]),
        end_at_seconds=clock.at(found.last_ns),
        fault_begin_at_seconds=clock.at_or_none(measurement.fault_begin_ns),
        fault_end_at_seconds=clock.at_or_none(measurement.fault_end_ns),
        events=[_event(event, clock) for event in found.events],
        whole=[
            _density(name, whole, found.last_ns, clock)
            for name, (whole, _) in sorted(found.densities.items())
        ],
        outage=[
            _density(name, fine, outage_end, clock)
            for name, (_, fine) in sorted(found.densities.items())
            if fine
        ],
    )


def _versions(events: list[Event], clock: _Clock) -> Iterator[model.Version]:
    told = (
        (event["ns"], seen)
        for event in events
        if event["event"] == "versions"
        for seen in event["detail"]["seen"]
    )
    for ns, seen in told:
        known = {name: seen[name] for name in ("what", "where", "version", "by", "problem")}
        yield model.Version(**known, at_seconds=clock.at(ns), utc=clock.utc(ns))


def _event(event: Event, clock: _Clock) -> model.Event:
    return model.Event(
        name=event["event"],
        source=event["source"],
        at_seconds=clock.at(event["ns"]),
        utc=clock.utc(event["ns"]),
        detail=event["detail"],
    )


def _density(stream: str, density: Density, end_ns: int, clock: _Clock) -> model.Density:
    served, bad = density.until(end_ns)
    return model.Density(
        stream=stream,
        begin_at_seconds=clock.at(density.origin_ns),
        bin_seconds=density.bin_ns / 1e9,
        served=served,
        bad=bad,
    )
