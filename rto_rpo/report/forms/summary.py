"""The few lines for a terminal: the verdict at a glance."""

from __future__ import annotations

from typing import Any

from rto_rpo.report import sentences, versions, words
from rto_rpo.report.aftermath import headline
from rto_rpo.report.distrust import head
from rto_rpo.report.model import Judgement, RecoveryPoint, Report
from rto_rpo.report.visible import visible


def summary(content: dict[str, Any]) -> list[str]:
    """Plain lines, aligned, without colour: verdict, RTO, safe RTO, losses, not tested, what changed."""
    report = Report.model_validate(content)
    rows = [
        (f"{one.subject} {one.objective.upper()}", sentences.measured(report, one), _promised(one))
        for one in report.judgements
    ]
    if report.safe:
        measured, _ = sentences.safe(report)
        rows.append(("safe RTO", measured, "reported, not judged" + ("; in doubt" if report.doubts else "")))
    for point in sentences.points(report):
        rows += [("lost", _lost(point), ""), ("verification", sentences.verification(report, point), "")]
    if report.not_tested:
        names = ", ".join(f"{one.subject} {one.objective.upper()}" for one in report.not_tested)
        rows.append(("not tested", names, ""))
    rows.append(("versions", versions.counted(report), ""))
    rows += [("", f"not the same everywhere: {one}", "") for one in versions.unlike(report)]
    rows += [("undone", one.told(), "") for one in report.undone]
    if report.charter:
        rows.append(("changed", sentences.changed(report), ""))
    first = max((len(row[0]) for row in rows), default=0)
    second = max((len(row[1]) for row in rows if row[2]), default=0)
    lines = [f"{head(report).upper()}  {headline(report)}"]
    lines += [f"  {reason}" for reason in sentences.reasons(report)]
    lines += [f"  {name:<{first}}  {middle:<{second}}  {last}".rstrip() for name, middle, last in rows]
    return [visible(line) for line in lines]


def _promised(judgement: Judgement) -> str:
    return f"declared {words.declared(judgement.declared_seconds)}: {judgement.standing}"


def _lost(point: RecoveryPoint) -> str:
    if not point.reading_complete:
        return f"unknown: {point.stream} could not be read back in full"
    numbers = f": {words.numbers([write.number for write in point.lost], 5)}" if point.lost else ""
    return f"{len(point.lost):,} of {words.count(point.acknowledged_count, 'acknowledged write')}{numbers}"
