"""Every run of a series as its interval, to scale, beside the promise; the oldest on top."""

from __future__ import annotations

from collections.abc import Sequence

from rto_rpo.report import words
from rto_rpo.report.plots.drawing import Box, Drawing, Label, Rule, Scale, axis
from rto_rpo.series import sentences
from rto_rpo.series.gather import Past, Series

RUNS_MAX = 200
_ROW_PX, _ROW_MIN_PX, _HEIGHT_PX = 20.0, 4.0, 900.0
_NAMED_PX = 13.0  # a lower row has no room for its day
_TOP = 48.0
_WORD_PX = 104.0


def plot(series: Series, width: float, name: str) -> Drawing | None:
    """A drawing `width` pixels wide, of the newest runs at most; None where no run has any bound."""
    runs = series.runs[-RUNS_MAX:]
    longest = _longest(runs)
    limit = series.statistics.limit_seconds
    if longest <= 0 and limit <= 0:
        return None
    title = f"{sentences.promise(series)}, run by run"
    drawing = Drawing(name, title, describe(series), width)
    left = 112.0 if width >= 600 else 0.0
    # A promise far beyond all that was measured would leave the runs no room: an arrow points to it.
    end = max(longest, limit if limit <= 4 * longest or not longest else 0.0) * 1.06
    scale = Scale(0, end, left, width - _WORD_PX)
    height = max(_ROW_MIN_PX, min(_ROW_PX, _HEIGHT_PX / len(runs)))
    bottom = _TOP + height * len(runs)
    _promise(drawing, scale, limit, bottom)
    for place, past in enumerate(runs):
        _row(drawing, scale, past, _TOP + place * height, height)
    _words(drawing, scale, runs, height)
    zero = "the fault" if series.objective == "rto" else "the oldest lost write"
    axis(drawing, scale, bottom + 4, _bounds(drawing, scale, series), zero)
    return drawing


def describe(series: Series) -> str:
    """What the picture shows, for those who cannot see it."""
    text = f"{sentences.counted(series.statistics)}; each run's bounds, the oldest first."
    hidden = len(series.runs) - RUNS_MAX
    return text if hidden <= 0 else f"{text} The {RUNS_MAX} newest are drawn, {hidden} older ones are not."


def _longest(runs: Sequence[Past]) -> float:
    ends = [past.observation.upper_seconds or past.observation.lower_seconds for past in runs]
    return max(ends, default=0.0)


def _promise(drawing: Drawing, scale: Scale, limit: float, bottom: float) -> None:
    x = scale.x(limit)
    text = f"promised: at most {words.declared(limit)}"
    if not scale.holds(limit):
        text += " \N{RIGHTWARDS ARROW}"
    drawing.add(Box(scale.left, _TOP - 4, max(1.0, x - scale.left), bottom - _TOP + 8, "promise"))
    at_left = x - scale.left < 6.6 * len(text)
    drawing.add(Label(scale.left if at_left else x, 14, text, "small", "start" if at_left else "end"))


def _row(drawing: Drawing, scale: Scale, past: Past, y: float, height: float) -> None:
    seen, bar = past.observation, max(2.0, height - 6)
    top = y + (height - bar) / 2
    low = scale.x(seen.lower_seconds)
    high = scale.right if seen.upper_seconds is None else scale.x(seen.upper_seconds)
    if low > scale.left:
        drawing.add(Box(scale.left, top, max(2.0, low - scale.left), bar, "gone"))
    drawing.add(Box(low, top, max(2.0, high - low), bar, "between"))
    if scale.left and height >= _NAMED_PX:
        drawing.add(Label(0, y + height / 2 + 4, past.utc[:16].replace("T", " "), "tick"))


def _words(drawing: Drawing, scale: Scale, runs: Sequence[Past], height: float) -> None:
    """Name what was not met at its row, as far as there is room."""
    free = 0.0
    for place, past in enumerate(runs):
        y = _TOP + (place + 0.5) * height + 4
        if past.verdict != "met" and y >= free:
            endless = "\N{RIGHTWARDS ARROW} " if past.observation.upper_seconds is None else ""
            drawing.add(Label(scale.right + 4, y, f"{endless}{past.verdict}", "strong"))
            free = y + _NAMED_PX


def _bounds(drawing: Drawing, scale: Scale, series: Series) -> list[tuple[float, float]]:
    """The highest quantile that has an upper bound: a line over all rows, named."""
    bounded = [each for each in series.statistics.quantiles if each.upper_seconds is not None]
    if not bounded:
        return []
    best = bounded[-1]
    x = scale.x(best.upper_seconds or 0.0)
    which = "the median" if best.share == 0.5 else f"{sentences.percent(best.share)} of all"
    text = f"{which}: at most {words.at_most(best.upper_seconds or 0.0)}"
    at_left = x - scale.left < 6.6 * len(text)
    drawing.add(Label(x + 5 if at_left else x - 5, 32, text, "small", "start" if at_left else "end"))
    drawing.add(Rule(x, 22, x, 36, "axis"))
    return [(x, 22.0)]
