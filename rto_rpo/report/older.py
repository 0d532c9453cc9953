"""Reports of older forms, brought into today's: they are kept for years, and are never written anew.

The form has a number, counted up whenever what report.json holds changes; a test holds it against the model.
"""

from __future__ import annotations

from typing import Any, Final

from rto_rpo.report.standing import standing

OLDER_FORMS: Final = frozenset({"blackstart/report/1"})


def current(content: dict[str, Any]) -> dict[str, Any]:
    """A stored report in today's form; one of a form that is not known is given back as it is."""
    return _from_1(content) if content.get("schema") == "blackstart/report/1" else content


def _from_1(content: dict[str, Any]) -> dict[str, Any]:
    """Form 1 did not say apart what was in doubt, nor how that touched each judgement, nor any version."""
    judged = ("judgements", "split_brain", "checks")
    void = content["instrument"]["void"]
    told = sum(len(content[name]) for name in judged) + (void is not None)
    doubts = [*([void] if void is not None else []), *content["reasons"][told:]]
    stood = {
        name: [{**one, "standing": standing(one["verdict"], doubts)} for one in content[name]]
        for name in judged
    }
    return {**content, "schema": "blackstart/report/2", "doubts": doubts, "versions": [], **stood}
