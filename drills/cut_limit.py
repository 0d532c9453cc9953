"""That a host which is cut off does not come back by itself before the drill that cut it off is over."""

from __future__ import annotations

import math

from drills.rehearsal import longest_seconds
from sites.errors import GuardError
from sites.estate import Estate
from sites.plan.faults import Partition, SecondFault
from sites.plan.hosts import HostsSite


def check_cut_limit(estate: Estate, name: str) -> None:
    """That the sites of hosts which a drill cuts off stay so for as long as it may take. Raises GuardError.

    A host that connects itself again kills first what runs there: in mid-drill that is a second fault.
    """
    drill = estate.plan.drills[name]
    least_seconds = longest_seconds(drill)
    parts = [drill.fault, *([drill.fault.second] if isinstance(drill.fault, SecondFault) else [])]
    for site in (part.site for part in parts if isinstance(part, Partition)):
        declared = estate.plan.sites[site]
        if isinstance(declared, HostsSite) and declared.cut_limit.seconds < least_seconds:
            least = f"{math.ceil(least_seconds)}s"
            raise GuardError(
                f'cannot run drill "{name}": hosts of site "{site}" that are cut off connect themselves '
                f"again after {declared.cut_limit} (`cut_limit`), and the drill may take {least}",
                hint=f"make `cut_limit` of the site at least {least}, or the deadline shorter",
            )
