"""Where the names of a drill's targets lead: what the plan declares of those nouns that its fault strikes.

A name alone tells little. The same "primary" may be another folder, another machine or another kill command
tomorrow, and whoever confirmed the one has not confirmed the other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from drills.faults.struck import struck_sites
from sites.estate import Estate
from sites.plan import Drill
from sites.plan.faults import Fault, SecondFault

# whom we are when we get there, and what says nothing of where it is
_NOT_OF_A_SITE = {"drills", "fault_domain", "ssh"}
_OF_A_DATASET = {"kind", "site", "path", "primary", "standby", "bucket", "replica"}
_OF_A_REPOSITORY = {"site", "url"}


def nouns_at_stake(estate: Estate, drill: Drill, sites: Collection[str]) -> dict[str, Any]:
    """As JSON. Of secrets it has no more than the plan: where they are."""
    plan, fault = estate.plan, drill.fault
    found: dict[str, Any] = {
        f"site {name}": plan.sites[name].model_dump(mode="json", exclude=_NOT_OF_A_SITE)
        for name in sorted({*sites, *struck_sites(estate, fault)})
    }
    for name in _named(fault, "dataset"):
        found[f"dataset {name}"] = plan.datasets[name].model_dump(mode="json", include=_OF_A_DATASET)
    for name in _named(fault, "repository"):
        found[f"repository {name}"] = plan.repositories[name].model_dump(
            mode="json", include=_OF_A_REPOSITORY
        )
    return found


def _named(fault: Fault, what: str) -> Iterator[str]:
    if (name := getattr(fault, what, None)) is not None:
        yield str(name)
    if isinstance(fault, SecondFault):
        yield from _named(fault.second, what)
