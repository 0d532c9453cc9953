"""Operations over time as bars: served ones up, bad ones down, so that they differ in more than colour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rto_rpo.report.model import Density
from rto_rpo.report.plots.drawing import Area, Rule, Scale

_BAR_MIN_PX = 3.0


def bars(
    density: Density, scale: Scale, base: float, up: float, down: float, prefix: str = ""
) -> Iterator[Area | Rule]:
    """Bars around the line y = `base`, at most `up` and `down` pixels high. `prefix` is their styles'."""
    merged = _merge(density, scale)
    highest = max([1, *merged.served, *merged.bad])
    yield Area(_path(merged, merged.served, scale, base, -up / highest), f"{prefix}served")
    yield Area(_path(merged, merged.bad, scale, base, down / highest), f"{prefix}bad")
    yield Rule(scale.left, base, scale.right, base, "axis")


def _merge(density: Density, scale: Scale) -> Density:
    """Draw neighbours together until a bin is at least two pixels wide."""
    bins = (scale.end_seconds - scale.begin_seconds) / density.bin_seconds
    factor = max(1, round(2 * bins / (scale.right - scale.left)))
    return density.model_copy(
        update={
            "bin_seconds": density.bin_seconds * factor,
            "served": _sums(density.served, factor),
            "bad": _sums(density.bad, factor),
        }
    )


def _sums(counts: Sequence[int], factor: int) -> list[int]:
    return [sum(counts[place : place + factor]) for place in range(0, len(counts), factor)]


def _path(density: Density, counts: Sequence[int], scale: Scale, base: float, pixels_each: float) -> str:
    parts = []
    for place, number in enumerate(counts):
        begin = density.begin_at_seconds + place * density.bin_seconds
        if number and begin + density.bin_seconds > scale.begin_seconds and begin < scale.end_seconds:
            left, right = scale.x(begin), scale.x(begin + density.bin_seconds)
            height = number * pixels_each
            if abs(height) < _BAR_MIN_PX:
                height = _BAR_MIN_PX if pixels_each > 0 else -_BAR_MIN_PX
            width = max(1.0, right - left - (0.5 if right - left > 2 else 0))
            parts.append(f"M{left:.1f} {base:.1f}v{height:.1f}h{width:.1f}v{-height:.1f}z")
    return "".join(parts)
