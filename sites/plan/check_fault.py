"""What a drill's fault needs of the plan that declares it."""

from __future__ import annotations

from collections.abc import Iterator

from sites.plan.check_data import process_contradictions
from sites.plan.exercise import Drill
from sites.plan.faults import (
    DrNotReady,
    Fault,
    FillDisk,
    FreezeReplica,
    KillService,
    LoseNewestSnapshot,
    LoseVolume,
    ReplicatedDamage,
    SecondFault,
    SlowNetwork,
    StopService,
)
from sites.plan.plan import Plan
from sites.plan.problem import Place

Found = Iterator[tuple[Place, str]]


def fault_contradictions(plan: Plan, drill: Drill, place: Place) -> Found:
    yield from _of(plan, drill.fault, place)
    if isinstance(drill.fault, SecondFault):
        yield from _of(plan, drill.fault.second, (*place, "second"))
        if drill.respond != "runbook":
            yield (*place, "at"), "nothing comes to a milestone in this drill; it needs `respond: runbook`"


def _of(plan: Plan, fault: Fault, place: Place) -> Found:
    match fault:
        case KillService() | StopService() | FillDisk() | LoseVolume() as lost:
            if lost.site in plan.sites:
                yield from process_contradictions(plan, lost.site, lost.process, (*place, "process"))
        case FreezeReplica() | DrNotReady() as frozen:
            yield from _standby(plan, frozen, place)
        case SlowNetwork() as slow if not (slow.latency.ns or slow.loss or slow.rate):
            yield place, "nothing would be slow; write latency, loss or rate"
        case ReplicatedDamage() as damage:
            yield from _damage(plan, damage, place)
        case LoseNewestSnapshot() as lost:
            dataset = plan.datasets.get(lost.dataset)
            if dataset is not None and dataset.backup is None:
                yield (*place, "dataset"), f'"{lost.dataset}" is not backed up, so it has no snapshot to lose'
        case _:
            return


def _standby(plan: Plan, frozen: FreezeReplica | DrNotReady, place: Place) -> Found:
    dataset = plan.datasets.get(frozen.dataset)
    if dataset is not None and (dataset.kind != "postgres" or dataset.standby is None):
        yield (*place, "dataset"), f'"{frozen.dataset}" has no standby'


def _damage(plan: Plan, damage: ReplicatedDamage, place: Place) -> Found:
    dataset = plan.datasets.get(damage.dataset)
    of_files = damage.damage == "files_encrypted"
    if dataset is not None and dataset.kind != ("files" if of_files else "postgres"):
        yield (*place, "damage"), f'"{damage.damage}" cannot be done to a dataset of kind {dataset.kind}'
    elif not of_files and damage.table is None:
        yield (*place, "table"), f'missing; "{damage.damage}" strikes a table: write SCHEMA.TABLE'
