"""What makes a dataset impossible, or impossible to recover at the other site."""

from __future__ import annotations

from collections.abc import Iterator

from sites.plan.check_objects import objects_contradictions
from sites.plan.check_shell import shell_contradictions
from sites.plan.data import Backup, FilesDataset, PostgresDataset
from sites.plan.dataset import Dataset
from sites.plan.objects import ObjectsDataset
from sites.plan.plan import Plan
from sites.plan.problem import Place
from sites.plan.shell_dataset import ShellDataset
from sites.plan.sqlite import SqliteDataset
from sites.plan.stanza import Stanza

Found = Iterator[tuple[Place, str]]


def dataset_contradictions(plan: Plan, dataset: Dataset, place: Place) -> Found:
    if dataset.backup and dataset.backup.keep and not dataset.backup.keep.model_dump(exclude_none=True):
        known = ", ".join(type(dataset.backup.keep).model_fields)
        yield (*place, "backup", "keep"), f"keeps nothing; leave it out to keep all, or give some of: {known}"
    if dataset.backup and dataset.backup.exclude and not isinstance(dataset, FilesDataset):
        yield (*place, "backup", "exclude"), "only of files can something be left out; this is one dump"
    if dataset.backup is not None:
        yield from _whose(plan, dataset, dataset.backup, (*place, "backup"))
    if isinstance(dataset, PostgresDataset):
        yield from _servers(plan, dataset, place)
        yield from _synchronous(dataset, place)
    elif isinstance(dataset, ObjectsDataset):
        yield from objects_contradictions(plan, dataset, place)
    elif isinstance(dataset, ShellDataset):
        yield from shell_contradictions(plan, dataset, place)
    else:
        yield from _restore(plan, dataset, place)
    yield from _checks(dataset, place)


def _whose(plan: Plan, dataset: Dataset, backup: Backup, place: Place) -> Found:
    """Somebody else's backup is not ours to shape, and neither is what else lies beside it."""
    kept = plan.repositories.get(backup.to)
    if isinstance(kept, Stanza):
        yield from _by_pgbackrest(dataset, backup, place)
        return
    if backup.by == "blackstart":
        for key in ("host", "path"):
            if getattr(backup, key) is not None:
                yield (*place, key), "our own snapshots are known by their tags; it goes with `by: external`"
        return
    if not isinstance(dataset, FilesDataset):
        yield (
            (*place, "by"),
            "only of files, or PostgreSQL by pgBackRest; declare the folder of its dumps as one of files",
        )
    if not (backup.tags or backup.host or backup.path):
        yield (*place, "by"), "which snapshots are its backups? give some of: tags, host, path"
    for key in ("keep", "exclude", "before", "after"):
        if getattr(backup, key):
            yield (*place, key), "blackstart does not make this backup; it only reads what is there"
    for name, other in plan.datasets.items():
        if other.backup is not None and other.backup.by == "blackstart" and other.backup.to == backup.to:
            yield (
                (*place, "to"),
                f'dataset "{name}" is backed up there by us; what is adopted is only read',
            )


def _by_pgbackrest(dataset: Dataset, backup: Backup, place: Place) -> Found:
    """It takes whole servers and nothing else, and keeps what its own configuration says."""
    if not isinstance(dataset, PostgresDataset):
        yield (
            (*place, "to"),
            f"\"{backup.to}\" is pgBackRest's, only for PostgreSQL; name one of restic's",
        )
    if backup.keep:
        yield (*place, "keep"), "pgBackRest's own configuration says so: repo1-retention-full and the like"
    for key in ("tags", "host", "path"):
        if getattr(backup, key):
            yield (*place, key), f'"{backup.to}" is pgBackRest\'s, which knows a backup by its stanza'
    for key in ("before", "after"):
        if backup.by == "external" and getattr(backup, key):
            yield (*place, key), "blackstart does not make this backup; it only reads what is there"


def _checks(dataset: Dataset, place: Place) -> Found:
    for at, check in enumerate(dataset.checks):
        if check.kind == "query" and isinstance(dataset, FilesDataset | ObjectsDataset):
            yield (*place, "checks", at), f"{dataset.kind} answer no queries; use kind command"
        if check.name in [other.name for other in dataset.checks[:at]]:
            yield (*place, "checks", at, "name"), f'two checks are named "{check.name}"'
    if dataset.checks and dataset.backup is None and not isinstance(dataset, ObjectsDataset):
        yield (*place, "checks"), "without a backup nothing is restored that could be asked"


def process_contradictions(plan: Plan, site_name: str, process: str, place: Place) -> Found:
    site = plan.sites.get(site_name)
    if site is not None and process not in site.processes:
        known = ", ".join(site.processes) or "none"
        yield place, f'no process is named "{process}" at site "{site_name}"; known there: {known}'


def _servers(plan: Plan, dataset: PostgresDataset, place: Place) -> Found:
    primary, standby = dataset.primary, dataset.standby
    for key, server in (("primary", primary), ("standby", standby)):
        if server is not None and server.process is not None:
            yield from process_contradictions(plan, server.site, server.process, (*place, key, "process"))
    if standby is None:
        return
    if standby.site == primary.site:
        yield (
            (*place, "standby", "site"),
            f'both are at site "{primary.site}"; the standby belongs to another',
        )
    else:
        yield from _where_failover_goes(plan, primary.site, standby.site, (*place, "standby", "site"))
    if standby.site != primary.site and (standby.host, standby.port) == (primary.host, primary.port):
        yield (*place, "standby", "port"), f"the same server as the primary, {primary.host}:{primary.port}"


def _synchronous(dataset: PostgresDataset, place: Place) -> Found:
    if dataset.synchronous and dataset.standby is None:
        yield (*place, "synchronous"), "synchronous to nothing; declare the standby"
    if dataset.synchronous and dataset.on_standby_loss is None:
        yield (
            (*place, "on_standby_loss"),
            "missing; a synchronous dataset must say it; allowed: block, degrade",
        )


def _restore(plan: Plan, dataset: FilesDataset | SqliteDataset, place: Place) -> Found:
    restore = dataset.restore
    if restore is None:
        return
    if restore.site == dataset.site:
        yield (*place, "restore", "site"), f'both are at site "{dataset.site}"; restore to another one'
    else:
        yield from _where_failover_goes(plan, dataset.site, restore.site, (*place, "restore", "site"))
    if restore.site != dataset.site and restore.path == dataset.path:
        yield (*place, "restore", "path"), "the same place as the source; a restore never goes over it"
    if dataset.backup is None:
        yield (*place, "backup"), "missing; without a backup there is nothing to restore"


def unrecoverable(plan: Plan) -> Found:
    """Datasets that would be lost together with all that they are restored from."""
    for name, dataset in plan.datasets.items():
        if isinstance(dataset, PostgresDataset) or dataset.restore is None or dataset.backup is None:
            continue
        repository = dataset.backup.to
        if dataset.site in _lost_with(plan, repository):
            said = f'repository "{repository}" is lost with site "{dataset.site}"'
            yield ("datasets", name, "backup", "to"), f"{said}; declare a copy_of it at another site"


def _where_failover_goes(plan: Plan, source: str, other: str, place: Place) -> Found:
    failover = plan.failover
    if failover and source == failover.from_site != failover.to_site and other != failover.to_site:
        yield place, f'"{other}" is not where the failover goes; that is "{failover.to_site}"'


def _lost_with(plan: Plan, repository: str) -> set[str]:
    """The site whose loss takes the repository and all its copies; no site if there is none such."""
    holders = {name for name, r in plan.repositories.items() if repository in (name, r.copy_of)}
    at = {plan.repositories[name].site for name in holders}
    return at if len(at) == 1 else set()
