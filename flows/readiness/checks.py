"""Is everything ready? One line a thing, each found out by trying it. What cannot be tried is unknown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Literal

from drills.closing import signing_key
from drills.cut_limit import check_cut_limit
from drills.guard import check_health
from drills.preview import preview
from flows.readiness.covered import (
    buckets_beside,
    databases_beside,
    deletable_replica,
    folders_beside,
    uncovered,
    volumes_beside,
)
from flows.readiness.door import behind_door
from flows.readiness.secrets_of import secrets_of, secrets_of_repository
from flows.server.api_address import api_url
from flows.server.api_guard import openness, refuse_open_api
from rto_rpo.evidence import EvidenceError
from rto_rpo.report.words import count
from sites.drivers.pgbackrest.version import shown, version_of
from sites.drivers.postgres.dataset import PostgresDataset
from sites.drivers.postgres.programs import find_programs
from sites.drivers.restic.version import capabilities
from sites.errors import BlackstartError, DatasetError, GuardError, PlanError, RepositoryError, WrongPassword
from sites.estate import Estate
from sites.lease.declared import witness_of
from sites.lease.term import Record
from sites.plan import Lease, Plan
from sites.protection.coverage import Gap
from sites.protection.first_use import require_new
from sites.protection.history import History
from sites.protection.objects.keeping import ready_for_objects
from sites.recovery import failback
from sites.recovery.direction import direction
from sites.recovery.own_steps import runbook_of
from sites.recovery.runbook import in_order
from sites.recovery.whole_site import fence_proofs
from sites.secret import Secret

State = Literal["ok", "failed", "unknown"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. `what` says what was found, or what is wrong and the way out."""

    name: str
    state: State
    what: str


def told(found: Sequence[Check]) -> list[str]:
    """A line for each, in columns."""
    width = max((len(one.name) for one in found), default=0)
    return [f"{one.state:<7}  {one.name:<{width}}  {one.what}".rstrip() for one in found]


class Unknown(BlackstartError):
    """The thing could not be looked at."""


def exit_code(found: Sequence[Check]) -> int:
    states = {one.state for one in found}
    return 1 if "failed" in states else 3 if "unknown" in states else 0


def checks(estate: Estate) -> Iterator[Check]:
    """Everything that a backup, a failover or a drill of this plan will need."""
    plan = estate.plan
    yield Check(
        "plan",
        "ok",
        f'"{plan.name}": {count(len(plan.sites), "site")}, {count(len(plan.datasets), "dataset")}',
    )
    yield from _programs(plan)
    for name, secret in secrets_of(plan):
        yield _tried(name, partial(_resolved, secret))
    for name in (each for each, declared in plan.repositories.items() if declared.kind == "restic"):
        yield _tried(f"repository {name}", partial(_repository, estate, name))
    yield _tried("evidence", partial(_evidence, estate))
    yield _tried("prefect api", _api)
    for name, site in plan.sites.items():
        if site.kind != "processes":  # what is reached from outside may be out of reach
            yield _tried(f"site {name}", partial(_asked, estate, name))
    if plan.failover is not None:
        yield _tried("runbook", partial(_runbook, estate))
        yield _tried(f"fence {direction(estate).old}", partial(_fence, estate))
        yield from _leases(estate)
    for name, dataset in estate.replicated().items():
        yield _tried(f"dataset {name}", partial(_in_sync, dataset))
        if plan.failover is not None:
            yield _tried(f"manager of {name}", partial(_manager, estate, name, dataset))
    for name, noun in plan.datasets.items():
        if noun.kind == "objects":
            yield _tried(f"replica of {name}", partial(_replica, estate, name))
    yield from _coverage(estate)
    for name in plan.drills:
        yield _tried(f"drill {name}", partial(_drill, estate, name))


def _programs(plan: Plan) -> Iterator[Check]:
    kinds = {repository.kind for repository in plan.repositories.values()}
    if "restic" in kinds:
        yield _tried("restic", lambda: f"restic {capabilities('restic')}")
    if "pgbackrest" in kinds:
        yield _tried("pgbackrest", lambda: f"pgBackRest {shown(version_of('pgbackrest'))}")
    if any(noun.kind == "postgres" for noun in plan.datasets.values()):
        yield _tried("postgresql", _postgresql)


def _leases(estate: Estate) -> Iterator[Check]:
    """Whether the witness keeps the conditions of a write, and each door is held and is the only way."""
    lease = estate.plan.failover.lease if estate.plan.failover is not None else None
    if lease is None:
        return
    for site in lease.doors:
        yield _tried(f"lease of {site}", partial(_lease, lease, site))
        yield _tried(f"door of {site}", partial(_door, estate, site))


def _lease(lease: Lease, site: str) -> str:
    witness = witness_of(lease, site)
    told, seen = witness.prove(), witness.read()
    if seen is None:
        raise PlanError(
            f'nobody ever held the lease of site "{site}", so it proves nothing',
            hint="run `blackstart hold-lease` beside its database",
        )
    record = Record.of(seen.content)
    return f"{told}; {record.state} by {record.holder} for {record.seconds:g} s"


def _door(estate: Estate, site: str) -> str:
    try:
        return behind_door(estate, site)
    except DatasetError as error:
        raise Unknown(f"whether anybody can pass by it is not known: {error}") from error


def _coverage(estate: Estate) -> Iterator[Check]:
    """What nothing protects; where somebody could not be asked, that is not known."""
    found = [Check(f"coverage of {gap.about}", "failed", gap.what) for gap in uncovered(estate)]
    asked: list[tuple[str, Callable[[Estate, str], list[Gap]]]] = []
    asked += [(name, databases_beside) for name, d in estate.plan.datasets.items() if d.kind == "postgres"]
    objects = [name for name, d in estate.plan.datasets.items() if d.kind == "objects"]
    asked += [(name, ask) for name in objects for ask in (buckets_beside, deletable_replica)]
    beside = {"containers": volumes_beside, "processes": folders_beside, "hosts": folders_beside}
    asked += [(n, beside[site.kind]) for n, site in estate.plan.sites.items() if site.kind in beside]
    for name, ask in asked:
        try:
            found += [Check(f"coverage of {gap.about}", "failed", gap.what) for gap in ask(estate, name)]
        except BlackstartError as error:
            found.append(Check(f"coverage beside {name}", "unknown", str(error)))
    yield from found or [Check("coverage", "ok", "nothing that is known of is without protection")]


def _tried(name: str, attempt: Callable[[], str]) -> Check:
    try:
        return Check(name, "ok", attempt())
    except Unknown as error:
        return Check(name, "unknown", str(error))
    except (BlackstartError, EvidenceError) as error:
        return Check(name, "failed", f"{error}; {error.hint}" if error.hint else str(error))


def _postgresql() -> str:
    programs = find_programs()
    return f"PostgreSQL {programs.version} in {programs.folder}"


def _resolved(secret: Secret) -> str:
    secret.resolve()
    return f"found in {secret}"


def _repository(estate: Estate, name: str) -> str:
    """Whether its password opens it. One that was not made yet is made by the first backup."""
    try:
        for _label, secret in secrets_of_repository(name, estate.plan):
            secret.resolve()
    except PlanError as error:  # a line of its own tells why
        raise Unknown("not looked at, for its secret cannot be had") from error
    try:
        there = estate.repository(name).unlocked().exists()
    except WrongPassword:
        raise
    except RepositoryError as error:
        raise Unknown(str(error)) from error
    if not there:
        require_new(name, History(estate.history))
    return "its password opens it" if there else "it is not there yet; the first backup makes it"


def _evidence(estate: Estate) -> str:
    key = signing_key(estate.plan)
    signed = (
        f"signed by key {key.public.identity}"
        if key is not None
        else "not signed: `evidence.key` names a key"
    )
    return f"{estate.plan.evidence.path}, {signed}"


def _api() -> str:
    url = api_url()
    if url is None:
        return "no server is configured, and none is needed"
    refuse_open_api()
    if openness(url) == "unreachable":
        raise Unknown(f"{url} does not answer; schedules do not run without it")
    return f"{url} lets nobody in from elsewhere"


def _asked(estate: Estate, site: str) -> str:
    running = estate.site(site).running()
    return f"it answers; running there: {', '.join(running) or 'nothing'}"


def _runbook(estate: Estate) -> str:
    steps = in_order(runbook_of(estate, lambda *_: None))
    for tables in (failback.switchover, failback.failback):
        with suppress(GuardError):  # not every plan can do those; that own steps have their place is tried
            made = tables(estate, lambda *_: None)
            in_order(made.first), in_order(made.then)
    return f"{count(len(steps), 'step')}; `blackstart failover --preview` shows them"


def _fence(estate: Estate) -> str:
    proofs, way = fence_proofs(estate), direction(estate)
    if not proofs:
        raise PlanError(
            f'nothing can prove that site "{way.old}" takes no writes, so nothing could be promoted',
            hint="give `failover.power_off`, `failover.lease` or `fence: operator`; see docs/failover.md",
        )
    return "; ".join(proofs)


def _in_sync(dataset: PostgresDataset) -> str:
    proof = dataset.in_sync()
    if not proof.holds:
        raise DatasetError(f"its standby is not in sync: {proof.how}")
    return proof.how


def _manager(estate: Estate, name: str, dataset: PostgresDataset) -> str:
    """Two that promote would fight each other."""
    for site in estate.sites_of(name):
        if manager := dataset.manager(site):
            raise DatasetError(
                f'{manager} runs its server at site "{site}" and fails it over by itself',
                hint="drill it with `respond: observe`, and take `failover` out of the plan",
            )
    return "nothing else fails it over"


def _replica(estate: Estate, name: str) -> str:
    """Whether it takes what is put there and keeps what the plan says of it; found by trying."""
    return ready_for_objects(estate.objects(name))


def _drill(estate: Estate, name: str) -> str:
    check_cut_limit(estate, name)
    seen = preview(estate, name)
    check_health(estate, name)
    return f"ready: {count(len(seen.targets), 'target')}, confirmed by {seen.confirm}"
