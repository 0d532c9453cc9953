"""What contradicts itself in how a plan fails over."""

from __future__ import annotations

from collections.abc import Iterator

from sites.plan.data import PostgresDataset
from sites.plan.plan import Plan
from sites.plan.problem import Place


def failover_contradictions(plan: Plan) -> Iterator[tuple[Place, str]]:
    failover = plan.failover
    if failover is None:
        return
    if failover.decide == "automatic" and failover.power_off is None:
        yield from _unfenceable(plan, failover.from_site)
    vantages = len(failover.vantages) or 1
    if failover.detect.quorum is not None and failover.detect.quorum > vantages:
        said = f"{failover.detect.quorum} of {vantages} vantages can never see it; declare more `vantages`"
        yield ("failover", "detect", "quorum"), said
    runbooks = [name for name, drill in plan.drills.items() if drill.respond == "runbook"]
    if failover.decide == "notify" and runbooks:
        said = f'only people would be told, but drill "{runbooks[0]}" responds with the runbook'
        yield ("failover", "decide"), said


def _unfenceable(plan: Plan, name: str) -> Iterator[tuple[Place, str]]:
    """An automatic failover needs a proof that it can have by itself."""
    site = plan.sites.get(name)
    databases = [noun for noun in plan.datasets.values() if isinstance(noun, PostgresDataset)]
    if site is None or site.kind != "processes" or site.processes:
        return
    if any(noun.primary.site == name for noun in databases):
        return
    said = f'nothing can prove that site "{name}" takes no writes, so no failover may be automatic'
    yield ("failover", "fence"), f"{said}; give `power_off`, or decide: approval"
