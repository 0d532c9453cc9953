"""What a failover has stopped at the site that it fenced runs again once the failover is taken back."""

from __future__ import annotations

from collections.abc import Iterator
from graphlib import TopologicalSorter

from sites.capability import Fencing
from sites.errors import BlackstartError
from sites.estate import Estate
from sites.recovery.runbook import Detail

_ANSWER_SECONDS = 60.0


def run_again(estate: Estate, name: str, *, ours: bool) -> Detail:
    """What was started, and in words what is left down. `ours`: the failover stopped it, not the outage.

    Raises nothing for what does not start: taking the failover back must not depend on a site that is lost.
    """
    wanted = list(processes_of(estate, name))
    if not ours:
        down = [process for process in wanted if process not in _running(estate, name)]
        return {"left": f'site "{name}" was down before; not started: {", ".join(down)}'} if down else {}
    site = estate.site(name)
    if isinstance(site, Fencing):
        return {"left": f'the fence of its own at site "{name}" is yours to lift; then start it'}
    try:
        site.up()
        for process in wanted:
            site.start(process)
        for dataset, driver in estate.replicated().items():
            if name in estate.sites_of(dataset):  # one that was killed recovers first
                driver.wait_until_answering(name, limit_seconds=_ANSWER_SECONDS)
    except BlackstartError as error:
        return {"left": f'site "{name}" was stopped by the failover, and does not run again: {error}'}
    return {"started": wanted}


def processes_of(estate: Estate, site: str) -> Iterator[str]:
    """Of the site that serves: its databases, then its services, each after those that it needs."""
    declared, services = estate.plan.sites[site].processes, estate.plan.services
    for dataset in estate.replicated():
        if site in estate.sites_of(dataset) and (process := estate.server(dataset, site).process):
            yield process
    needs = {name: [need for need in one.needs if need in services] for name, one in services.items()}
    for name in TopologicalSorter(needs).static_order():
        if (process := services[name].process) is not None and process in declared:
            yield process


def _running(estate: Estate, site: str) -> tuple[str, ...]:
    try:
        return tuple(estate.site(site).running())
    except BlackstartError:  # it does not answer: then nothing there is known to run
        return ()
