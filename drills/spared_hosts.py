"""At sites of hosts: what a plan's repositories and its evidence are served by may not be struck.

A host that serves one is not cut off, nor is its disk filled; a unit that listens on the port of one is
neither killed nor stopped nor made to stand still.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import cast

from sites.capability import Target
from sites.errors import SiteError
from sites.estate import Estate
from sites.plan import Drill
from sites.plan.faults import Partition, RepositoryFault, VolumeFault
from sites.strikable import Listening

Endpoint = Callable[[str], tuple[str, int | None] | None]
Addresses = Callable[[str], list[str]]


def served_there(
    estate: Estate, drill: Drill, target: Target, endpoint: Endpoint, addresses: Addresses
) -> Iterator[str]:
    """What is served by a host that would be cut off, by a unit there, or may lie on a volume of it."""
    site = estate.plan.sites[target.site]
    if site.kind != "hosts":
        return
    if target.kind.endswith("host"):
        name, ask = target.name.split()[0], None
        if not _strikes_the_host(drill, target.site):
            return
    elif isinstance(named := target.detail.get("host"), str) and not isinstance(drill.fault, RepositoryFault):
        name, ask = named, _asking(estate, target)
    else:
        return
    address = site.hosts[name].address
    theirs = {address, *addresses(address)}
    for what, url in _places(estate):
        at = endpoint(url)
        if at is not None and theirs & {at[0], *addresses(at[0])}:
            yield from (f"serves {what} ({url})",) if ask is None else _by_unit(ask, at[1], f"{what} ({url})")


def _strikes_the_host(drill: Drill, site: str) -> bool:
    parts = (drill.fault, getattr(drill.fault, "second", None))
    return any(isinstance(one, Partition | VolumeFault) and one.site == site for one in parts)


def _asking(estate: Estate, target: Target) -> Callable[[], set[int]]:
    """Its host is asked only where something of ours is served by it."""
    return partial(cast(Listening, estate.site(target.site)).listening, target.name)


def _by_unit(ask: Callable[[], set[int]], port: int | None, what: str) -> Iterator[str]:
    try:
        if port in ask():
            yield f"serves {what}"
    except SiteError as error:
        yield f"may serve {what}: {error}"


def _places(estate: Estate) -> Iterator[tuple[str, str]]:
    for name, noun in estate.plan.repositories.items():
        if noun.kind == "restic":
            yield f'repository "{name}"', str(noun.url)
    upload = estate.plan.evidence.upload
    if upload is not None and upload.endpoint is not None:
        yield "the copy of the evidence", f"s3:{upload.endpoint}"
