"""What the retest of a person's finding asks for, and what a run says to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rto_rpo.dossier.digest import Digest
from rto_rpo.dossier.finding import SEVERITIES
from rto_rpo.dossier.judged import fault_of
from rto_rpo.dossier.observation import Observation
from rto_rpo.dossier.observed import WORST_FIRST
from rto_rpo.evidence.lines.record import Retest
from rto_rpo.report.model import Judgement


def asked(retest: Retest, found: Digest) -> tuple[Judgement, ...]:
    """What of it a run judged: of a whole drill every objective."""
    return tuple(
        one
        for one in found.judgements
        if retest.subject in {None, one.subject} and retest.objective in {None, one.objective}
    )


def answer(retest: Retest, found: Digest, seen: Sequence[Observation]) -> Observation | None:
    """What a run of the drill says to it; None where it says nothing. `seen` is all that it says."""
    judged = asked(retest, found)
    if retest.subject is None and retest.objective is None:
        return _whole(found, seen, judged)
    keys = {("objective", one.subject, one.objective) for one in judged}
    told = [replace(one, judged=(found, judged)) for one in seen if one.key in keys]
    return min(told, key=lambda one: WORST_FIRST(one.verdict), default=None)


def _whole(found: Digest, seen: Sequence[Observation], judged: tuple[Judgement, ...]) -> Observation:
    """The verdict on the drill; *met* only where the run is in no doubt."""
    verdict, reasons = found.verdict, found.reasons
    if verdict == "met" and found.doubted:
        verdict, reasons = "inconclusive", found.troubles
    missed = [one.severity for one in seen if one.verdict == "missed"]
    severity = min(missed, key=SEVERITIES.index) if missed else "high"
    told = "; ".join(reasons)
    return Observation(
        ("drill",), f"drill {found.drill}", verdict, told, severity, fault_of(found), (found, judged)
    )
