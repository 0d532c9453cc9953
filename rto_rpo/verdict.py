"""Met, missed or inconclusive, and why.

A verdict is missed as soon as one thing is proven to be, and met only where everything is proven to be.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rto_rpo.ledger.records import Header, JudgedObjective
from rto_rpo.measurement import (
    Decision,
    Judgement,
    Measurement,
    Objective,
    RecoveryPoint,
    RecoveryTime,
    Verdict,
)

_NOTHING: Final = "nothing was judged, so nothing is proven"
_AGE_UNKNOWN: Final = "no write from before the loss came back, so nothing says how old the data is"
ONE_WRITER_UNTESTED: Final = "one writer: not tested, for nothing was sent to the old primary's own address"
_VOID: Final = "the run is void, so nothing that it timed can be trusted"


def decide(header: Header, measurement: Measurement) -> Decision:
    """Hold every objective that the drill judges against what was measured."""
    judgements = tuple(_judge(each, measurement) for each in header["judged"])
    said: list[tuple[Verdict, str]] = []
    if measurement.void is not None:
        said.append(("inconclusive", f"the run is void: {measurement.void}"))
    said += [(each.verdict, f"{each.subject} {each.objective}: {each.reason}") for each in judgements]
    said += [
        (each.verdict, f"split brain ({each.stream}): {each.reason}") for each in measurement.split_brain
    ]
    said += [(each.verdict, f"check {each.name}: {each.reason}") for each in measurement.checks]
    said += [("inconclusive", doubt) for doubt in (*measurement.doubts, *_untried(header, measurement))]
    if not judgements:
        said.append(("inconclusive", _NOTHING))
    verdicts = {verdict for verdict, _ in said}
    verdict: Verdict = (
        "missed" if "missed" in verdicts else "inconclusive" if "inconclusive" in verdicts else "met"
    )
    reasons = (*(reason for _, reason in said), *_left_out(header))
    return Decision(verdict, reasons, judgements, _not_tested(header))


def _left_out(header: Header) -> Iterator[str]:
    """What no verdict on the objectives speaks of, said beside it so that nobody reads it into one."""
    moved = header["drill"]["fault"].get("kind") != "none" and header["drill"]["respond"] == "runbook"
    if moved and not any(stream["role"] == "old_primary" for stream in header["streams"]):
        yield ONE_WRITER_UNTESTED


def _untried(header: Header, measurement: Measurement) -> Iterator[str]:
    """What a drill owes and has not shown: an outage of somebody's, and how its runbook ended."""
    judged = {each["stream"] for each in header["judged"]}
    seen = any(time.outage_seen for time in measurement.recovery_times if time.stream in judged)
    if header["drill"]["fault"].get("kind") == "none" and not seen:
        yield "nothing was injected and no outage was seen, so nothing was tested"
    if header["drill"]["respond"] == "runbook" and "runbook" not in {c.name for c in measurement.checks}:
        yield "nothing tells how the runbook ended"


def _not_tested(header: Header) -> tuple[Objective, ...]:
    return tuple(
        Objective(each["subject"], each["objective"], each["seconds"], each["stream"])
        for each in header["not_tested"]
    )


def _judge(judged: JudgedObjective, measurement: Measurement) -> Judgement:
    lower: float | None = None
    upper: float | None = None
    verdict: Verdict = "inconclusive"
    reason = "the run has no measurement of it"
    if judged["objective"] == "rto":
        times = {each.stream: each for each in measurement.recovery_times}
        time = times.get(judged["stream"] or "")
        if time is not None:
            lower, upper = time.lower_seconds, time.upper_seconds
            verdict, reason = _judge_time(judged["seconds"], time, measurement)
    else:
        points = {each.stream: each for each in measurement.recovery_points}
        point = points.get(judged["stream"] or "")
        if point is not None:
            lower, upper = point.lower_seconds, point.upper_seconds
            verdict, reason = _judge_point(judged["seconds"], point, measurement)
    return Judgement(judged["subject"], judged["objective"], judged["seconds"], lower, upper, verdict, reason)


def _judge_time(limit: float, time: RecoveryTime, measurement: Measurement) -> tuple[Verdict, str]:
    if measurement.void is not None:
        return "inconclusive", _VOID
    return _within(limit, time.lower_seconds, time.upper_seconds, _no_upper(time, measurement), _seen(time))


def _seen(time: RecoveryTime) -> str:
    return "" if time.outage_seen else "; no outage was seen"


def _no_upper(time: RecoveryTime, measurement: Measurement) -> str:
    if time.stable_until_ns is None:
        stable = _seconds(measurement.stable_ns / 1e9)
        return f"no stable run of {stable} was seen, so there is no upper bound"
    return "nothing was served before the outage, so there is no upper bound"


def _judge_point(limit: float, point: RecoveryPoint, measurement: Measurement) -> tuple[Verdict, str]:
    damage = _damage(limit, point)
    if damage is not None:
        return "missed", damage
    if measurement.void is not None:
        return "inconclusive", _VOID
    doubt, lower = _doubt(limit, point, measurement), point.lower_seconds or 0.0
    if doubt is not None:
        return ("missed", _beyond(lower, limit)) if lower > limit else ("inconclusive", doubt)
    if not point.lost:
        rate = f"{point.loss_rate_bound or 1.0:.2g}"
        none = f"0 of {_many(point.acknowledged_count, 'acknowledged write')} lost"
        return "met", f"{none}, which proves only a loss rate below about {rate}"
    lost = f"; {len(point.lost)} of {_many(point.acknowledged_count, 'acknowledged write')} lost"
    return _within(limit, lower, point.upper_seconds, _AGE_UNKNOWN, lost)


def _damage(limit: float, point: RecoveryPoint) -> str | None:
    """What no objective allows, whatever the clock says."""
    late_losses = [write.number for write in point.lost if write.after_recovery]
    found = [
        (len(point.lost) if limit == 0 else 0, "acknowledged write", "lost, where 0 s allows none"),
        (len(late_losses), "acknowledged write", "lost that came after the recovery"),
        (len(point.corrupt), "write", "corrupt"),
        (len(point.duplicated), "write", "duplicated"),
        (len(point.resurrected), "deleted write", "back"),
    ]
    return ", ".join(f"{_many(count, noun)} {what}" for count, noun, what in found if count) or None


def _doubt(limit: float, point: RecoveryPoint, measurement: Measurement) -> str | None:
    if not point.reading_complete:
        problem = measurement.reading_problems.get(point.stream, "it is not known why")
        return f"the reading does not count: {problem}"
    if point.unrecorded:
        return f"{_many(len(point.unrecorded), 'number')} without a recorded outcome not read back"
    if point.phantom or point.unexpected:
        phantom = _many(len(point.phantom), "failed write")
        return f"{phantom} and {_many(len(point.unexpected), 'number')} that nobody sent were read back"
    if not point.lost and (untouched := _not_at_risk(limit, point)) is not None:
        return untouched
    times = {each.stream: each for each in measurement.recovery_times}
    time = times.get(point.stream)
    if time is not None and time.stable_until_ns is None:
        return "no stable run was seen, so the recovery had not ended"
    return None


def _not_at_risk(limit: float, point: RecoveryPoint) -> str | None:
    """Why that nothing is lost shows nothing: of the time that the objective is about, nothing could be."""
    age = point.newest_survivor_age_seconds
    if age is None:
        return "no write was acknowledged before the fault, so none was at risk"
    if age > (limit or point.turn_seconds):
        return f"nothing was acknowledged in the last {age:.3g} s before the fault: nothing of it was at risk"
    return None


def _within(limit: float, lower: float, upper: float | None, no_upper: str, more: str) -> tuple[Verdict, str]:
    if lower > limit:
        return "missed", _beyond(lower, limit) + more
    if upper is None:
        return (
            "inconclusive",
            f"{no_upper}; the lower bound {_seconds(lower)} is within {_seconds(limit)}{more}",
        )
    if upper <= limit:
        return "met", f"upper bound {_seconds(upper)} is within {_seconds(limit)}{more}"
    between = f"{_seconds(limit)} lies between the bounds {_seconds(lower)} and {_seconds(upper)}"
    return "inconclusive", between + more


def _beyond(lower: float, limit: float) -> str:
    return f"lower bound {_seconds(lower)} is beyond {_seconds(limit)}"


def _seconds(seconds: float) -> str:
    """Exact to the nanosecond: a bound shown rounded may seem to be on the other side of its limit."""
    return f"{seconds:.9f}".rstrip("0").rstrip(".") + " s"


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
