"""Whether the proof that it was safe to go on stands: the gate's word alone does not make it.

The gate says when it held. Whoever saw a second writer, or found orders that do not agree, knows better.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rto_rpo.measurement import Verdict
from rto_rpo.report.model import Judgement, Report

_GATE = ("check", "responder")
_WORST_FIRST: tuple[Verdict, ...] = ("missed", "inconclusive")


def gate_checks(events: Iterable[tuple[str, str, object]]) -> list[str]:
    """The names of the checks that a gate of the user's own gave, of (name, source, the check's name).

    The drill's own (how its runbook ended, whether its fault was undone) come from the drill.
    """
    return sorted({check for *of, check in events if tuple(of) == _GATE and isinstance(check, str)})


def against(
    splits: Sequence[tuple[Verdict, str]],
    checks: Sequence[tuple[Verdict, str]],
    judgements: Iterable[Judgement],
) -> tuple[Verdict, str] | None:
    """The worst that takes the proof away, and why; None where nothing does.

    `splits` and `checks` are what was seen at an old primary's own address, and what the gate's checks say.
    Of writes that were lost beyond their promise nobody can tell whether they were orders that it knew of.
    """
    told = [*((verdict, f"one writer: {why}") for verdict, why in splits), *checks]
    lost = [one for one in judgements if one.objective == "rpo" and one.verdict == "missed"]
    told += [("inconclusive", f"{one.subject} RPO missed: {one.reason}") for one in lost]
    for worst in _WORST_FIRST:
        if reasons := [why for verdict, why in told if verdict == worst]:
            return worst, "; ".join(reasons)
    return None


def against_safe(report: Report) -> tuple[Verdict, str] | None:
    """What takes the proof of this report away."""
    names = gate_checks((one.name, one.source, one.detail.get("name")) for one in report.timeline.events)
    return against(
        [(one.verdict, one.reason) for one in report.split_brain],
        [(one.verdict, f"{one.name}: {one.reason}") for one in report.checks if one.name in names],
        report.judgements,
    )
