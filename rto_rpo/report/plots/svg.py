"""A drawing as inline SVG. Only texts come from outside, and they are made visible and escaped."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from markupsafe import Markup, escape

from rto_rpo.report.plots.drawing import Area, Box, Drawing, Label, Rule
from rto_rpo.report.visible import visible


def svg(drawing: Drawing, place: str) -> Markup:
    """The element; `place` is the class that says on which width it is shown."""
    return Markup("\n".join(_lines(drawing, place)))  # noqa: S704 - built from numbers and escaped texts


def _lines(drawing: Drawing, place: str) -> Iterator[str]:
    name = escape(drawing.name)
    box = f"0 0 {drawing.width:.0f} {ceil(drawing.height)}"
    yield (
        f'<svg class="plot {escape(place)}" viewBox="{box}" role="img" aria-labelledby="{name}-t {name}-d">'
    )
    yield f'<title id="{name}-t">{_text(drawing.title)}</title>'
    yield f'<desc id="{name}-d">{_text(drawing.description)}</desc>'
    for shape in drawing.shapes:
        yield _shape(shape)
    yield "</svg>"


def _shape(shape: Box | Rule | Label | Area) -> str:
    style = escape(shape.style)
    match shape:
        case Box():
            size = f'width="{shape.width:.1f}" height="{shape.height:.1f}"'
            return f'<rect class="{style}" x="{shape.x:.1f}" y="{shape.y:.1f}" {size}/>'
        case Rule():
            ends = f'x1="{shape.x1:.1f}" y1="{shape.y1:.1f}" x2="{shape.x2:.1f}" y2="{shape.y2:.1f}"'
            return f'<line class="{style}" {ends}/>'
        case Area():
            return f'<path class="{style}" d="{escape(shape.path)}"/>'
        case Label():
            at = f'x="{shape.x:.1f}" y="{shape.y:.1f}" text-anchor="{shape.anchor}"'
            return f'<text class="{style}" {at}>{_text(shape.text)}</text>'


def _text(text: str) -> Markup:
    return escape(visible(text))
