"""What makes a drill's writes impossible, or what is measured by them meaningless."""

from __future__ import annotations

from collections.abc import Iterator

from sites.plan.canary import (
    CanaryNoun,
    ConnectedCanary,
    HttpCanary,
    Marks,
    PostgresCanary,
    ShellCanary,
)
from sites.plan.exercise import Drill
from sites.plan.faults import KillSite
from sites.plan.plan import Plan
from sites.plan.problem import Place
from sites.plan.scalars import Rate

SHELL_RATE_MAX = 50.0  # a process is started for each operation, and the recorder needs a core for itself

Found = Iterator[tuple[Place, str]]


def canary_contradictions(plan: Plan, drill: Drill, place: Place) -> Found:
    yield from _service(plan, drill.canary, (*place, "canary"))
    yield from _through(plan, drill, (*place, "canary", "kind"))
    yield from _clients(drill.canary, (*place, "canary"))
    yield from _commands(drill.canary, (*place, "canary"))
    seen = {drill.canary.dataset}
    for at, marks in enumerate(drill.marks):
        yield from _marks(plan, drill, marks, (*place, "marks", at))
        if marks.dataset in seen:
            yield (*place, "marks", at, "dataset"), f'"{marks.dataset}" is measured in this drill already'
        seen.add(marks.dataset)
    yield from _control(plan, drill, (*place, "control"))


def _service(plan: Plan, canary: CanaryNoun, place: Place) -> Found:
    service = plan.services.get(canary.service)
    if service is None:
        return
    if isinstance(canary, HttpCanary) and service.endpoint is None:
        yield (*place, "service"), f'service "{canary.service}" declares no endpoint to write to'
    dataset = plan.datasets.get(canary.dataset)
    if isinstance(canary, PostgresCanary) and dataset is not None and dataset.kind != "postgres":
        yield (*place, "dataset"), f'dataset "{canary.dataset}" is of kind {dataset.kind}, not postgres'
    if canary.dataset in plan.datasets and canary.dataset not in _needed(plan, canary.service):
        said = f'service "{canary.service}" does not need dataset "{canary.dataset}"'
        yield (*place, "dataset"), f"{said}, so what is written there cannot be read from it"


def _through(plan: Plan, drill: Drill, place: Place) -> Found:
    """Rows in a database are no writes through the service in front, which may be gone all the while."""
    canary, service = drill.canary, plan.services.get(drill.canary.service)
    if not isinstance(canary, PostgresCanary) or service is None:
        return
    own = "an endpoint" if service.endpoint else "a check" if service.check else ""
    if own and "rto" in drill.judge.get(canary.service, ()):
        said = f'rows in dataset "{canary.dataset}" do not come through service "{canary.service}"'
        why = f"{said}, which has {own} of its own, so its rto is not measured by them"
        other = "judge the rto of a service without endpoint and check: the database as its clients find it"
        yield place, f"{why}; write `kind: http` or `shell`, or {other}"


def _clients(canary: CanaryNoun, place: Place) -> Found:
    if isinstance(canary, ConnectedCanary) and canary.clients > 1 and canary.connections == "fresh":
        yield (
            (*place, "clients"),
            "fresh connections belong to no client, so several are as one; write `connections: pooled`",
        )


def _commands(canary: CanaryNoun, place: Place) -> Found:
    if not isinstance(canary, ShellCanary):
        return
    if isinstance(canary.rate, Rate) and canary.rate.per_second > SHELL_RATE_MAX:
        yield (*place, "rate"), f"{canary.rate} is more than {SHELL_RATE_MAX:g} commands a second"
    if canary.delete_one_in is not None and canary.delete is None:
        yield (*place, "delete_one_in"), "there is no `delete` command"


def _marks(plan: Plan, drill: Drill, marks: Marks, place: Place) -> Found:
    dataset = plan.datasets.get(marks.dataset)
    if dataset is None:
        return
    if marks.kind == "objects":
        if dataset.kind != "objects":
            said = f'dataset "{marks.dataset}" is of kind {dataset.kind}, not objects'
            yield (*place, "dataset"), said
            return
    elif dataset.kind != "files" or dataset.restore is None:
        said = f'dataset "{marks.dataset}" is not restored to another site'
        yield (
            (*place, "dataset"),
            f"{said}, so its marks cannot be read back; it needs kind files and `restore`",
        )
        return
    yield from _restored_here(drill, marks, dataset.site, place)


def _restored_here(drill: Drill, marks: Marks, home: str, place: Place) -> Found:
    """Marks in files count once their dataset was restored: a failover from its site does, and says so."""
    if drill.respond != "runbook":
        nobody = (
            "with `respond: observe` nobody says whether the dataset was restored before its marks are read"
        )
        yield place, f"{nobody}, so they would prove nothing; marks in files need `respond: runbook`"
    elif not isinstance(drill.fault, KillSite):
        said = f"beside fault {drill.fault.kind} it is not proven that they tell what a restore lost"
        yield place, f"{said}; marks in files need kill_site"
    elif drill.fault.site != home:
        said = f'dataset "{marks.dataset}" is at site "{home}"'
        yield (*place, "dataset"), f'{said}; this drill loses "{drill.fault.site}"'


def _control(plan: Plan, drill: Drill, place: Place) -> Found:
    service = plan.services.get(drill.canary.service)
    if drill.control is None or service is None:
        return
    drilled = {service.endpoint, *service.addresses.values()}
    if any(address and drill.control.startswith(address) for address in drilled):
        yield place, f"{drill.control} is part of what is drilled; name an endpoint that the fault spares"


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
