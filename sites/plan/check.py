"""What each value for itself allows and the whole forbids: contradictions within a plan.

Everything is looked up with care: a plan with broken entries is checked without them, so that all
problems are told at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from sites.plan.check_drill import drill_contradictions
from sites.plan.data import FilesDataset, PostgresDataset
from sites.plan.plan import Plan
from sites.plan.problem import Place
from sites.plan.service import FileRedirect, Service

Found = Iterator[tuple[Place, str]]


def contradictions(plan: Plan) -> Found:
    """Every place that contradicts another one, and how."""
    yield from _sites(plan)
    yield from _repositories(plan)
    for name, dataset in plan.datasets.items():
        place = ("datasets", name)
        yield from (
            _postgres(plan, dataset, place)
            if isinstance(dataset, PostgresDataset)
            else _files(dataset, place)
        )
    yield from _services(plan)
    for name, drill in plan.drills.items():
        yield from drill_contradictions(plan, drill, ("drills", name))


def _sites(plan: Plan) -> Found:
    owners: dict[Path, str] = {}
    for name, site in plan.sites.items():
        first = owners.setdefault(site.path, name)
        if first != name:
            yield ("sites", name, "path"), f'the same folder as site "{first}"; two sites share nothing'
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


def _repositories(plan: Plan) -> Found:
    for name, repository in plan.repositories.items():
        source = plan.repositories.get(repository.copy_of or "")
        place = ("repositories", name)
        if repository.copy_of == name:
            yield (*place, "copy_of"), "a repository is no copy of itself"
        elif source and source.site == repository.site:
            yield (*place, "site"), f'the same site as "{repository.copy_of}", the copy would be lost with it'
        if source and repository.copy_of != name and source.url == repository.url:
            yield (*place, "url"), f'the same repository as "{repository.copy_of}"'
    chain = {name: [r.copy_of] for name, r in plan.repositories.items() if r.copy_of and r.copy_of != name}
    yield from _cycle("repositories", "copy_of", chain)


def _cycle(section: str, key: str, graph: Mapping[str, list[str]]) -> Found:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        ring = list(reversed(error.args[1]))
        first = ring.index(min(ring))
        ring = [*ring[first:-1], *ring[:first], ring[first]]
        yield (section, ring[0], key), f"goes round in a circle: {' -> '.join(ring)}"


def _postgres(plan: Plan, dataset: PostgresDataset, place: Place) -> Found:
    servers = {"primary": dataset.primary, "standby": dataset.standby}
    for key, server in servers.items():
        if server is not None and server.process is not None:
            yield from _process(plan, server.site, server.process, (*place, key, "process"))
    primary, standby = dataset.primary, dataset.standby
    if standby and standby.site == primary.site:
        yield (
            (*place, "standby", "site"),
            f'both are at site "{primary.site}"; the standby belongs to another',
        )
    elif standby and (standby.host, standby.port) == (primary.host, primary.port):
        yield (*place, "standby", "port"), f"the same server as the primary, {primary.host}:{primary.port}"
    if dataset.synchronous and standby is None:
        yield (*place, "synchronous"), "synchronous to nothing; declare the standby"
    if dataset.synchronous and dataset.on_standby_loss is None:
        yield (
            (*place, "on_standby_loss"),
            "missing; a synchronous dataset must say it; allowed: block, degrade",
        )


def _files(dataset: FilesDataset, place: Place) -> Found:
    if dataset.restore and dataset.restore.site == dataset.site:
        yield (*place, "restore", "site"), f'both are at site "{dataset.site}"; restore to another one'
    elif dataset.restore and dataset.restore.path == dataset.path:
        yield (*place, "restore", "path"), "the same folder as the source; a restore never goes over it"


def _process(plan: Plan, site_name: str, process: str, place: Place) -> Found:
    site = plan.sites.get(site_name)
    if site is not None and process not in site.processes:
        known = ", ".join(site.processes) or "none"
        yield place, f'no process is named "{process}" at site "{site_name}"; known there: {known}'


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
            yield from _process(plan, site, service.process, (*place, "process"))
        if service.addresses and site not in service.addresses:
            yield (*place, "addresses"), f'the failover needs the address at site "{site}" too'
        redirect = service.redirect
        if isinstance(redirect, FileRedirect) and site not in redirect.content:
            yield (*place, "redirect", "content"), f'the failover needs the content for site "{site}" too'
    if len(set(service.addresses.values())) < len(service.addresses):
        yield (*place, "addresses"), "two sites have the same address; give each its own"
