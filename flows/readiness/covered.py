"""Coverage for `check`: the plan's gaps, and what is out there that no dataset names."""

from __future__ import annotations

from collections.abc import Iterator

from sites.drivers.containers.site import ContainerSite
from sites.drivers.hosts.site import HostsSite
from sites.drivers.processes.site import ProcessSite
from sites.drivers.s3.rights import may_delete, names
from sites.drivers.written import PASSING, written_folders
from sites.errors import BlackstartError
from sites.estate import Estate
from sites.protection.coverage import Gap, databases, gaps, volumes
from sites.protection.objects.coverage import buckets
from sites.secret import Secret


def uncovered(estate: Estate) -> Iterator[Gap]:
    """Every gap that the plan shows. Nobody is asked."""
    yield from gaps(estate.plan, _resolved)


def databases_beside(estate: Estate, name: str) -> list[Gap]:
    """Asks the server of a PostgreSQL dataset. Raises a BlackstartError when it does not say."""
    noun = estate.plan.datasets[name]
    if noun.kind != "postgres":
        return []
    there = estate.postgres(name).databases(noun.primary.site)
    return list(databases(name, noun, estate.plan, there))


def volumes_beside(estate: Estate, site: str) -> list[Gap]:
    """Asks the daemon of a site of containers. Raises a BlackstartError when it does not say."""
    driver = estate.site(site)
    return list(volumes(estate.plan, site, driver.stores())) if isinstance(driver, ContainerSite) else []


def folders_beside(estate: Estate, site: str) -> list[Gap]:
    """Looks into the running processes of a site. Raises a BlackstartError where that cannot be done."""
    driver, noun = estate.site(site), estate.plan.sites[site]
    if not isinstance(driver, ProcessSite | HostsSite):
        return []
    logs = (noun.path / "logs",) if noun.kind == "processes" else ()
    return list(volumes(estate.plan, site, written_folders(driver, (*PASSING, *logs)), "folder"))


def buckets_beside(estate: Estate, name: str) -> list[Gap]:
    """Asks the store of a dataset of objects. Raises a BlackstartError when it does not say."""
    noun = estate.plan.datasets[name]
    if noun.kind != "objects":
        return []
    return list(buckets(name, noun, estate.plan, names(estate.objects(name).source)))


def deletable_replica(estate: Estate, name: str) -> list[Gap]:
    """Tries whether the source's credential deletes at the replica. Raises a BlackstartError."""
    dataset = estate.objects(name)
    if dataset.lock is not None or not may_delete(dataset.source, dataset.replica):
        return []
    what = (
        f'the access key of its source deletes in bucket "{dataset.replica.name}": whoever has '
        f'"{dataset.site}" has the replica too; give each its own, or lock the replica\'s objects'
    )
    return [Gap(f"dataset {name}", what)]


def _resolved(secret: Secret) -> str | None:
    """A secret that cannot be had here is a check of its own."""
    try:
        return secret.resolve()
    except BlackstartError:
        return None
