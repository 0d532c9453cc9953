"""A report of a run that may not be believed: every form that is made from it has to say so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from rto_rpo.report.model import Report
from rto_rpo.report.standing import standing

NOT_INTACT: Final = "not intact"
_STANDING = ("judgements", "split_brain", "checks")


def not_intact(findings: Sequence[str]) -> str:
    """What hashes and signatures show, in one sentence: the first finding, and how many more."""
    more = f", and {len(findings) - 1} more" if findings[1:] else ""
    return f"{NOT_INTACT}: {findings[0]}{more}"


def distrusted(content: dict[str, Any], why: str) -> dict[str, Any]:
    """The content of a report, in doubt and *inconclusive* for this reason, whatever was measured."""
    doubts = [why, *content["doubts"]]
    told = {
        name: [{**one, "standing": standing(one["verdict"], doubts)} for one in content[name]]
        for name in _STANDING
    }
    reasons = [why, *content["reasons"]]
    return {**content, **told, "verdict": "inconclusive", "reasons": reasons, "doubts": doubts}


def head(report: Report) -> str:
    """The first word of every form: the verdict, how it stands, or that nothing here is as it was left."""
    broken = any(doubt.startswith(f"{NOT_INTACT}: ") for doubt in report.doubts)
    return NOT_INTACT if broken else standing(report.verdict, report.doubts)
