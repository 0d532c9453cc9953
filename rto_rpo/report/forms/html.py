"""report.html: one self-contained page. No script, no network, everything hostile escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from rto_rpo import JUDGE
from rto_rpo.controls.answers import field_of
from rto_rpo.controls.assess import states_of, tally
from rto_rpo.dossier.cells import grid, sum_up
from rto_rpo.dossier.dossier import Dossier
from rto_rpo.dossier.finding import summed
from rto_rpo.dossier.history import Promise
from rto_rpo.report import aftermath, backups, damage, people, sentences, versions, words
from rto_rpo.report.distrust import head
from rto_rpo.report.forms.contents import css_text, with_contents
from rto_rpo.report.maker import maker
from rto_rpo.report.model import Report
from rto_rpo.report.plots.drawing import Drawing
from rto_rpo.report.plots.outage import numbered, outage
from rto_rpo.report.plots.overview import overview
from rto_rpo.report.plots.svg import svg
from rto_rpo.report.plots.trend import trend
from rto_rpo.report.safety import safety
from rto_rpo.report.standing import standing
from rto_rpo.report.visible import visible
from rto_rpo.website import names

WIDTHS = {"wide": 940.0, "paper": 660.0, "narrow": 350.0}
_TREND_HEIGHTS = {"wide": 150.0, "paper": 92.0, "narrow": 150.0}
_DETAIL_MAX = 600
_STATES = {
    *("met", "met, in doubt", "missed", "inconclusive", "held", "not met", "not tested", "not run", "n.a."),
    *("open", "accepted", "closed", "critical", "high", "medium", "low"),
}


def html(content: dict[str, Any], dossier: Dossier | None = None, *, links: bool = False) -> str:
    """The page of a report's content (as in report.json).

    `dossier`: what the rest of the evidence says beside it. `links`: to the other pages of a web site.
    """
    report = Report.model_validate(content)
    page = templates().get_template("report.html")
    return with_contents(
        page.render(
            report=report,
            dossier=dossier,
            links=links,
            maker=maker(),
            overviews=_overviews(report),
            outages=_outages(report),
            trends=trends(dossier.promises if dossier else ()),
        )
    )


def trends(promises: Iterable[Promise], name: str = "p") -> list[tuple[Promise, dict[str, Drawing]]]:
    """Each promise with its plots, one for each width."""
    return [
        (
            promise,
            {
                place: trend(promise, width, f"trend-{name}-{number}-{place}", _TREND_HEIGHTS[place])
                for place, width in WIDTHS.items()
            },
        )
        for number, promise in enumerate(promises)
    ]


@cache
def templates() -> Environment:
    """Where pages come from: everything escaped, and shown as it is where it would not be seen."""
    made = Environment(
        loader=PackageLoader("rto_rpo.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )
    made.globals.update(
        sentences=sentences,
        words=words,
        numbered=numbered,
        backups=backups,
        people=people,
        safety=safety,
        svg=svg,
        versions=versions,
        head=head,
        damage=damage,
        tally=tally,
        states_of=states_of,
        summed=summed,
        standing=standing,
    )
    made.globals.update(
        field_of=field_of, names=names, grid=grid, sum_up=sum_up, aftermath=aftermath, JUDGE=JUDGE
    )
    made.filters.update(detail=_detail, hash=_hash, style=_style, shortened=_shortened, css=_css)
    made.filters["address"] = _address
    return made


def _visible(value: object) -> object:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _detail(detail: dict[str, Any]) -> str:
    """An event's detail on one line, cut when it is long: the ledger has it whole."""
    text = "; ".join(words.told(name, value) for name, value in detail.items())
    return text if len(text) <= _DETAIL_MAX else text[: _DETAIL_MAX - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _hash(text: str) -> Markup:
    """A long hash that may be broken at every eighth digit."""
    parts = [text[place : place + 8] for place in range(0, len(text), 8)]
    return Markup("<wbr>").join(parts)


def _address(text: str) -> Markup:
    """A long address that may be broken between its words, and not within them."""
    return Markup("<wbr>").join(re.findall(r"[A-Za-z0-9]*[^A-Za-z0-9]?", visible(text)))


def _shortened(names: list[str], most: int) -> str:
    """Some names, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more:,} more" if more > 0 else "")


def _css(text: str) -> Markup:
    """Text in the style sheet, for the head of each printed page."""
    return Markup(css_text(visible(text)))  # noqa: S704 - nothing but letters, digits and escapes


def _style(state: str) -> str:
    """The class of a state: one of a few, whatever the text."""
    return state.replace(" ", "-").replace(".", "").replace(",", "") if state in _STATES else "unknown"


def _overviews(report: Report) -> dict[str, Drawing]:
    return {name: drawing for name, width in WIDTHS.items() if (drawing := overview(report, width))}


def _outages(report: Report) -> dict[str, dict[str, Drawing]]:
    return {
        time.stream: {
            name: drawing for name, width in WIDTHS.items() if (drawing := outage(report, time, width))
        }
        for time in report.recovery_times
    }
