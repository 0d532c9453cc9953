"""How far a verdict on one thing may be believed, given all that is in doubt about its run."""

from __future__ import annotations

from rto_rpo.measurement import Decision, Measurement, Verdict
from rto_rpo.report.model import Standing

IN_DOUBT: Standing = "met, in doubt"


def doubts(measured: Measurement, decision: Decision) -> list[str]:
    """Why nothing good follows from the run, whatever it measured: why it is void, and what else is in doubt.

    The judge says first why a run is void, then what it finds of judgements, splits and checks; what is left
    are doubts about the run itself: not calibrated, orphaned, cut off, a fault that took no effect.
    """
    told = len(decision.judgements) + len(measured.split_brain) + len(measured.checks)
    void = [measured.void] if measured.void is not None else []
    return [*void, *decision.reasons[len(void) + told :]]


def standing(verdict: Verdict, doubts: list[str]) -> Standing:
    """*Met* only where nothing about the run is in doubt."""
    return IN_DOUBT if verdict == "met" and doubts else verdict
