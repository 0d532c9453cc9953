"""What makes a site of hosts impossible to operate."""

from __future__ import annotations

from collections.abc import Iterator

from rto_rpo.objective import parse_duration
from sites.plan.hosts import HostsSite
from sites.plan.noun import among
from sites.plan.problem import Place

CUT_LEAST = parse_duration("5s")
ACTS = ("start", "stop", "kill", "status")

Found = Iterator[tuple[Place, str]]


def hosts_contradictions(site: HostsSite, place: Place) -> Found:
    for name, process in site.processes.items():
        at = (*place, "processes", name)
        if process.host is not None and process.host not in site.hosts:
            said = f'no host is named "{process.host}"'
            yield (*at, "host"), f"{said}; {among(process.host, site.hosts, 'known')}"
        elif site.host_of(name) is None:
            yield (*at, "host"), f"missing; the site has {len(site.hosts)}: {', '.join(site.hosts)}"
        missing = [act for act in ACTS if getattr(process, act) is None]
        if process.unit is None and missing:
            yield at, f"neither a unit nor a command to {', '.join(missing)} it"
    if site.cut_limit < CUT_LEAST:
        yield (
            (*place, "cut_limit"),
            f"{site.cut_limit} is too short for a cut; at least {CUT_LEAST}",
        )
    addresses = [(host.address, host.port) for host in site.hosts.values()]
    for name, host in site.hosts.items():
        if addresses.count((host.address, host.port)) > 1:
            yield (*place, "hosts", name, "address"), "two hosts of the site have the same address"
            return
