"""What makes a drill impossible, or its verdict meaningless."""

from __future__ import annotations

from collections.abc import Iterator

from rto_rpo.objective import Duration
from sites.plan.exercise import Drill, KillSite
from sites.plan.plan import Plan
from sites.plan.problem import Place

WRITES_IN_STABLE_MIN = 10

Found = Iterator[tuple[Place, str]]


def drill_contradictions(plan: Plan, drill: Drill, place: Place) -> Found:
    yield from _response(plan, drill, place)
    yield from _judge(plan, drill, (*place, "judge"))
    yield from _times(plan, drill, place)
    yield from _canary(plan, drill, (*place, "canary"))


def _response(plan: Plan, drill: Drill, place: Place) -> Found:
    if drill.respond != "runbook" or plan.failover is None:
        return
    if isinstance(drill.fault, KillSite) and drill.fault.site != plan.failover.from_site:
        said = f'"{drill.fault.site}" is not the site that the runbook fails over from'
        yield (*place, "fault", "site"), f'{said}; that is "{plan.failover.from_site}"'


def _judge(plan: Plan, drill: Drill, place: Place) -> Found:
    declared = plan.objectives()
    service, dataset = drill.canary.service, drill.canary.dataset
    for subject, objectives in drill.judge.items():
        if subject not in plan.services and subject not in plan.datasets:
            continue
        for at, objective in enumerate(objectives):
            if (subject, objective) not in declared:
                has = ", ".join(kind for name, kind in declared if name == subject) or "none"
                yield (*place, subject, at), f'"{subject}" declares no {objective}; declared there: {has}'
            elif (subject, objective) not in {(service, "rto"), (dataset, "rpo")}:
                measured = f'its canary measures the rto of "{service}" and the rpo of "{dataset}"'
                yield (*place, subject, at), f"nothing in this drill measures it; {measured}"


def _times(plan: Plan, drill: Drill, place: Place) -> Found:
    rto = _longest_rto(plan, drill)
    least = Duration(rto.ns + drill.stable.ns)
    if drill.deadline < least:
        said = f"{drill.deadline} is shorter than rto + stable ({rto} + {drill.stable})"
        yield (*place, "deadline"), f"{said}; make it at least {least}"
    least = Duration(drill.canary.rate.interval_ns * WRITES_IN_STABLE_MIN)
    if drill.stable < least:
        said = f"{drill.stable} is shorter than {WRITES_IN_STABLE_MIN} writes at {drill.canary.rate}"
        yield (*place, "stable"), f"{said}; make it at least {least}, or the rate higher"
    if drill.late and drill.late > drill.canary.limit:
        said = f"{drill.late} is longer than the canary waits for an answer"
        yield (*place, "late"), f"{said}; make it at most {drill.canary.limit}"


def _longest_rto(plan: Plan, drill: Drill) -> Duration:
    judged = [
        plan.services[name].rto
        for name, kinds in drill.judge.items()
        if "rto" in kinds and name in plan.services
    ]
    return max((rto for rto in judged if rto), default=Duration(0))


def _canary(plan: Plan, drill: Drill, place: Place) -> Found:
    service = plan.services.get(drill.canary.service)
    dataset = drill.canary.dataset
    if service is None:
        return
    if service.endpoint is None:
        yield (*place, "service"), f'service "{drill.canary.service}" declares no endpoint to write to'
    if dataset in plan.datasets and dataset not in _needed(plan, drill.canary.service):
        said = f'service "{drill.canary.service}" does not need dataset "{dataset}"'
        yield (*place, "dataset"), f"{said}, so what is written there cannot be read from it"


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
