"""What could be restored at the other site now, and how old it is, for every dataset of a plan."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

from flows.protection.protect_stanza import exposed_one
from sites.estate import Estate
from sites.protection.exposure import Declared, Exposure, exposures, row
from sites.protection.history import History
from sites.protection.objects.exposure import objects_exposure


def exposed(estate: Estate) -> list[Exposure]:
    """One row a dataset, in the plan's order. What cannot be known is noted, and counts as exceeded.

    So does what only a repository at the dataset's own site holds: it is lost together with it.
    """
    rows: dict[str, Exposure] = {}
    kept_in = {name: _repository(estate, name) for name in estate.plan.datasets}
    for repository in {where for where in kept_in.values() if where is not None}:
        mine = [_declared(estate, name) for name, where in kept_in.items() if where == repository]
        stanza = estate.stanza(repository)
        if stanza is not None:
            found = [exposed_one(estate, one, stanza) for one in mine]
        else:
            found = exposures(mine, estate.repository(repository), history=History(estate.history))
        rows.update({row.dataset: row for row in found})
    for name, noun in estate.plan.datasets.items():
        if noun.kind == "objects":
            rpo = noun.rpo.seconds if noun.rpo is not None else None
            rows[name] = objects_exposure(estate.objects(name), rpo, History(estate.history))
    return [rows.get(name) or _without_backup(estate, name) for name in kept_in]


def _without_backup(estate: Estate, name: str) -> Exposure:
    backup = estate.plan.datasets[name].backup
    why = "no backup is declared"
    if backup is not None:
        why = f'repository "{backup.to}" is lost with site "{_home(estate, name)}", so it holds no point'
        why += " that could be restored elsewhere; declare a copy_of it at another site"
    return row(_declared(estate, name), None, None, None, datetime.now(UTC), [why])


def _declared(estate: Estate, name: str) -> Declared:
    noun, replica = estate.plan.datasets[name], estate.replicated().get(name)
    seconds = noun.rpo.seconds if noun.rpo is not None else None
    foreign, plan = estate.foreign(name), estate.plan.name
    if noun.kind == "shell" and noun.standby is not None:
        driver = estate.promotable(noun.standby)[name]
        return Declared(name, seconds, driver.in_sync, foreign, newest=driver.point, plan=plan)
    if replica is None or noun.kind != "postgres" or noun.standby is None:
        return Declared(name, seconds, None, foreign, plan=plan)
    position = partial(replica.position, noun.standby.site, noun.primary.site)
    return Declared(name, seconds, replica.in_sync, foreign, position, plan=plan)


def _repository(estate: Estate, dataset: str) -> str | None:
    """The one at another site, if there is any."""
    declared = estate.plan.datasets[dataset].backup
    if declared is None:
        return None
    where = estate.copy_of(declared.to) or declared.to
    return where if estate.plan.repositories[where].site != _home(estate, dataset) else None


def _home(estate: Estate, dataset: str) -> str:
    noun = estate.plan.datasets[dataset]
    if noun.kind == "postgres":
        return noun.primary.site
    return noun.source.site if noun.kind == "objects" else noun.site
