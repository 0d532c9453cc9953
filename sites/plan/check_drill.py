"""What makes a drill impossible, or its verdict meaningless."""

from __future__ import annotations

from collections.abc import Iterator

from rto_rpo.objective import Duration, parse_duration
from sites.plan.canary import HttpCanary, PostgresCanary, ShellCanary
from sites.plan.check_canary import canary_contradictions
from sites.plan.check_fault import fault_contradictions
from sites.plan.data import PostgresDataset
from sites.plan.exercise import Drill
from sites.plan.faults import REVIVABLE, KillSite
from sites.plan.plan import Plan
from sites.plan.problem import Place
from sites.plan.scalars import Rate

WRITES_IN_STABLE_MIN = 10
LATE_LEAST = parse_duration("100ms")  # what a drill that declares no `late` runs with at least
RATE_FOUND_MIN = Rate(8.0)  # the least that a drill with `rate: max` runs at

Found = Iterator[tuple[Place, str]]


def drill_contradictions(plan: Plan, drill: Drill, place: Place) -> Found:
    yield from _response(plan, drill, place)
    yield from fault_contradictions(plan, drill, (*place, "fault"))
    yield from _judge(plan, drill, (*place, "judge"))
    yield from _times(plan, drill, place)
    yield from _fine_enough(plan, drill, place)
    yield from _sharp_enough(plan, drill, place)
    yield from canary_contradictions(plan, drill, place)
    yield from _revival(plan, drill, (*place, "revive_old_primary"))
    yield from _after(plan, drill, place)
    yield from _bystanders(plan, drill, (*place, "bystanders"))


def _bystanders(plan: Plan, drill: Drill, place: Place) -> Found:
    for at, name in enumerate(drill.bystanders):
        service = plan.services.get(name)
        if service is not None and (service.endpoint is None or service.check is None):
            yield (
                (*place, at),
                f'service "{name}" needs `endpoint` and `check`, or nothing says whether it is well',
            )
        if name == getattr(drill.fault, "site", None) or name == drill.canary.service:
            yield (*place, at), f'"{name}" is what this drill strikes, so it is no bystander'


def _after(plan: Plan, drill: Drill, place: Place) -> Found:
    if drill.after == "fail_back":
        if drill.respond != "runbook":
            said = "nothing of ours fails over in this drill, so nothing of ours can bring it back"
            yield (*place, "after"), f"{said}; it needs `respond: runbook`"
        elif plan.failover is None:
            yield (*place, "after"), "the plan declares no failover, so there is nowhere to bring it back to"
    if drill.give_up is None:
        return
    rto = _longest_rto(plan, drill)
    if not rto <= drill.give_up <= drill.deadline:
        said = f"{drill.give_up} is not between the rto ({rto}) and the deadline ({drill.deadline})"
        yield (*place, "give_up"), f"{said}: nothing could be seen of either"


def _response(plan: Plan, drill: Drill, place: Place) -> Found:
    if drill.cold and drill.respond != "runbook":
        yield (*place, "cold"), "nothing is recovered in this drill; it needs `respond: runbook`"
    if drill.respond != "runbook" or plan.failover is None:
        return
    if drill.cold:
        for name, dataset in plan.datasets.items():
            if dataset.kind == "postgres" and dataset.standby is not None and dataset.backup is None:
                yield (*place, "cold"), f'dataset "{name}" has no backup to be recovered from'
    if isinstance(drill.fault, KillSite) and drill.fault.site != plan.failover.from_site:
        said = f'"{drill.fault.site}" is not the site that the runbook fails over from'
        yield (*place, "fault", "site"), f'{said}; that is "{plan.failover.from_site}"'


def _judge(plan: Plan, drill: Drill, place: Place) -> Found:
    declared = plan.objectives(cold=drill.cold)
    service, dataset = drill.canary.service, drill.canary.dataset
    measured = {(service, "rto"), *((each, "rpo") for each in drill.measured_datasets)}
    for subject, objectives in drill.judge.items():
        if subject not in plan.services and subject not in plan.datasets:
            continue
        for at, objective in enumerate(objectives):
            if (subject, objective) not in declared:
                has = ", ".join(kind for name, kind in declared if name == subject) or "none"
                wanted = f"cold_{objective}" if drill.cold else objective
                yield (*place, subject, at), f'"{subject}" declares no {wanted}; declared there: {has}'
            elif (subject, objective) not in measured:
                measures = f'its canary measures the rto of "{service}" and the rpo of "{dataset}"'
                yield (*place, subject, at), f"nothing in this drill measures it; {measures}"


def _times(plan: Plan, drill: Drill, place: Place) -> Found:
    rto = _longest_rto(plan, drill)
    least = Duration(rto.ns + drill.stable.ns)
    if drill.deadline < least:
        said = f"{drill.deadline} is shorter than rto + stable ({rto} + {drill.stable})"
        yield (*place, "deadline"), f"{said}; make it at least {least}"
    rate = drill.canary.rate if isinstance(drill.canary.rate, Rate) else RATE_FOUND_MIN
    least = Duration(rate.interval_ns * WRITES_IN_STABLE_MIN)
    if drill.stable < least:
        said = f"{drill.stable} is shorter than {WRITES_IN_STABLE_MIN} writes at {rate}"
        yield (*place, "stable"), f"{said}; make it at least {least}, or the rate higher"
    if drill.late and drill.late > drill.canary.limit:
        said = f"{drill.late} is longer than the canary waits for an answer"
        yield (*place, "late"), f"{said}; make it at most {drill.canary.limit}"


def _fine_enough(plan: Plan, drill: Drill, place: Place) -> Found:
    """A loss that is shorter than the time between two writes is not seen."""
    objectives = plan.objectives(cold=drill.cold)
    rates = [(drill.canary.dataset, drill.canary.rate, (*place, "canary", "rate"))]
    rates += [(each.dataset, each.rate, (*place, "marks", at, "rate")) for at, each in enumerate(drill.marks)]
    for dataset, rate, where in rates:
        rpo = objectives.get((dataset, "rpo"))
        if rpo is None or not isinstance(rate, Rate) or "rpo" not in drill.judge.get(dataset, ()):
            continue
        if 0 < rpo.ns < 2 * rate.interval_ns:
            seldom = f"a write every {Duration(rate.interval_ns)} is too seldom to measure an rpo of {rpo}"
            yield where, f"{seldom}; make it twice as often as that at least"


def _sharp_enough(plan: Plan, drill: Drill, place: Place) -> Found:
    """An outage is seen at the next write, which may be sent half of `late` after and answered within it."""
    rto = plan.objectives(cold=drill.cold).get((drill.canary.service, "rto"))
    if rto is None or "rto" not in drill.judge.get(drill.canary.service, ()):
        return
    late = drill.late or LATE_LEAST
    interval_ns = drill.canary.rate.interval_ns if isinstance(drill.canary.rate, Rate) else 0
    least = Duration(interval_ns + late.ns + late.ns // 2)
    if rto < least:
        parts = f"a write every {Duration(interval_ns)}" if interval_ns else "writes as fast as can be"
        seen = f"{parts} and one and a half of late ({late}) can miss an outage of up to {least}"
        yield (
            (*place, "canary", "rate"),
            f"{seen}, and the rto is {rto}; make the rate higher or `late` smaller",
        )


def _revival(plan: Plan, drill: Drill, place: Place) -> Found:
    if not drill.revive_old_primary:
        return
    if not isinstance(drill.fault, REVIVABLE):
        yield place, "only a site that was lost can come back: fault kill_site, pause_site or partition"
        return
    canary, site = drill.canary, drill.fault.site
    service, dataset = plan.services.get(canary.service), plan.datasets.get(canary.dataset)
    addresses = service.addresses if service else {}
    if isinstance(canary, HttpCanary) and service and site not in addresses:
        yield place, f'nothing writes to it: service "{canary.service}" has no address at site "{site}"'
    elif isinstance(canary, ShellCanary) and not canary.by_site:
        yield place, "nothing writes to it: its canary is not `by_site`"
    elif isinstance(canary, PostgresCanary) and isinstance(dataset, PostgresDataset):
        servers = (dataset.primary, dataset.standby)
        if not any(server and server.site == site for server in servers):
            yield place, f'nothing writes to it: dataset "{canary.dataset}" has no server at site "{site}"'


def _longest_rto(plan: Plan, drill: Drill) -> Duration:
    declared = plan.objectives(cold=drill.cold)
    judged = [declared.get((name, "rto")) for name, kinds in drill.judge.items() if "rto" in kinds]
    return max((rto for rto in judged if rto), default=Duration(0))
