"""What has to hold before automatic trading goes on, and what this drill showed of it. Most show little."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from rto_rpo.answering import FAILBACK, WINDOW
from rto_rpo.measurement import Verdict
from rto_rpo.refusal import fence_kinds
from rto_rpo.report import versions
from rto_rpo.report.answers import shown
from rto_rpo.report.model import Report
from rto_rpo.report.proof import against_safe
from rto_rpo.report.standing import standing


@dataclass(frozen=True, slots=True)
class Safety:
    """`state`: met, "met, in doubt", missed, inconclusive, or "not run"."""

    what: str
    state: str
    why: str


_PARITY = "Code, configuration and schema are the same at both sites"
# What is looked for: (what it is, the one word that answers it). What a check's name is like answers nothing.
CHECKS: Final = (
    ("The market was closed, with a margin", WINDOW),
    ("The other site could not reach the live broker while it was isolated", "isolated"),
    ("The kill switch worked with the primary gone", "kill"),
    ("Cancel-on-disconnect was seen", "cancel-on-disconnect"),
    ("Orders agree with the venue", "orders"),
    ("Fills agree with the venue", "fills"),
    ("Positions agree with the venue", "positions"),
    ("Cash agrees with the venue", "cash"),
    ("Limits, loss counters and halts were restored and did not reset", "limits"),
    ("Market data: the gap was found and filled", "market-data"),
    ("Secrets decrypt without the primary", "secrets"),
    ("Clocks agree", "clocks"),
    (_PARITY, "parity"),
    ("Moved back, so that the other site is standby again", FAILBACK),
)


def safety(report: Report) -> Iterator[Safety]:
    """Everything on the list, and what nobody looked at as prominent as what passed."""
    yield _one_writer(report)
    yield _dead(report)
    yield _orders(report)
    checks = [*shown(report)]
    for what, word in CHECKS:
        found = [one for one in checks if word in one.answers]
        if what == _PARITY and not found and (unlike := versions.unlike(report)):
            yield Safety(what, "missed", f"not of one version: {'; '.join(unlike)}")
        elif found:
            for one in found:
                yield Safety(what, standing(one.verdict, report.doubts), f"{one.name}: {one.reason}")
        else:
            yield Safety(what, "not run", "no check of this drill looked")


def _one_writer(report: Report) -> Safety:
    what = "One writer only: the old primary took nothing once the new side served"
    worst = [one for one in report.split_brain if one.verdict != "met"] or list(report.split_brain)
    if not worst:
        return Safety(what, "not run", "nothing was sent to the old primary's own address")
    return Safety(what, worst[0].standing, worst[0].reason)


def _dead(report: Report) -> Safety:
    what = "The old primary is dead or cut off"
    fenced = next((one for one in report.timeline.events if one.name == "fenced"), None)
    if fenced is None:
        return Safety(what, "not run", "nobody fenced it in this drill")
    kinds = fence_kinds(fenced.detail)
    verdict: Verdict = "met" if kinds and "operator" not in kinds else "inconclusive"
    return Safety(what, standing(verdict, report.doubts), str(fenced.detail.get("how") or "fenced"))


def _orders(report: Report) -> Safety:
    what = "Every order was known before anything traded again"
    if report.safe is None:
        return Safety(what, "not run", "this drill did not ask for that proof")
    if report.instrument.void:
        return Safety(what, "inconclusive", "the run proves nothing")
    if not report.safe.reached:
        return Safety(what, "missed", report.safe.reason)
    if taken := against_safe(report):
        return Safety(what, *taken)
    return Safety(what, standing("met", report.doubts), report.safe.reason)
