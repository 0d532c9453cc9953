"""Whether a lease's door is the only way to its database: asked of the database itself, through the door."""

from __future__ import annotations

import ipaddress

from sites.errors import PlanError
from sites.estate import Estate


def behind_door(estate: Estate, site: str) -> str:
    """Raises PlanError where it listens elsewhere too, DatasetError where nobody can ask it."""
    nouns = estate.plan.datasets.items()
    name = next(n for n, noun in nouns if noun.kind == "postgres" and site in estate.sites_of(n))
    listens = estate.postgres(name).listens_at(site)
    passing_by = [each for each in listens if not _local(each)]
    if passing_by:
        raise PlanError(
            f'the database behind the door of site "{site}" listens at {", ".join(passing_by)} too, '
            "so whoever goes there writes on after the lease has run out",
            hint="set its listen_addresses to '127.0.0.1', or to '' with `server_socket`, and restart it",
        )
    return (
        f"the database behind it listens {'at ' + ', '.join(listens) if listens else 'at no address'} alone"
    )


def _local(address: str) -> bool:
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:  # a name, or all of them: "*"
        return False
