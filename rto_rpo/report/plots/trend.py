"""How a promise fared, drill after drill: a bar up to the bounds, and the promise as a line."""

from __future__ import annotations

from rto_rpo.dossier.history import Point, Promise
from rto_rpo.report import words
from rto_rpo.report.plots.drawing import Area, Drawing, Label, Rule, round_step, short

SHOWN_MAX = 60
_TOP = 26.0
_SIGN = 5.0


def trend(promise: Promise, width: float, name: str, height: float = 150.0) -> Drawing:
    """The newest drills of one promise, the oldest at the left, each at an equal distance from the next.

    `height`: of the bars alone.
    """
    points = promise.points[-SHOWN_MAX:]
    title = f"{promise.subject} {promise.objective.upper()}, run after run of {promise.drill}"
    drawing = Drawing(name, title, describe(promise), width, _TOP + height + 42)
    left, right = 64.0, width - 12
    top = _highest(points)
    base = _TOP + height
    for part in range(int(top / (tick := round_step(top / 3.5))) + 1):
        y = base - part * tick / top * height
        drawing.add(Rule(left, y, right, y, "grid" if part else "axis"))
        drawing.add(Label(left - 8, y + 4, words.length(part * tick), "tick", "end"))
    step = (right - left) / len(points)
    bars = _Bars(min(26.0, 0.6 * step), base, height / top)
    for place, point in enumerate(points):
        bars.take(point, left + (place + 0.5) * step)
    drawing.add(*(Area("".join(paths), style) for style, paths in bars.paths.items()))
    _promised(drawing, points, left, step, base, top)
    drawing.add(Label(left, base + 18, points[0].utc[:10], "tick"))
    if len(points) > 1:
        drawing.add(Label(right, base + 18, points[-1].utc[:10], "tick", "end"))
    return drawing


def describe(promise: Promise) -> str:
    """What the picture shows, for those who cannot see it."""
    counts = [
        f"{promise.count(one)} {one}" for one in ("met", "missed", "inconclusive") if promise.count(one)
    ]
    newest = promise.newest
    measured = words.bounds(newest.lower_seconds, newest.upper_seconds)
    shown = f"the newest {SHOWN_MAX} of " if len(promise.points) > SHOWN_MAX else ""
    runs = words.count(len(promise.points), "run")
    return f"{shown}{runs}: {', '.join(counts)}. Newest: {measured}."


def _highest(points: tuple[Point, ...]) -> float:
    """The top of the scale: the longest bound, and the promise too where it is not far above."""
    measured = max((point.upper_seconds or point.lower_seconds or 0.0 for point in points), default=0.0)
    declared = max(point.declared_seconds for point in points)
    if not measured:
        return declared or 1.0
    return 1.15 * (max(measured, declared) if declared <= 4 * measured else measured)


class _Bars:
    """The bars and signs, all of one style in one path."""

    def __init__(self, width: float, base: float, pixels_each_second: float) -> None:
        self.paths: dict[str, list[str]] = {}
        self._width, self._base, self._pixels = width, base, pixels_each_second

    def take(self, point: Point, x: float) -> None:
        lower = self._base - (point.lower_seconds or 0.0) * self._pixels
        upper = _TOP if point.upper_seconds is None else self._base - point.upper_seconds * self._pixels
        if point.lower_seconds:
            self._bar("gone", x, lower, self._base - lower)
        style = "endless" if point.upper_seconds is None else "between"
        self._bar(style, x, upper, max(1.5, lower - upper))
        self.paths.setdefault(f"sign-{point.verdict}", []).append(_sign(point.verdict, x, _TOP - 12))

    def _bar(self, style: str, x: float, y: float, height: float) -> None:
        half = self._width / 2
        path = f"M{x - half:.1f} {y:.1f}h{self._width:.1f}v{height:.1f}h{-self._width:.1f}z"
        self.paths.setdefault(style, []).append(path)


def _sign(verdict: str, x: float, y: float) -> str:
    """Each verdict has its own shape: a disc, a cross, a diamond."""
    size = _SIGN
    if verdict == "met":
        return f"M{x - size:.1f} {y:.1f}a{size} {size} 0 1 0 {2 * size} 0a{size} {size} 0 1 0 {-2 * size} 0z"
    if verdict == "missed":
        arms = f"M{x - size:.1f} {y - size:.1f}l{2 * size} {2 * size}M{x + size:.1f} {y - size:.1f}"
        return f"{arms}l{-2 * size} {2 * size}"
    return f"M{x:.1f} {y - size:.1f}l{size} {size}l{-size} {size}l{-size} {-size}z"


def _promised(
    drawing: Drawing, points: tuple[Point, ...], left: float, step: float, base: float, top: float
) -> None:
    """The promise as it was declared then; where it changed, a step."""
    declared = points[-1].declared_seconds
    text = f"promised {words.declared(declared)}"
    right = left + step * len(points)
    if declared > top:
        middle = (left + right) / 2
        drawing.add(Label(middle, base + 34, f"{text}, far above this picture", "small", "middle"))
        return
    path = ""
    for place, point in enumerate(points):
        if point.declared_seconds <= top:
            y = base - point.declared_seconds * (base - _TOP) / top
            path += f"M{left + place * step:.1f} {y:.1f}h{step:.1f}"
    drawing.add(Area(path, "promise-line"))
    if declared == 0:  # the line lies on the axis, and words above it would lie on the bars
        drawing.add(Label((left + right) / 2, base + 34, text, "small", "middle"))
        return
    y = base - declared * (base - _TOP) / top
    drawing.add(Label(right, y - 6 if y > _TOP + 24 else y + 16, short(text, 40), "small", "end"))
