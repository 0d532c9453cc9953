"""The outage to scale: the fault's bracket, the phases, every operation, the measured RTA and its bounds."""

from __future__ import annotations

from collections.abc import Iterator

from rto_rpo.report import sentences, words
from rto_rpo.report.model import Density, Judgement, RecoveryTime, Report
from rto_rpo.report.plots.bars import bars
from rto_rpo.report.plots.drawing import Box, Drawing, Label, Rule, Scale, axis, row

_ROW_PX = 26.0
_BADGE_PX = 18.0
_WIDE_PX = 600.0


def outage(report: Report, time: RecoveryTime, width: float) -> Drawing | None:
    """A drawing `width` pixels wide; None when there was no fault to draw around."""
    density = next((one for one in report.timeline.outage if one.stream == time.stream), None)
    if density is None or report.timeline.fault_begin_at_seconds is None:
        return None
    name = f"outage-{report.recovery_times.index(time)}-{width:.0f}"
    drawing = Drawing(
        name, f"The outage of {sentences.service(report, time.stream)}, to scale", describe(time), width
    )
    left = 112.0 if width >= _WIDE_PX else 0.0
    end = density.begin_at_seconds + density.bin_seconds * len(density.served)
    scale = Scale(density.begin_at_seconds, end, left, width - 12)
    y, marks = _marks(drawing, scale, time)
    y = _fault(drawing, scale, report, y)
    y = _phases(drawing, scale, time, y)
    y = _operations(drawing, scale, density, y)
    y = _measured(drawing, scale, time, _objective(report, time), y)
    axis(drawing, scale, y, marks, sentences.zero(report))
    return drawing


def describe(time: RecoveryTime) -> str:
    """What the picture shows, for those who cannot see it."""
    parts = [f"{phase.name} {words.length(phase.seconds)}" for phase in time.phases]
    served = (
        f"the first acknowledgement came {words.at_most(time.first_acknowledged_at_seconds)} after the fault"
        if time.first_acknowledged_at_seconds is not None
        else "service did not come back steadily"
    )
    phases = f" Phases: {', '.join(parts)}." if parts else ""
    return f"{words.count(time.bad_count, 'operation')} went bad; {served}.{phases}"


def numbered(time: RecoveryTime) -> Iterator[tuple[int, str, float, float]]:
    """(number, name, begin, end) of each phase, in seconds from f0."""
    begin = 0.0
    for number, phase in enumerate(time.phases, 1):
        yield number, phase.name, begin, begin + phase.seconds
        begin += phase.seconds


def _marks(drawing: Drawing, scale: Scale, time: RecoveryTime) -> tuple[float, list[tuple[float, float]]]:
    marks: list[tuple[float, float]] = []
    moments = [(0.0, "fault begins"), (time.first_acknowledged_at_seconds, "first lasting acknowledgement")]
    for line, (seconds, text) in enumerate(moments):
        if seconds is not None and scale.holds(seconds):
            x = scale.x(seconds)
            late = x > scale.left + 0.6 * (scale.right - scale.left)
            marks.append((x, 18.0 + 14 * line))
            drawing.add(Label(x, 14 + 14 * line, text, "strong", "end" if late else "start"))
    return 40.0, marks


def _fault(drawing: Drawing, scale: Scale, report: Report, y: float) -> float:
    end = report.timeline.fault_end_at_seconds
    y = row(drawing, scale, y, "Fault", 14)
    x = scale.x(0)
    until = scale.x(end) if end is not None else scale.right
    drawing.add(Box(x, y, max(2.0, until - x), 14, "fault"))
    text = f"injected within {words.length(end)}" if end is not None else "its end was never recorded"
    drawing.add(Label(max(until, x + 2) + 6, y + 11, text, "small"))
    return y + 14 + 10


def _phases(drawing: Drawing, scale: Scale, time: RecoveryTime, y: float) -> float:
    if not time.phases:
        return y
    y = row(drawing, scale, y, "Phases", _ROW_PX)
    badges: list[tuple[int, float]] = []
    for number, name, begin, end in numbered(time):
        left, right = scale.x(begin), scale.x(end)
        drawing.add(Box(left, y, max(1.0, right - left), _ROW_PX, f"phase phase-{(number - 1) % 8}"))
        text = f"{number} {name.replace('_', ' ')}"
        if right - left > 7.2 * len(text) + 8:
            drawing.add(Label((left + right) / 2, y + 17, text, "on-phase", "middle"))
        elif right - left > _BADGE_PX:
            drawing.add(Label((left + right) / 2, y + 17, str(number), "on-phase", "middle"))
        else:
            badges.append((number, (left + right) / 2))
    return _badges(drawing, scale, badges, y + _ROW_PX)


def _badges(drawing: Drawing, scale: Scale, badges: list[tuple[int, float]], y: float) -> float:
    """Numbers of bands too narrow to hold them, below, pushed apart, each with a line to its band."""
    if not badges:
        return y + 12
    places: list[float] = []
    for _, wanted in badges:
        places.append(max(wanted, places[-1] + _BADGE_PX) if places else max(wanted, scale.left + 6))
    over = max(0.0, places[-1] - (scale.right - 6))
    for (number, wanted), place in zip(badges, places, strict=True):
        drawing.add(Rule(wanted, y, place - over, y + 10, "leader"))
        drawing.add(Label(place - over, y + 21, str(number), "small", "middle"))
    return y + 32


def _operations(drawing: Drawing, scale: Scale, density: Density, y: float) -> float:
    up, down = 40.0, 26.0
    y = row(drawing, scale, y, "Operations", up - 22)
    drawing.add(*bars(density, scale, y + up, up, down))
    side = 100.0 if scale.left else scale.right
    drawing.add(Label(side, y + up - 8 if scale.left else y - 6, "served, up", "served-word", "end"))
    drawing.add(Label(side, y + up + 14 if scale.left else y + up + down, "bad, down", "bad-word", "end"))
    return y + up + down + 12


def _measured(
    drawing: Drawing, scale: Scale, time: RecoveryTime, objective: Judgement | None, y: float
) -> float:
    y = row(drawing, scale, y, "RTA", 14)
    lower, upper = scale.x(time.lower_seconds), scale.right
    if time.upper_seconds is not None:
        upper = scale.x(time.upper_seconds)
    drawing.add(Box(scale.x(0), y, lower - scale.x(0), 14, "certain"))
    drawing.add(Box(lower, y, max(1.0, upper - lower), 14, "between"))
    text = words.bounds(time.lower_seconds, time.upper_seconds)
    if objective and scale.holds(objective.declared_seconds):
        x = scale.x(objective.declared_seconds)
        drawing.add(Rule(x, y - 6, x, y + 20, "promise-line"))
        drawing.add(
            Label(x, y + 34, f"promised {words.declared(objective.declared_seconds)}", "small", "middle")
        )
    y += 28
    drawing.add(Label(scale.x(0) + 6, y, text, "small"))
    return y + 14


def _objective(report: Report, time: RecoveryTime) -> Judgement | None:
    rtos = (one for one in report.judgements if one.objective == "rto")
    return next((one for one in rtos if one.stream == time.stream), None)
