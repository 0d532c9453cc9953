"""Pruning by the plan's own retention and hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from drills.closing import signing_key, told_as_ours
from drills.keeping import keep, kept_elsewhere
from rto_rpo.evidence import EvidenceError
from rto_rpo.evidence.keeping.chain import head
from rto_rpo.evidence.keeping.pruning import Prunable, prunable, prune
from sites.plan import Plan


@dataclass(frozen=True, slots=True)
class Taken:
    """The folders that lost their files, and what should have followed and did not."""

    folders: tuple[str, ...]
    not_done: tuple[str, ...]


def look(plan: Plan) -> tuple[Prunable, ...]:
    """What pruning would take, and what it would keep and why. Changes nothing. Raises BlackstartError."""
    with told_as_ours("look through", str(plan.evidence.path)):
        evidence, now = plan.evidence, datetime.now(UTC)
        return prunable(evidence.path, _retention(plan), evidence.hold, now, plan.name)


def take(plan: Plan) -> Taken:
    """Delete what may go, once the chain's head is kept elsewhere and the chain says what goes.

    Raises BlackstartError, and has deleted nothing, when the head cannot be kept.
    """
    evidence = plan.evidence
    with told_as_ours("prune", str(evidence.path)):
        _keep_first(plan)
        before = head(evidence.path)
        gone = prune(
            evidence.path,
            plan=plan.name,
            retention=_retention(plan),
            hold=evidence.hold,
            key=signing_key(plan),
            now=datetime.now(UTC),
        )
        changed = head(evidence.path) != before
    return Taken(gone, tuple(kept_elsewhere(plan, None)) if changed else ())


def _keep_first(plan: Plan) -> None:
    """Whatever was said so far can be shown later, by others, before the files that it was about are gone."""
    try:
        keep(plan, None)
    except EvidenceError as error:
        raise EvidenceError(
            f"nothing was deleted: {error}", hint="pruning waits until a head can be kept there again"
        ) from None


def _retention(plan: Plan) -> timedelta:
    return timedelta(seconds=plan.evidence.retention.seconds)
