"""What can be broken of an estate, in cells: a fault, the kind of site struck, the kind of dataset judged.

Frozen in the charter of each run, so that the reports say later which cells were tried, when, and which
never were, without knowing what this version could do. `none` stands for a service that is judged alone.
"""

from __future__ import annotations

from drills.faults import KINDS
from drills.faults.kinds import Kind
from drills.faults.struck import struck_sites
from rto_rpo.evidence.agreed.charter import Cell
from sites.estate import Estate
from sites.plan import Drill, Plan
from sites.plan.faults import Fault

ALONE = "none"
_ANY_KIND = {"none", "any"}  # of a fault that asks nothing of a dataset


def cells_of(plan: Plan) -> tuple[Cell, ...]:
    """Every cell that this plan has. What a kind of site offers no way to could never be tried: no cell."""
    places = sorted({site.kind for site in plan.sites.values()})
    return tuple(
        Cell(fault=kind.name, site=place, dataset=dataset)
        for kind in KINDS
        if kind.strikes != "nothing"
        for place in places
        if place not in kind.refused
        for dataset in _datasets(plan, kind)
    )


def tried_by(estate: Estate, drill: Drill) -> tuple[Cell, ...]:
    """The cells that a drill fills in, if its fault takes effect."""
    plan, fault = estate.plan, drill.fault
    places = sorted({plan.sites[name].kind for name in struck_sites(estate, fault)})
    return tuple(
        Cell(fault=fault.kind, site=place, dataset=dataset)
        for place in places
        for dataset in _judged(plan, drill)
    )


def _datasets(plan: Plan, kind: Kind) -> list[str]:
    there = sorted({dataset.kind for dataset in plan.datasets.values()})
    if _ANY_KIND & kind.expected.keys():
        return [*there, ALONE]
    return [each for each in there if each in kind.expected]


def _judged(plan: Plan, drill: Drill) -> list[str]:
    """What the fault strikes by name; else whose loss is judged; else what the struck repository keeps."""
    names = _struck(drill.fault) or [name for name in drill.judge if name in plan.datasets]
    if not names and (repository := getattr(drill.fault, "repository", None)):
        into = {repository, plan.repositories[repository].copy_of}
        names = [name for name, one in plan.datasets.items() if one.backup and one.backup.to in into]
    return sorted({plan.datasets[name].kind for name in names}) or [ALONE]


def _struck(fault: Fault) -> list[str]:
    named = getattr(fault, "dataset", None)
    return [named] if named is not None else []
