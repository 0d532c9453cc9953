"""The history of an evidence folder: on the terminal, as a page, as JSON."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator

from flows.evidence.results import not_intact
from flows.terminal.answer import columns, plain
from rto_rpo.report.plots.drawing import short
from rto_rpo.series import sentences
from rto_rpo.series.gather import History, Series
from rto_rpo.series.page import page
from sites.errors import GuardError

ROWS_MAX = 20
_WIDTH = 110
_WHY_MAX = 60


def lines(history: History) -> list[str]:
    """All series; of each the newest runs. What may not be believed comes first."""
    told = not_intact(history.findings)
    for series in history.series:
        told += [*series_lines(series), ""]
    if not history.series:
        told.append("no run judged a promise yet")
    told += [f"not counted: {one}" for one in history.apart]
    return [*told, *_wrapped(sentences.ASSUMED)]


def series_lines(series: Series) -> list[str]:
    """One series: what follows, how long it takes, run by run."""
    found = series.statistics
    head = f"{sentences.promise(series)}  (drill {series.drill}, plan {series.plan})"
    told = [line for sentence in sentences.told(series) for line in _wrapped(sentence)]
    quantiles = [sentences.quantile(one, found.runs) for one in found.quantiles]
    sure = f"({sentences.percent(found.confidence)} confidence each)"
    shares = columns([("how long", "at least", f"at most  {sure}"), *quantiles])
    return [head, *_indented(told), "", *_indented(shares), "", *_indented(_runs(series))]


def rendered(history: History, form: str) -> bytes:
    """The page, or JSON. Raises GuardError for any other format."""
    match form:
        case "html":
            return page(history).encode()
        case "json":
            return json.dumps(plain(history), indent=2, sort_keys=True).encode() + b"\n"
    raise GuardError(f"a history is not written as {form}", hint="--format html|json")


def _runs(series: Series) -> Iterator[str]:
    newest = series.runs[-ROWS_MAX:]
    rows = [
        (past.folder, sentences.measured(past), past.verdict, short(past.why, _WHY_MAX)) for past in newest
    ]
    yield from columns([("run", "measured", "promise", "why"), *rows])
    if hidden := len(series.runs) - len(newest):
        yield f"and {hidden} older: --json and --format html have them all"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH)


def _indented(told: list[str] | Iterator[str]) -> list[str]:
    return [f"  {line}".rstrip() for line in told]
