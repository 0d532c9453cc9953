"""The whole drill to scale: steady state, fault, outage, stability, and the promise beside it."""

from __future__ import annotations

from rto_rpo.report import sentences, words
from rto_rpo.report.model import RecoveryTime, Report
from rto_rpo.report.plots.bars import bars
from rto_rpo.report.plots.drawing import Box, Drawing, Label, Scale, axis, row, short

_MARKS = {"steady": "steady", "fault_begin": "fault", "safe": "safe", "stable": "stable"}


def overview(report: Report, width: float) -> Drawing | None:
    """A drawing `width` pixels wide; None when nothing was recorded that could be drawn."""
    times = report.timeline
    if times.end_at_seconds <= times.begin_at_seconds or not times.whole:
        return None
    drawing = Drawing(f"overview-{width:.0f}", "The whole drill, to scale", describe(report), width)
    left = 112.0 if width >= 600 else 0.0
    scale = Scale(times.begin_at_seconds, times.end_at_seconds, left, width - 12)
    y, marks = _marks(drawing, scale, report)
    for judgement in report.judgements:
        time = next((one for one in report.recovery_times if one.stream == judgement.stream), None)
        if judgement.objective == "rto" and times.fault_begin_at_seconds is not None and time:
            y = _promise(drawing, scale, judgement.subject, judgement.declared_seconds, time, y)
    roles = {stream.name: stream.role for stream in report.streams}
    for density in sorted(times.whole, key=lambda one: roles.get(one.stream) == "old_primary"):
        old = roles.get(density.stream) == "old_primary"
        y = row(drawing, scale, y, "Old primary" if old else short(density.stream, 16), 34)
        drawing.add(*bars(density, scale, y + 34, 34, 20, "old-" if old else ""))
        y += 34 + 20 + 10
    axis(drawing, scale, y, marks, sentences.zero(report))
    return drawing


def describe(report: Report) -> str:
    """What the picture shows, for those who cannot see it."""
    times = report.timeline
    total = words.length(times.end_at_seconds - times.begin_at_seconds)
    served = sum(sum(one.served) for one in times.whole)
    bad = sum(sum(one.bad) for one in times.whole)
    return f"{total} in all; {served:,} operations served and {bad:,} bad, each where it was sent."


def _marks(drawing: Drawing, scale: Scale, report: Report) -> tuple[float, list[tuple[float, float]]]:
    """The names of the moments, on as many lines as keep them apart."""
    ends: list[float] = []
    placed: list[tuple[float, int]] = []
    for event in report.timeline.events:
        if (text := _MARKS.get(event.name)) is None:
            continue
        x, long = scale.x(event.at_seconds), 6.6 * len(text) + 8
        start = x - long if x + long > scale.right else x
        line = next((line for line, end in enumerate(ends) if end < start), len(ends))
        ends[line:] = [start + long, *ends[line + 1 :]]
        placed.append((x, line))
        drawing.add(Label(x, 14 + 14 * line, text, "strong", "end" if start < x else "start"))
    return 12.0 + 14 * max(1, len(ends)), [(x, 18.0 + 14 * line) for x, line in placed]


def _promise(
    drawing: Drawing, scale: Scale, subject: str, declared: float, time: RecoveryTime, y: float
) -> float:
    y = row(drawing, scale, y, f"RTO {short(subject, 11)}", 18)
    x, promised = scale.x(0), scale.x(declared)
    upper = scale.x(time.upper_seconds) if time.upper_seconds is not None else scale.right
    stable = scale.x(time.stable_until_at_seconds) if time.stable_until_at_seconds is not None else None
    drawing.add(Box(x, y, promised - x, 18, "promise"))
    if stable is not None and time.first_acknowledged_at_seconds is not None:
        begin = scale.x(time.first_acknowledged_at_seconds)
        drawing.add(Box(begin, y + 6, max(1.0, stable - begin), 6, "stable"))
    lower = scale.x(time.lower_seconds)
    drawing.add(Box(x, y + 3, max(2.0, lower - x), 12, "gone"))
    drawing.add(Box(max(x + 2, lower), y + 3, max(1.0, upper - max(x + 2, lower)), 12, "between"))
    on = "" if scale.holds(declared) else " \N{RIGHTWARDS ARROW}"
    text = f"promised: back within {words.declared(declared)}{on}"
    at_end = promised - x < 6.4 * len(text)
    drawing.add(Label(promised if at_end else promised - 6, y + 31, text, "small", "end"))
    return y + 18 + 22
