"""Whether the judge found out what the oracle says, and nothing else."""

from __future__ import annotations

from typing import Any

from rto_rpo.measurement import Decision, Measurement, RecoveryPoint, RecoveryTime

Fields = dict[str, Any]


def disagreement(measurement: Measurement, decision: Decision, expected: Fields) -> str | None:
    """What judge and oracle do not agree on; None if they do."""
    pairs = {
        "void": (measurement.void is not None, expected["void"]),
        "times": (
            {each.stream: _time_of(each) for each in measurement.recovery_times},
            {name: _expected_time(each) for name, each in expected["times"].items()},
        ),
        "points": (
            {each.stream: _point_of(each) for each in measurement.recovery_points},
            expected["points"],
        ),
        "split brain": (
            {
                each.stream: {
                    "after": [*each.after],
                    "overlapping": [*each.overlapping],
                    "verdict": each.verdict,
                    "revived": each.revived,
                    "tried": each.revived_tried,
                    "taken": [*each.revived_taken],
                }
                for each in measurement.split_brain
            },
            expected["split"],
        ),
        "verdicts": ([each.verdict for each in decision.judgements], expected["verdicts"]),
        "verdict": (decision.verdict, expected["verdict"]),
        "phases": (
            [
                sum(_ns(part.seconds) or 0 for part in each.phases)
                for each in measurement.recovery_times
                if each.phases
            ],
            [_ns(each.upper_seconds) for each in measurement.recovery_times if each.phases],
        ),
    }
    for what, (found, wanted) in pairs.items():
        if found != wanted:
            return f"{what}: the judge says {found}, the oracle {wanted}; void: {measurement.void}"
    return None


def _ns(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1e9)


def _time_of(time: RecoveryTime) -> Fields:
    b = None
    if time.first_acknowledged_ns is not None:
        b = (time.first_acknowledged_ns, time.first_acknowledged_sent_ns)
    return {
        "lower": _ns(time.lower_seconds),
        "upper": _ns(time.upper_seconds),
        "s": time.last_bad_sent_ns,
        "b": b,
        "until": time.stable_until_ns,
        "bad": time.bad_count,
        "flaps": time.flap_count,
        "unavailable": _ns(time.unavailable_seconds),
        "seen": time.outage_seen,
    }


def _expected_time(found: Fields) -> Fields:
    wanted = {name: found[name] for name in ("lower", "upper", "s", "b", "until", "bad", "unavailable")}
    return {**wanted, "flaps": max(0, found["stretches"] - 1), "seen": found["bad"] > 0}


def _point_of(point: RecoveryPoint) -> Fields:
    counts = (point.acknowledged_count, point.failed_count, point.indeterminate_count, point.read_count)
    found: Fields = {
        "complete": point.reading_complete,
        "counts": counts,
        "lower": _ns(point.lower_seconds),
        "upper": _ns(point.upper_seconds),
    }
    if not point.reading_complete:
        return found
    return {
        **found,
        "lost": [each.number for each in point.lost],
        "after_recovery": [each.number for each in point.lost if each.after_recovery],
        "after_fault": [each.number for each in point.lost if each.after_fault],
        "corrupt": list(point.corrupt),
        "duplicated": list(point.duplicated),
        "resurrected": list(point.resurrected),
        "phantom": list(point.phantom),
        "unexpected": list(point.unexpected),
        "kept": list(point.indeterminate_kept),
        "not_kept": list(point.indeterminate_not_kept),
        "unrecorded": list(point.unrecorded),
        "age": _ns(point.newest_survivor_age_seconds),
        "turn": _ns(point.turn_seconds),
        "verification": _ns(point.verification_seconds),
    }
