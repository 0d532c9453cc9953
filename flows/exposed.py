"""What could be restored at the other site now, and how old it is, for every dataset of a plan."""

from __future__ import annotations

from sites.errors import BlackstartError
from sites.estate import Estate
from sites.protection.exposure import Declared, Exposure, exposures
from sites.protection.history import History


def exposed(estate: Estate) -> list[Exposure]:
    """One row a dataset, in the plan's order. What cannot be known is noted, and counts as exceeded."""
    rows: dict[str, Exposure] = {}
    kept_in = {name: _repository(estate, name) for name in estate.plan.datasets}
    for repository in {where for where in kept_in.values() if where is not None}:
        mine = [_declared(estate, name) for name, where in kept_in.items() if where == repository]
        found = exposures(mine, estate.repository(repository), history=History(estate.history))
        rows.update({row.dataset: row for row in found})
    return [rows.get(name) or _without_backup(_declared(estate, name)) for name in kept_in]


def _without_backup(declared: Declared) -> Exposure:
    covered, note = False, "no backup is declared"
    if declared.replica is not None:
        try:
            proof = declared.replica()
            covered, note = proof.holds, f"{note}; the replica: {proof.how}"
        except BlackstartError as error:
            note = f"{note}, and the replica cannot be asked: {error}"
    return Exposure(
        dataset=declared.dataset,
        rpo_seconds=declared.rpo_seconds,
        by="replica" if covered else None,
        point=None,
        age_seconds=0.0 if covered else None,
        exceeded=not covered and declared.rpo_seconds is not None,
        notes=(note,),
    )


def _declared(estate: Estate, name: str) -> Declared:
    rpo, replica = estate.plan.datasets[name].rpo, estate.replicated().get(name)
    asked, seconds = replica.in_sync if replica else None, rpo.seconds if rpo is not None else None
    return Declared(name, seconds, asked, estate.foreign(name))


def _repository(estate: Estate, dataset: str) -> str | None:
    declared = estate.plan.datasets[dataset].backup
    return None if declared is None else estate.copy_of(declared.to) or declared.to
