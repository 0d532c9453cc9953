"""What makes a drill impossible, or its verdict meaningless."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from rto_rpo.objective import Duration
from sites.plan.exercise import Drill, KillSite, ObjectiveKind
from sites.plan.plan import Plan
from sites.plan.problem import Place

INTERVALS_IN_STABLE_MIN = 10

Found = Iterator[tuple[Place, str]]


def drill_contradictions(plan: Plan, drill: Drill, place: Place) -> Found:
    yield from _response(plan, drill, place)
    yield from _judge(plan, drill, (*place, "judge"))
    yield from _times(plan, drill, place)
    yield from _canary(plan, drill, (*place, "canary"))


def _response(plan: Plan, drill: Drill, place: Place) -> Found:
    if drill.respond != "runbook":
        return
    if plan.failover is None:
        yield (*place, "respond"), 'the runbook is derived from "failover", which is not declared'
    elif isinstance(drill.fault, KillSite) and drill.fault.site != plan.failover.from_site:
        yield (
            (*place, "fault", "site"),
            f'"{drill.fault.site}" is not the site that the runbook fails over from; '
            f'that is "{plan.failover.from_site}"',
        )


def _judge(plan: Plan, drill: Drill, place: Place) -> Found:
    declared = plan.objectives()
    measured = {drill.canary.service: "rto", drill.canary.dataset: "rpo"}
    for subject, objectives in drill.judge.items():
        if subject not in plan.services and subject not in plan.datasets:
            continue
        for at, objective in enumerate(objectives):
            if (subject, objective) not in declared:
                has = ", ".join(o for o in get_args(ObjectiveKind) if (subject, o) in declared) or "none"
                yield (*place, subject, at), f'"{subject}" declares no {objective}; declared there: {has}'
            elif measured.get(subject) != objective:
                yield (
                    (*place, subject, at),
                    f"nothing in this drill measures it; its canary measures the rto of "
                    f'"{drill.canary.service}" and the rpo of "{drill.canary.dataset}"',
                )


def _times(plan: Plan, drill: Drill, place: Place) -> Found:
    declared = plan.objectives()
    judged = [
        declared[s, o]
        for s, objectives in drill.judge.items()
        for o in objectives
        if (s, o) in declared and o == "rto"
    ]
    rto = max(judged, default=Duration(0))
    least = Duration(rto.ns + drill.stable.ns)
    if drill.deadline < least:
        yield (
            (*place, "deadline"),
            f"{drill.deadline} is shorter than rto + stable ({rto} + {drill.stable}); make it at least {least}",
        )
    interval = Duration(drill.canary.rate.interval_ns * INTERVALS_IN_STABLE_MIN)
    if drill.stable < interval:
        yield (
            (*place, "stable"),
            f"{drill.stable} is shorter than {INTERVALS_IN_STABLE_MIN} writes at {drill.canary.rate}; "
            f"make it at least {interval}, or the rate higher",
        )
    if drill.late and drill.late > drill.canary.limit:
        yield (
            (*place, "late"),
            f"{drill.late} is longer than the canary waits for an answer ({drill.canary.limit}); make it shorter",
        )


def _canary(plan: Plan, drill: Drill, place: Place) -> Found:
    service = plan.services.get(drill.canary.service)
    if service is None:
        return
    if service.endpoint is None:
        yield (*place, "service"), f'service "{drill.canary.service}" declares no endpoint to write to'
    if drill.canary.dataset in plan.datasets and drill.canary.dataset not in _needed(
        plan, drill.canary.service
    ):
        yield (
            (*place, "dataset"),
            f'service "{drill.canary.service}" does not need dataset "{drill.canary.dataset}", '
            f"so its writes cannot end up there",
        )


def _needed(plan: Plan, service: str) -> set[str]:
    """All that a service needs, directly or through others."""
    found: set[str] = set()
    waiting = [service]
    while waiting:
        declared = plan.services.get(waiting.pop())
        fresh = set(declared.needs) - found if declared else set()
        found |= fresh
        waiting += fresh
    return found
