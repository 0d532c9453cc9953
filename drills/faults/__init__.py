"""One small module per fault, and the table of their kinds."""

from __future__ import annotations

from drills.fault import Fault
from drills.faults.kill_site import KillSite
from drills.faults.no_fault import NoFault
from sites.estate import Estate
from sites.plan import Drill


def fault_of(estate: Estate, drill: Drill) -> Fault:
    """The fault that a drill declares, bound to the estate it would hit."""
    declared = drill.fault
    return KillSite(estate, declared.site) if declared.kind == "kill_site" else NoFault()
