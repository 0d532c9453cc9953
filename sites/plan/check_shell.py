"""What a dataset of the user's own commands lacks for what it declares."""

from __future__ import annotations

from collections.abc import Iterator

from sites.plan.plan import Plan
from sites.plan.problem import Place
from sites.plan.shell_dataset import ShellDataset

Found = Iterator[tuple[Place, str]]


def shell_contradictions(plan: Plan, dataset: ShellDataset, place: Place) -> Found:
    wanted = {
        "dump": dataset.backup is not None and "a backup takes a dump",
        "load": dataset.restore_at is not None and "a restore loads a dump",
        "backup": dataset.restore_at is not None and "without a backup there is nothing to restore",
        "promote": dataset.standby is not None and "a standby is of use once it is promoted",
        "writable": dataset.standby is not None and "whether a promotion took effect is asked",
        "query": any(check.kind == "query" for check in dataset.checks) and "a check asks a query",
    }
    for key, why in wanted.items():
        if why and getattr(dataset, key) is None:
            yield (*place, key), f"missing; {why}"
    for key in ("promote", "writable", "in_sync", "point"):
        if getattr(dataset, key) is not None and dataset.standby is None:
            yield (*place, "standby"), f"missing; of which site does `{key}` speak?"
            break
    yield from _elsewhere(plan, dataset, dataset.standby, (*place, "standby"))
    yield from _elsewhere(plan, dataset, dataset.restore_at, (*place, "restore_at"))
    if dataset.standby is not None and dataset.restore_at is not None:
        said = "a failover promotes the standby, and a restore would be put over it; leave one of them out"
        yield (*place, "restore_at"), said


def _elsewhere(plan: Plan, dataset: ShellDataset, site: str | None, place: Place) -> Found:
    if site is None:
        return
    if site == dataset.site:
        yield place, f'both are at site "{site}"; name another one'
    failover = plan.failover
    if failover and dataset.site == failover.from_site and site not in (dataset.site, failover.to_site):
        yield place, f'"{site}" is not where the failover goes; that is "{failover.to_site}"'
