"""Pruning by the plan's own retention and hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from drills.closing import signing_key, told_as_ours
from drills.keeping import keep
from rto_rpo.evidence.keeping.pruning import Prunable, prunable, prune
from sites.plan import Plan


def look(plan: Plan) -> tuple[Prunable, ...]:
    """What pruning would take, and what it would keep and why. Changes nothing. Raises BlackstartError."""
    with told_as_ours("look through", str(plan.evidence.path)):
        evidence, now = plan.evidence, datetime.now(UTC)
        return prunable(evidence.path, _retention(plan), evidence.hold, now, plan.name)


def take(plan: Plan) -> tuple[str, ...]:
    """Delete what may go, once the chain says so and its head is kept. Raises BlackstartError."""
    evidence = plan.evidence
    with told_as_ours("prune", str(evidence.path)):
        gone = prune(
            evidence.path,
            plan=plan.name,
            retention=_retention(plan),
            hold=evidence.hold,
            key=signing_key(plan),
            now=datetime.now(UTC),
        )
        keep(plan, None)
        return gone


def _retention(plan: Plan) -> timedelta:
    return timedelta(seconds=plan.evidence.retention.seconds)
