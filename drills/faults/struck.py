"""Whom a fault would strike, by the plan alone."""

from __future__ import annotations

from sites.estate import Estate
from sites.plan import faults


def struck_sites(estate: Estate, fault: faults.Fault) -> set[str]:
    """The sites that a fault damages, by the plan alone: those have to have opted in."""
    match fault:
        case faults.DrNotReady():
            return {fault.site} | _standby_site(estate, fault.dataset)
        case faults.SecondFault():
            return {fault.site} | struck_sites(estate, fault.second)
        case faults.SiteFault() | faults.ShellFault():
            return {fault.site}
        case faults.RepositoryFault():
            return {estate.plan.repositories[fault.repository].site}
        case faults.FreezeReplica():
            return _standby_site(estate, fault.dataset)
        case faults.ReplicatedDamage():
            declared = estate.plan.datasets[fault.dataset]
            return {declared.site} if declared.kind == "files" else estate.sites_of(fault.dataset)
        case _:
            return set()


def _standby_site(estate: Estate, dataset: str) -> set[str]:
    declared = estate.plan.datasets[dataset]
    if declared.kind != "postgres" or declared.standby is None:
        return set()
    return {declared.standby.site}
