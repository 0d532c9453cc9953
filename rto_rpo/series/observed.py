"""What one report says of one promise, as an observation: with everything in doubt taken against it."""

from __future__ import annotations

from rto_rpo.report.model import Judgement, Report
from rto_rpo.statistics import UNKNOWN, Observation


def observed(report: Report, judgement: Judgement, limit_seconds: float) -> tuple[Observation, str]:
    """The observation, and why nothing, or nothing good, follows from it where its bounds do not show that.

    `limit_seconds` is the promise as it stands today, which may not be the one that the run was judged by.
    """
    lower, upper = judgement.lower_seconds or 0.0, judgement.upper_seconds
    void = report.instrument.void
    if damage := _damage(report, judgement, limit_seconds):
        return Observation(0.0 if void else lower, None if void else upper, damaged=True), damage
    if void:
        return UNKNOWN, f"void: {void}"
    if judgement.verdict == "inconclusive" and upper is not None and upper <= judgement.declared_seconds:
        return Observation(lower, None), judgement.reason
    if judgement.verdict != "missed" and (doubt := _doubt(report)):
        return Observation(lower, upper, doubted=True), doubt
    return Observation(lower, upper), ""


def _damage(report: Report, judgement: Judgement, limit_seconds: float) -> str:
    """What is missed however short it was: two writers spoil every promise of a run."""
    split = [f"split brain: {one.reason}" for one in report.split_brain if one.verdict == "missed"]
    if split:
        return "; ".join(split)
    if judgement.objective != "rpo":
        return ""
    point = next((point for point in report.recovery_points if point.stream == judgement.stream), None)
    if point is None:
        return ""
    found = {
        "lost, where 0 s allows none": len(point.lost) if limit_seconds == 0 else 0,
        "lost after the recovery": sum(write.after_recovery for write in point.lost),
        "corrupt": len(point.corrupt),
        "duplicated": len(point.duplicated),
        "resurrected": len(point.resurrected),
    }
    return ", ".join(f"{count} {what}" for what, count in found.items() if count)


def _doubt(report: Report) -> str:
    """What keeps a run from being met as a whole, though the numbers of this promise stand."""
    open_ = [f"check {one.name}: {one.reason}" for one in report.checks if one.verdict != "met"]
    open_ += [f"split brain: {one.reason}" for one in report.split_brain if one.verdict == "inconclusive"]
    # The judge's reasons are those of judgements, splits and checks, one each; what follows are doubts.
    judged = len(report.judgements) + len(report.split_brain) + len(report.checks)
    return "; ".join([*open_, *report.reasons[judged:]])
