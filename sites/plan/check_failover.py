"""What contradicts itself in how a plan fails over."""

from __future__ import annotations

from collections.abc import Iterator

from sites.plan.data import PostgresDataset, PostgresServer
from sites.plan.lease import Lease
from sites.plan.plan import Plan
from sites.plan.problem import Place


def failover_contradictions(plan: Plan) -> Iterator[tuple[Place, str]]:
    failover = plan.failover
    if failover is None:
        return
    if failover.lease is not None:
        yield from _lease(plan, failover.from_site, failover.lease)
    if failover.decide == "automatic" and failover.power_off is None and failover.lease is None:
        yield from _unfenceable(plan, failover.from_site)
    vantages = len(failover.vantages) or 1
    if failover.detect.quorum is not None and failover.detect.quorum > vantages:
        said = f"{failover.detect.quorum} of {vantages} vantages can never see it; declare more `vantages`"
        yield ("failover", "detect", "quorum"), said
    runbooks = [name for name, drill in plan.drills.items() if drill.respond == "runbook"]
    if failover.decide == "notify" and runbooks:
        said = f'only people would be told, but drill "{runbooks[0]}" responds with the runbook'
        yield ("failover", "decide"), said


def _lease(plan: Plan, from_site: str, lease: Lease) -> Iterator[tuple[Place, str]]:
    """A lease proves nothing where anybody could pass by the door."""
    place = ("failover", "lease", "doors")
    if from_site not in lease.doors:
        yield place, f'site "{from_site}" has no door, so its lease would keep nobody from writing'
    for site, door in lease.doors.items():
        if (door.server_port is None) == (door.server_socket is None):
            yield (*place, site), "the database is behind it at `server_port` or at `server_socket`; name one"
        behind = [server for server in _servers(plan) if server.site == site]
        if len(behind) != 1:
            yield (*place, site), f"one door leads to one database; at the site there are {len(behind)}"
        elif (behind[0].host, behind[0].port) != (door.host, door.port):
            at = f"{behind[0].host}:{behind[0].port}"
            yield (*place, site), f"clients reach the database at {at}, which is not where the door listens"


def _servers(plan: Plan) -> list[PostgresServer]:
    nouns = [noun for noun in plan.datasets.values() if isinstance(noun, PostgresDataset)]
    return [server for noun in nouns for server in (noun.primary, noun.standby) if server is not None]


def _unfenceable(plan: Plan, name: str) -> Iterator[tuple[Place, str]]:
    """An automatic failover needs a proof that it can have by itself."""
    site = plan.sites.get(name)
    databases = [noun for noun in plan.datasets.values() if isinstance(noun, PostgresDataset)]
    if site is None or site.kind != "processes" or site.processes:
        return
    if any(noun.primary.site == name for noun in databases):
        return
    said = f'nothing can prove that site "{name}" takes no writes, so no failover may be automatic'
    yield ("failover", "fence"), f"{said}; give `power_off` or `lease`, or decide: approval"
