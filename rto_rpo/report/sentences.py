"""What happened, in plain sentences. They say nothing that the numbers beside them do not."""

from __future__ import annotations

import re
from collections import Counter

from rto_rpo.evidence.agreed.changes import Change
from rto_rpo.report import damage, words
from rto_rpo.report.model import (
    Calibration,
    Check,
    Judgement,
    RecoveryPoint,
    RecoveryTime,
    Report,
    SplitBrain,
)
from rto_rpo.report.plots.drawing import short
from rto_rpo.report.proof import against_safe
from rto_rpo.report.standing import IN_DOUBT, standing

_CHANGES_TOLD = 3
_NAMES_TOLD = 3
_VALUE_LETTERS_MAX = 60
_OBJECTIVE = re.compile(r" (rto|rpo): ")
_VERDICTS = {
    "met": "Every objective that this drill judged was met.",
    IN_DOUBT: "Every objective that this drill judged was met, in a run that is in doubt.",
    "missed": "At least one promise was not kept.",
    "inconclusive": "It could be shown neither that all was met nor that anything was missed.",
}


def verdict(report: Report) -> str:
    """The verdict in one short sentence."""
    return _VERDICTS[standing(report.verdict, report.doubts)]


def what_happened(report: Report) -> str:
    """One sentence: what was done, how long the service was gone, what was lost."""
    begun = report.timeline.fault_begin_at_seconds is not None or damage.kind(report) == "none"
    done = damage.done(report) if begun else "the fault was never injected"
    parts = [_served(judgement, time_of(report, judgement)) for judgement in _of(report, "rto")]
    parts += [lost(point) for point in points(report)]
    parts = [part for part in parts if part]
    tail = f": {_joined(parts)}" if parts and begun else ""
    if report.instrument.void:
        tail = "; the measurement is void, and nothing follows from it"
    return f"On {words.when(report.utc.fault or report.utc.begin)}, {done}{tail}."


def reasons(report: Report) -> list[str]:
    """Why the verdict is not *met*, or stands in doubt: the judge's reasons without those of what was met."""
    if report.verdict == "met":
        return report.doubts
    met = [one.reason for one in report.judgements if one.verdict == "met"]
    met += [one.reason for one in report.split_brain if one.verdict == "met"]
    met += [one.reason for one in report.checks if one.verdict == "met"]
    told = [reason for reason in report.reasons if not any(reason.endswith(f": {one}") for one in met)]
    return [_OBJECTIVE.sub(lambda found: found[0].upper(), reason, count=1) for reason in told]


def changed(report: Report) -> str:
    """What changed in the plan since its previous run: every value of a few, of many how many of what."""
    charter = report.charter
    if charter is None:
        return "unknown, for nothing was frozen before this run"
    if charter.previous_run is None:
        return "this is the first run of the plan"
    if charter.changes is None:
        return "unknown, for the plan of that run cannot be read any more"
    if len(charter.changes) <= _CHANGES_TOLD:
        told = [_change(one) for one in charter.changes]
    else:
        about = Counter(one.about for one in charter.changes)
        told = [f"{count:,} in {name}" for name, count in about.most_common()]
    names = not_compared(report)
    if not names:
        return "; ".join(told) or "nothing in the plan"
    more = f" and {len(names) - _NAMES_TOLD} more" if names[_NAMES_TOLD:] else ""
    shown = ", ".join(short(name, _VALUE_LETTERS_MAX) for name in names[:_NAMES_TOLD])
    what = f"the {'value' if len(names) == 1 else 'values'} of {words.count(len(names), 'variable')}"
    return f"{'; '.join(told) or 'nothing that the plan writes out'}; not compared: {what} ({shown}{more})"


def not_compared(report: Report) -> list[str]:
    """The variables of the plan, where it was held against another: that was done with the texts alone."""
    charter = report.charter
    return sorted(report.plan.variables) if charter and charter.changes is not None else []


def _change(one: Change) -> str:
    before = "was not there" if one.before is None else f"was {short(one.before, _VALUE_LETTERS_MAX)}"
    after = "is gone" if one.after is None else f"is {short(one.after, _VALUE_LETTERS_MAX)}"
    return f"{one.about}: {short(one.place, _VALUE_LETTERS_MAX)} {before}, {after}"


def calibrated(calibration: Calibration | None) -> str:
    """What the instrument made of trouble that was planted, before this run."""
    if calibration is None:
        return "The instrument was not calibrated before this run."
    found = calibration.losses - calibration.losses_missed
    inside = calibration.outages - calibration.outages_outside
    error = calibration.worst_error_seconds
    told = (
        f"Calibrated {words.length(calibration.age_seconds)} before this run: {found} of "
        f"{words.count(calibration.losses, 'planted loss', 'planted losses')} found, {inside} of "
        f"{words.count(calibration.outages, 'planted outage')} inside the bounds"
    )
    told += f", no bound further than {words.at_most(error)} from the truth." if error is not None else "."
    return told + (f" It does not count: {calibration.unfit}." if calibration.unfit else "")


def lost(point: RecoveryPoint) -> str:
    """What became of the acknowledged writes of one stream."""
    writes = words.count(point.acknowledged_count, "acknowledged write")
    if not point.reading_complete:
        return f"the {writes} of {point.stream} could not be read back in full, so what was lost is unknown"
    if point.lost:
        verb = "was" if len(point.lost) == 1 else "were"
        return f"{len(point.lost):,} of the {writes} of {point.stream} {verb} lost"
    return f"none of the {writes} of {point.stream} was lost"


def lost_sentence(point: RecoveryPoint) -> str:
    """`lost` as a sentence of its own."""
    text = lost(point)
    return f"{text[0].upper()}{text[1:]}."


def why(report: Report, one: Judgement | SplitBrain | Check) -> str:
    """Why it was judged so; where it is in doubt, what is in doubt about the run."""
    doubted = f"; in doubt: {'; '.join(report.doubts)}" if one.standing == IN_DOUBT else ""
    return one.reason + doubted


def verification(report: Report, point: RecoveryPoint) -> str:
    """How long it took to read everything back; where that is not known, why."""
    if point.verification_seconds is not None:
        return words.length(point.verification_seconds)
    role = next((one.role for one in report.streams if one.name == point.stream), None)
    if role == "marks":
        return "not timed: marks are looked for where they were restored"
    if not point.reading_complete and not point.read_count:
        return f"not known: {point.reading_problem or 'nothing was read back'}"
    return "not known: no operation of the clients came before the end of the reading"


def safe(report: Report) -> tuple[str, str]:
    """(measured, state) of the proof that it was safe to go on, where the drill asked for it."""
    told = report.safe
    if told is None:
        return "nothing: this drill did not ask", "not tested"
    if not told.reached:
        return "not reached", "not reached"
    if against_safe(report) is not None:
        return "not shown: something takes it away", "not shown"
    state = "reached, in doubt" if report.doubts else "reached"
    return words.bounds(told.lower_seconds, told.upper_seconds), state


def why_safe(report: Report) -> str:
    """Why it is so: what the gate said, or what takes that away."""
    if report.safe is None:
        return ""
    taken = against_safe(report) if report.safe.reached else None
    return f"the gate said so; but {taken[1]}" if taken else report.safe.reason


def loss_bound(point: RecoveryPoint) -> str | None:
    """What zero losses prove, and what they do not."""
    if point.lost or not point.reading_complete or not point.loss_rate_bound:
        return None
    one_in = int(1 / point.loss_rate_bound)
    return (
        f"Zero lost of {point.acknowledged_count:,} shows only that, at 95 % confidence, fewer than about "
        f"one write in {one_in:,} gets lost in such an event (3/N)."
    )


def ways(point: RecoveryPoint) -> list[tuple[str, str, str, list[int]]]:
    """Every way in which a write can go wrong: (what, its meaning, what it counts as, the numbers found)."""
    return [
        (
            "Lost",
            "acknowledged, and not there any more",
            "missed, beyond the RPO",
            [write.number for write in point.lost],
        ),
        ("Corrupt", "there, with another payload", "missed", point.corrupt),
        ("Duplicated", "there more than once", "missed", point.duplicated),
        ("Resurrected", "deleted, and back again", "missed", point.resurrected),
        ("Phantom", "refused, and there all the same", "inconclusive", point.phantom),
        ("Unexpected", "there, and never sent", "inconclusive", point.unexpected),
        (
            "Never recorded",
            "intended, and its outcome never written down",
            "inconclusive, if not there",
            point.unrecorded,
        ),
        ("Unknown, kept", "unknown outcome, and there", "not counted", point.indeterminate_kept),
        ("Unknown, not kept", "unknown outcome, and not there", "not counted", point.indeterminate_not_kept),
    ]


def service(report: Report, stream: str) -> str:
    """The service that a stream's clients use; the stream's own name where it has none."""
    return next((one.service for one in report.streams if one.name == stream and one.service), stream)


def points(report: Report) -> list[RecoveryPoint]:
    """The streams whose losses count: not the old primary's own address."""
    old = {stream.name for stream in report.streams if stream.role in {"old_primary", "control"}}
    return [point for point in report.recovery_points if point.stream not in old]


def time_of(report: Report, judgement: Judgement) -> RecoveryTime | None:
    return next((time for time in report.recovery_times if time.stream == judgement.stream), None)


def point_of(report: Report, judgement: Judgement) -> RecoveryPoint | None:
    return next((point for point in report.recovery_points if point.stream == judgement.stream), None)


def objective(judgement_objective: str) -> str:
    """What the objective promises, for people who do not say RTO."""
    return "service is back within" if judgement_objective == "rto" else "data lost, at most"


def measured(report: Report, judgement: Judgement) -> str:
    """The measured bounds of one objective."""
    point = point_of(report, judgement) if judgement.objective == "rpo" else None
    if point and point.reading_complete and not point.lost and judgement.upper_seconds == 0:
        return f"nothing lost ({words.count(point.acknowledged_count, 'write')} checked)"
    time = time_of(report, judgement) if judgement.objective == "rto" else None
    if time and not time.outage_seen and judgement.upper_seconds is not None:
        return f"no outage seen; at most {words.at_most(judgement.upper_seconds)}"
    return words.bounds(judgement.lower_seconds, judgement.upper_seconds)


def zero(report: Report) -> str:
    """The moment from which the report's times count."""
    return "the start" if report.timeline.fault_begin_at_seconds is None else "the fault"


def _served(judgement: Judgement, time: RecoveryTime | None) -> str:
    if time is None:
        return ""
    if time.upper_seconds is None:
        return f"{judgement.subject} did not serve its clients steadily again"
    if not time.outage_seen:
        return f"the clients of {judgement.subject} saw no outage"
    promised = words.declared(judgement.declared_seconds)
    return (
        f"{judgement.subject} served its clients again after at most {words.at_most(time.upper_seconds)} "
        f"(promised: {promised})"
    )


def _of(report: Report, objective: str) -> list[Judgement]:
    return [judgement for judgement in report.judgements if judgement.objective == objective]


def _joined(parts: list[str]) -> str:
    return ", and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else parts[0]
