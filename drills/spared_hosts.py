"""At sites of hosts: what a plan's repositories and its evidence are served by may not be cut off from us."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sites.capability import Target
from sites.estate import Estate
from sites.plan import Drill
from sites.plan.faults import Partition, VolumeFault

Endpoint = Callable[[str], tuple[str, int | None] | None]
Addresses = Callable[[str], list[str]]


def served_there(
    estate: Estate, drill: Drill, target: Target, endpoint: Endpoint, addresses: Addresses
) -> Iterator[str]:
    """What is served by a host that would be cut off, or may lie on a volume of it that is struck."""
    site = estate.plan.sites[target.site]
    if site.kind != "hosts" or not target.kind.endswith("host"):
        return
    parts = (drill.fault, getattr(drill.fault, "second", None))
    struck = [one for one in parts if isinstance(one, Partition | VolumeFault) and one.site == target.site]
    if not struck:
        return
    address = site.hosts[target.name.split()[0]].address
    theirs = {address, *addresses(address)}
    for what, url in _places(estate):
        at = endpoint(url)
        if at is not None and theirs & {at[0], *addresses(at[0])}:
            yield f"serves {what} ({url})"


def _places(estate: Estate) -> Iterator[tuple[str, str]]:
    for name, noun in estate.plan.repositories.items():
        if noun.kind == "restic":
            yield f'repository "{name}"', str(noun.url)
    upload = estate.plan.evidence.upload
    if upload is not None and upload.endpoint is not None:
        yield "the copy of the evidence", f"s3:{upload.endpoint}"
