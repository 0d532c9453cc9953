"""What each value for itself allows and the whole forbids: contradictions within a plan.

Everything is looked up with care: a plan with broken entries is checked without them, so that all
problems are told at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from graphlib import CycleError, TopologicalSorter
from ipaddress import IPv4Address
from pathlib import Path

from rto_rpo.answering import OWN
from sites.plan.canary import Canary, PostgresCanary, ShellCanary
from sites.plan.check_data import dataset_contradictions, process_contradictions, unrecoverable
from sites.plan.check_drill import drill_contradictions
from sites.plan.check_failover import failover_contradictions
from sites.plan.check_hosts import hosts_contradictions
from sites.plan.containers_site import ContainersSite
from sites.plan.data import PostgresDataset
from sites.plan.hosts import HostsSite
from sites.plan.places import ProcessesSite, Repository, ResticRepository
from sites.plan.plan import Plan
from sites.plan.problem import Place
from sites.plan.service import Service
from sites.plan.stanza import Stanza

Found = Iterator[tuple[Place, str]]


def contradictions(plan: Plan, suspect: Set[str] = frozenset()) -> Found:
    """Every place that contradicts another one, and how.

    `suspect` sections have problems of their own: what only follows from those is not told.
    """
    yield from _sites(plan)
    yield from _labels(plan)
    repositories = list(_repositories(plan))
    yield from repositories
    if not repositories and "repositories" not in suspect:
        yield from unrecoverable(plan)
    for name, dataset in plan.datasets.items():
        yield from dataset_contradictions(plan, dataset, ("datasets", name))
    yield from _services(plan)
    yield from _names(plan)
    for name, drill in plan.drills.items():
        yield from drill_contradictions(plan, drill, ("drills", name))
    for name in plan.tabletops.keys() & plan.drills.keys():
        yield ("tabletops", name), "a drill has the same name; in the evidence they could not be told apart"
    if any(drill.respond == "runbook" for drill in plan.drills.values()):
        yield from _runbook(plan, suspect)
        yield from _watched_for_a_second_writer(plan)


def _names(plan: Plan) -> Found:
    """A gate's check is called like its service, and must not be taken for one of the drill's own."""
    for name, service in plan.services.items():
        if service.gate is not None and name in OWN:
            said = f"the gate's check would be called \"{name}\", which is one of each drill's own"
            yield ("services", name, "gate"), f"{said}; give the service another name"


def _runbook(plan: Plan, suspect: Set[str]) -> Found:
    """What a drill needs that calls for the runbook."""
    first = next(name for name, drill in plan.drills.items() if drill.respond == "runbook")
    place = ("drills", first, "respond")
    if plan.failover is None and "failover" not in suspect:
        yield place, 'the runbook follows from "failover", which is not declared'
    elif "services" not in suspect and not any(s.endpoint and s.check for s in plan.services.values()):
        yield place, "no service declares both an endpoint and a check, so its loss would not be noticed"


def _watched_for_a_second_writer(plan: Plan) -> Found:
    """A drill with a runbook also writes to the old primary's own address, all along."""
    for name, drill in plan.drills.items():
        if drill.respond == "runbook" and (unknown := _unwatched(plan, drill.canary)):
            place = ("drills", name, "canary", "service")
            yield place, f"{unknown}, so two writers would not be noticed"


def _unwatched(plan: Plan, canary: Canary) -> str:
    """Why the old primary has no address of its own that this canary could write to; nothing if it has."""
    service, dataset = plan.services.get(canary.service), plan.datasets.get(canary.dataset)
    if isinstance(canary, PostgresCanary):
        lost = plan.failover.from_site if plan.failover is not None else None
        servers = (dataset.primary, dataset.standby) if isinstance(dataset, PostgresDataset) else ()
        if not servers or lost is None or any(server and server.site == lost for server in servers):
            return ""  # what is no database has an error of its own
        return f'dataset "{canary.dataset}" has no server at site "{lost}"'
    by_site = isinstance(canary, ShellCanary) and canary.by_site
    if service is None or service.addresses or by_site:
        return ""
    return f'service "{canary.service}" has no "addresses"'


def _sites(plan: Plan) -> Found:
    owners: dict[Path, str] = {}
    addresses: dict[IPv4Address, str] = {}
    for name, site in plan.sites.items():
        if isinstance(site, HostsSite):
            yield from hosts_contradictions(site, ("sites", name))
        if not isinstance(site, ProcessesSite):
            continue
        first = owners.setdefault(site.path, name)
        if first != name:
            yield ("sites", name, "path"), f'the same folder as site "{first}"; two sites share nothing'
        other = addresses.setdefault(site.network, name) if site.network is not None else name
        if other != name:
            yield ("sites", name, "network"), f'the same address as site "{other}"; two sites share nothing'
        for key, path in (("evidence", plan.evidence.path), ("state", plan.state)):
            if path.is_relative_to(site.path):
                place = ("evidence", "path") if key == "evidence" else ("state",)
                yield place, f'inside site "{name}", so it would be lost with it; keep it outside all sites'
    failover = plan.failover
    if failover and failover.from_site == failover.to_site:
        yield (
            ("failover", "to"),
            f'"{failover.to_site}" is also where the failover starts from; name another site',
        )
    yield from failover_contradictions(plan)


def _labels(plan: Plan) -> Found:
    """Two sites of one label would be the same containers."""
    owners: dict[tuple[str, str | None], str] = {}
    for name, site in plan.sites.items():
        if isinstance(site, ContainersSite):
            whose = (site.label or f"{plan.name}/{name}", site.daemon)
            first = owners.setdefault(whose, name)
            if first != name:
                yield (
                    ("sites", name, "label"),
                    f'the same containers as site "{first}"; two sites share nothing',
                )


def _repositories(plan: Plan) -> Found:
    for name, repository in plan.repositories.items():
        source = plan.repositories.get(repository.copy_of or "")
        place = ("repositories", name)
        if repository.copy_of == name:
            yield (*place, "copy_of"), "a repository is no copy of itself"
        elif source and source.site == repository.site:
            yield (*place, "site"), f'the same site as "{repository.copy_of}", the copy would be lost with it'
        if source and source.append_only and not repository.append_only:
            again = f'"{repository.copy_of}" is append-only: what is forgotten here would be copied anew'
            yield (*place, "append_only"), again
        if source and repository.copy_of != name:
            yield from _copied(repository, source, place)
    chain = {name: [r.copy_of] for name, r in plan.repositories.items() if r.copy_of and r.copy_of != name}
    yield from _cycle("repositories", "copy_of", chain)


def _copied(repository: Repository, source: Repository, place: Place) -> Found:
    """A copy is of its source's kind, and another one."""
    if isinstance(repository, ResticRepository) and isinstance(source, ResticRepository):
        if source.url == repository.url:
            yield (*place, "url"), f'the same repository as "{repository.copy_of}"'
    elif not (isinstance(repository, Stanza) and isinstance(source, Stanza)):
        yield (
            (*place, "copy_of"),
            f'"{repository.copy_of}" is of kind {source.kind}: another kind is no copy',
        )
    elif source.stanza != repository.stanza:
        said = f'"{repository.copy_of}" is of stanza "{source.stanza}"; one stanza\'s backups are no other\'s'
        yield (*place, "stanza"), said
    elif (source.repo, source.config) == (repository.repo, repository.config):
        yield (*place, "repo"), f'the same repository as "{repository.copy_of}"'


def _cycle(section: str, key: str, graph: Mapping[str, list[str]]) -> Found:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        ring = list(reversed(error.args[1]))
        first = ring.index(min(ring))
        ring = [*ring[first:-1], *ring[:first], ring[first]]
        yield (section, ring[0], key), f"goes round in a circle: {' -> '.join(ring)}"


def _services(plan: Plan) -> Found:
    for name, service in plan.services.items():
        place = ("services", name)
        if name in plan.datasets:
            yield place, "a dataset has the same name; in needs and judge they could not be told apart"
        yield from _both_sites(plan, service, place)
    services = {name: service for name, service in plan.services.items() if name not in plan.datasets}
    needs = {name: [need for need in service.needs if need in services] for name, service in services.items()}
    yield from _cycle("services", "needs", needs)


def _both_sites(plan: Plan, service: Service, place: Place) -> Found:
    """A service that fails over is declared at both sites."""
    if plan.failover is None:
        return
    for site in dict.fromkeys((plan.failover.from_site, plan.failover.to_site)):
        if service.process is not None:
            yield from process_contradictions(plan, site, service.process, (*place, "process"))
        if service.addresses and site not in service.addresses:
            yield (*place, "addresses"), f'the failover needs the address at site "{site}" too'
        key, told = (service.redirect.told_of() if service.redirect else None) or ("", {site})
        if site not in told:
            yield (*place, "redirect", key), f'the failover needs the {key} for site "{site}" too'
    if len(set(service.addresses.values())) < len(service.addresses):
        yield (*place, "addresses"), "two sites have the same address; give each its own"
