"""The history as one self-contained page."""

from __future__ import annotations

from rto_rpo.report.forms.html import WIDTHS, templates
from rto_rpo.report.plots.drawing import Drawing
from rto_rpo.series import sentences
from rto_rpo.series.gather import History, Series
from rto_rpo.series.plot import plot


def page(history: History) -> str:
    template = templates().get_template("history.html")
    plots = [_plots(place, series) for place, series in enumerate(history.series)]
    return template.render(history=history, plots=plots, told=sentences)


def _plots(place: int, series: Series) -> dict[str, Drawing]:
    return {
        name: drawing
        for name, width in WIDTHS.items()
        if (drawing := plot(series, width, f"series-{place}-{name}"))
    }
