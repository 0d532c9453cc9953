"""Coverage for `check`: the plan's gaps, and what is out there that no dataset names."""

from __future__ import annotations

from collections.abc import Iterator

from sites.drivers.containers.site import ContainerSite
from sites.errors import BlackstartError
from sites.estate import Estate
from sites.protection.coverage import Gap, databases, gaps, volumes
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


def _resolved(secret: Secret) -> str | None:
    """A secret that cannot be had here is a check of its own."""
    try:
        return secret.resolve()
    except BlackstartError:
        return None
