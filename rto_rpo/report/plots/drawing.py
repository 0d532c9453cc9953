"""What a plot is made of. Coordinates are CSS pixels; a style is a class of the page's style sheet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import ceil, floor, log10
from typing import Literal

_HAIR = 1e-9
_EDGE_PX = 12.0
Anchor = Literal["start", "middle", "end"]


@dataclass(frozen=True, slots=True)
class Box:
    x: float
    y: float
    width: float
    height: float
    style: str
    shape: str = "box"


@dataclass(frozen=True, slots=True)
class Rule:
    x1: float
    y1: float
    x2: float
    y2: float
    style: str
    shape: str = "rule"


@dataclass(frozen=True, slots=True)
class Label:
    x: float
    y: float
    text: str
    style: str = "label"
    anchor: Anchor = "start"
    shape: str = "label"


@dataclass(frozen=True, slots=True)
class Area:
    """A filled path, in SVG's path language."""

    path: str
    style: str
    shape: str = "area"


@dataclass(slots=True)
class Drawing:
    """Shapes from back to front. `title` and `description` are read out in place of the picture."""

    name: str
    title: str
    description: str
    width: float
    height: float = 0
    shapes: list[Box | Rule | Label | Area] = field(default_factory=list)

    def add(self, *shapes: Box | Rule | Label | Area) -> None:
        self.shapes.extend(shapes)


@dataclass(frozen=True, slots=True)
class Scale:
    """Seconds to pixels, linear: lengths in the picture are as the lengths in time."""

    begin_seconds: float
    end_seconds: float
    left: float
    right: float

    def x(self, seconds: float) -> float:
        """The place of an instant, held within the picture."""
        span = self.end_seconds - self.begin_seconds
        share = (seconds - self.begin_seconds) / span if span > 0 else 0.0
        return round(self.left + min(1.0, max(0.0, share)) * (self.right - self.left), 2)

    def holds(self, seconds: float) -> bool:
        return self.begin_seconds <= seconds <= self.end_seconds

    def ticks(self, about: int) -> Iterator[tuple[float, str]]:
        """Round instants, some `about` of them, each with its label."""
        step = round_step((self.end_seconds - self.begin_seconds) / max(1, about))
        digits = max(0, -floor(log10(step)))
        first, last = ceil(self.begin_seconds / step - _HAIR), floor(self.end_seconds / step + _HAIR)
        for index in range(first, last + 1):
            yield index * step, f"{index * step:.{digits}f}".replace("-", "\N{MINUS SIGN}")


def row(drawing: Drawing, scale: Scale, y: float, text: str, height: float) -> float:
    """Name a row, at its left where there is room, else above it. Gives the y where its content begins."""
    if scale.left:
        drawing.add(Label(0, y + height / 2 + 4, text))
        return y
    drawing.add(Label(0, y + 12, text))
    return y + 18


def axis(drawing: Drawing, scale: Scale, y: float, marks: list[tuple[float, float]], zero: str) -> None:
    """End the drawing with its axis at `y`. `marks` are lines from the axis up: (x, y of the upper end).

    `zero` names the moment from which the seconds count.
    """
    drawing.height = y + 34
    drawing.shapes[:0] = [Rule(x, top, x, y, "mark") for x, top in marks]
    drawing.add(Rule(scale.left, y, scale.right, y, "axis"))
    for seconds, text in scale.ticks(8 if scale.left else 4):
        x = scale.x(seconds)
        at_edge = x < _EDGE_PX
        drawing.add(Rule(x, y, x, y + 5, "axis"))
        drawing.add(Label(0 if at_edge else x, y + 17, text, "tick", "start" if at_edge else "middle"))
    drawing.add(Label(scale.right, y + 31, f"seconds from {zero}", "tick", "end"))


def short(text: str, limit: int) -> str:
    """The text, cut with an ellipsis when it is longer than `limit`."""
    return text if len(text) <= limit else text[: limit - 1] + "\N{HORIZONTAL ELLIPSIS}"


def round_step(rough: float) -> float:
    """The next round number (1, 2 or 5 times a power of ten) that is not smaller."""
    if rough <= 0:
        return 1.0
    power = 10.0 ** floor(log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
