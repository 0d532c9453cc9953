"""The plan made operable: for each noun its driver, secrets looked up only when a driver is made."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TypeVar

from sites.barring import Barring
from sites.capability import SiteDriver
from sites.dataset_drivers import files_dataset, objects_dataset, shell_dataset
from sites.drivers.barred import Barred, nothing_barred
from sites.drivers.files import FilesDataset
from sites.drivers.hosts.rejoin import HostRejoining
from sites.drivers.pgbackrest.stanza import Stanza
from sites.drivers.postgres.dataset import PostgresDataset
from sites.drivers.postgres.folder import DataFolder
from sites.drivers.postgres.rejoin import Rejoining, StandbyMaker
from sites.drivers.processes.site import ProcessSite
from sites.drivers.restic.repository import Restic
from sites.drivers.s3.dataset import ObjectsDataset
from sites.drivers.shell_dataset import ShellDataset
from sites.drivers.sqlite.dataset import SqliteDataset
from sites.errors import PlanError
from sites.plan import FilesDataset as FilesNoun
from sites.plan import Plan, PostgresServer
from sites.plan import PostgresDataset as PostgresNoun
from sites.plan import SqliteDataset as SqliteNoun
from sites.points import Foreign
from sites.postgres_drivers import postgres_dataset, programs_of, replicator, servers
from sites.repository_drivers import restic_repository, stanza_repository
from sites.restore import RestoreSource
from sites.restored import CommandQuestion, QueryQuestion, Question
from sites.secret import Secret
from sites.server_gone import server_gone
from sites.site_drivers import (
    container_site,
    hosts_of,
    hosts_site,
    process_spec,
    resolved,
    shell_site,
)
from sites.stanza_restore import StanzaSource

_Noun = TypeVar("_Noun")


class Estate:
    """Looks up the driver for each noun of one plan; drivers are made once and kept.

    `until_pid`: sites that are brought up by this estate are lost as soon as that process is gone.
    All lookups raise PlanError for a name that the plan does not declare.
    """

    def __init__(self, plan: Plan, *, until_pid: int | None = None) -> None:
        self.plan = plan
        self._until_pid = until_pid
        self._barring = Barring(plan, lambda site: hosts_of(self.site(site)))
        self._sites: dict[str, SiteDriver] = {}
        self._postgres: dict[str, PostgresDataset] = {}
        self._repositories: dict[str, Restic] = {}

    @property
    def state(self) -> Path:
        """Where blackstart keeps locks, journals, undo intents and histories of this plan."""
        return self.plan.state

    @property
    def history(self) -> Path:
        """The file that says what backups, replications and restore tests came to."""
        return self.state / "history.jsonl"

    def site(self, name: str) -> SiteDriver:
        if name not in self._sites:
            self._sites[name] = self._new_site(name, partial(self._barring.why_not, name))
        return self._sites[name]

    def unguarded(self, name: str) -> SiteDriver:
        """A driver of its own for a site, which knows nothing of our fences: what a careless operator has."""
        return self._new_site(name, nothing_barred)

    def processes(self, name: str) -> ProcessSite:
        """A site of processes on this machine, for what only that can do. Raises PlanError."""
        site = self.site(name)
        if not isinstance(site, ProcessSite):
            raise PlanError(f'site "{name}" is of kind {self.plan.sites[name].kind}, not processes')
        return site

    def room(self, name: str) -> Path:
        """Where blackstart keeps what belongs to a site, such as what a restore test restores."""
        site = _declared(self.plan.sites, name, "site")
        return site.path if site.kind == "processes" else self.state / "sites" / name

    def _new_site(self, name: str, barred: Barred) -> SiteDriver:
        site = _declared(self.plan.sites, name, "site")
        if site.kind == "shell":
            return shell_site(name, site, self.plan.folder, barred)
        if site.kind == "containers":
            return container_site(name, site, self.plan.name, self.room(name), barred)
        if site.kind == "hosts":
            return hosts_site(name, site, barred)
        specs = {process: process_spec(declared) for process, declared in site.processes.items()}
        until_pid = self._until_pid
        return ProcessSite(name, site.path, specs, until_pid=until_pid, barred=barred, network=site.network)

    def repository(self, name: str) -> Restic:
        """A repository of restic's. Raises PlanError for another kind."""
        if name not in self._repositories:
            declared, foreign = (
                _declared(self.plan.repositories, name, "repository"),
                self.foreign_repositories,
            )
            if declared.kind != "restic":
                raise PlanError(f"repository \"{name}\" is pgBackRest's; this takes one of restic's")
            self._repositories[name] = restic_repository(
                name, declared, self.plan.name, foreign=name in foreign
            )
        return self._repositories[name]

    def stanza(self, name: str) -> Stanza | None:
        """A repository of pgBackRest's; None for another kind."""
        declared = _declared(self.plan.repositories, name, "repository")
        if declared.kind == "restic":
            return None
        return stanza_repository(name, declared, foreign=name in self.foreign_repositories)

    @property
    def foreign_repositories(self) -> set[str]:
        """Those that hold somebody else's backups, and what these are copied from and to: only ever read."""
        backups = [noun.backup for noun in self.plan.datasets.values() if noun.backup is not None]
        named = {backup.to for backup in backups if backup.by == "external"}
        copies = {(name, r.copy_of) for name, r in self.plan.repositories.items() if r.copy_of is not None}
        return named | {end for pair in copies if named.intersection(pair) for end in pair}

    def foreign(self, dataset: str) -> Foreign | None:
        """Which snapshots are the backups of a dataset that somebody else backs up; None for our own."""
        backup = _declared(self.plan.datasets, dataset, "dataset").backup
        if backup is None or backup.by != "external":
            return None
        return Foreign(backup.tags, backup.host, str(backup.path) if backup.path is not None else None)

    def dataset(self, name: str) -> PostgresDataset | FilesDataset | SqliteDataset | ShellDataset:
        """One that goes into a repository; `objects` is for the others."""
        declared = _declared(self.plan.datasets, name, "dataset")
        if declared.kind == "postgres":
            return self.postgres(name)
        if declared.kind == "sqlite":
            return SqliteDataset(name, _places(declared))
        if declared.kind == "objects":
            raise PlanError(f'dataset "{name}" is a bucket: it is copied to another one, and has no backup')
        if declared.kind == "shell":
            return shell_dataset(name, declared, self.plan.folder)
        return files_dataset(name, declared)

    def objects(self, name: str) -> ObjectsDataset:
        declared = _declared(self.plan.datasets, name, "dataset")
        if declared.kind != "objects":
            raise PlanError(f'dataset "{name}" is of kind {declared.kind}, not objects')
        return objects_dataset(name, declared)

    def postgres(self, name: str) -> PostgresDataset:
        if name not in self._postgres:
            declared = _declared(self.plan.datasets, name, "dataset")
            if declared.kind != "postgres":
                raise PlanError(f'dataset "{name}" is of kind {declared.kind}, not postgres')
            self._postgres[name] = postgres_dataset(name, declared, partial(server_gone, site=self.site))
        return self._postgres[name]

    def server(self, dataset: str, site: str) -> PostgresServer:
        """Where the plan says that the copy of a PostgreSQL dataset at a site is."""
        for server in servers(_declared(self.plan.datasets, dataset, "dataset")):
            if server.site == site:
                return server
        raise PlanError(f'dataset "{dataset}" has no copy at site "{site}"')

    def rejoining(self, dataset: str, site: str) -> StandbyMaker:
        """What makes the server of a PostgreSQL dataset at a site a standby again.

        Raises PlanError when the plan does not say enough for that, MissingProgram.
        """
        declared = _declared(self.plan.datasets, dataset, "dataset")
        server = self.server(dataset, site)
        told = isinstance(declared, PostgresNoun) and declared.replication
        if not told or not server.process or not server.data:
            raise PlanError(
                f'dataset "{dataset}" cannot be made a standby at site "{site}"',
                hint="it needs `replication`, and `process` and `data` of each server",
            )
        place = self.plan.sites[site]
        if place.kind == "hosts":
            host = hosts_of(self.site(site))[place.host_of(server.process) or ""]
            owner = place.processes[server.process].owner
            return HostRejoining(site, host, PurePosixPath(server.data), owner, replicator(told))
        if place.kind != "processes":
            raise PlanError(
                f'dataset "{dataset}" cannot be made a standby at site "{site}": it is of kind {place.kind}',
                hint="that is done by hand there, then the site's fence is lifted: see docs/sites.md",
            )
        process = place.processes[server.process]
        user = process.user if os.geteuid() == 0 else None
        folder = DataFolder(server.data, programs_of(process), user)
        return Rejoining(site, folder, replicator(told))

    def sites_of(self, dataset: str) -> set[str]:
        """The sites that hold a copy of a PostgreSQL dataset."""
        return {server.site for server in servers(_declared(self.plan.datasets, dataset, "dataset"))}

    def replicated(self) -> dict[str, PostgresDataset]:
        """Every dataset that has a standby."""
        nouns = self.plan.datasets.items()
        return {name: self.postgres(name) for name, noun in nouns if noun.kind == "postgres" and noun.standby}

    def copy_of(self, repository: str) -> str | None:
        """The name of the repository that copies this one, if there is any."""
        return next((name for name, r in self.plan.repositories.items() if r.copy_of == repository), None)

    def restore_source(self, dataset: str) -> RestoreSource:
        """From where, and to where, a dataset without a standby is restored at the other site.

        Raises PlanError when its plan does not say.
        """
        declared = _declared(self.plan.datasets, dataset, "dataset")
        if declared.kind == "postgres" or declared.restore is None or declared.backup is None:
            raise PlanError(
                f'dataset "{dataset}" cannot be restored at another site',
                hint="it needs `backup` and `restore`",
            )
        name, place = self.copy_of(declared.backup.to) or declared.backup.to, declared.restore
        driver = self.dataset(dataset)
        loader = driver if isinstance(driver, SqliteDataset | ShellDataset) else None
        to = self.state / "restoring" / dataset if declared.kind == "shell" else place.path
        foreign, plan = self.foreign(dataset), self.plan.name
        return RestoreSource(dataset, name, self.repository(name), place.site, to, loader, foreign, plan=plan)

    def promotable(self, site: str) -> dict[str, ShellDataset]:
        """Every dataset of the user's own commands whose copy at a site can take over."""
        found = {n: self.dataset(n) for n, d in self.plan.datasets.items() if d.kind == "shell" and d.standby}
        return {n: d for n, d in found.items() if isinstance(d, ShellDataset) and site in d.sites}

    def backup_source(self, dataset: str) -> RestoreSource | StanzaSource:
        """From where a dataset is loaded at its standby's site, in the place of what is there.

        Raises PlanError when its plan does not say.
        """
        declared = _declared(self.plan.datasets, dataset, "dataset")
        if declared.kind == "shell" and declared.standby and declared.backup and declared.load:
            standby = declared.standby
        elif declared.kind == "postgres" and declared.standby and declared.backup:
            standby = declared.standby.site
        else:
            raise PlanError(
                f'dataset "{dataset}" cannot be recovered from a backup at its standby\'s site',
                hint="it needs `backup` and `standby`, and one of kind shell `load`",
            )
        name = self.copy_of(declared.backup.to) or declared.backup.to
        stanza = self.stanza(name)
        if stanza is not None and declared.kind == "postgres":
            room, loads = self.room(standby) / "restoring", self.postgres(dataset)
            role = declared.database, declared.user
            return StanzaSource(dataset, name, stanza, standby, room, *role, loads)
        to, driver = self.state / "restoring" / dataset, self.dataset(dataset)
        loader = driver if isinstance(driver, PostgresDataset | ShellDataset) else None
        plan = self.plan.name
        return RestoreSource(dataset, name, self.repository(name), standby, to, loader, plan=plan)

    def questions(self, dataset: str) -> list[Question]:
        """What a restore test asks of restored data besides, secrets looked up. Raises PlanError."""
        asked: list[Question] = []
        for check in _declared(self.plan.datasets, dataset, "dataset").checks:
            if check.kind == "query":
                asked.append(QueryQuestion(check.name, check.sql, check.expect))
                continue
            env, secret_env = self.environment(check.env)
            limit_seconds = check.limit.seconds
            asked.append(
                CommandQuestion(check.name, check.command, env, secret_env, self.plan.folder, limit_seconds)
            )
        return asked

    def environment(self, declared: Mapping[str, str | Secret]) -> tuple[dict[str, str], dict[str, str]]:
        """Environment variables as (plain, secret), the secrets looked up. Raises PlanError."""
        return resolved(declared)


def _declared(nouns: Mapping[str, _Noun], name: str, what: str) -> _Noun:
    if name not in nouns:
        raise PlanError(f'no {what} is named "{name}"', hint=f"declared: {', '.join(nouns) or 'none'}")
    return nouns[name]


def _places(declared: FilesNoun | SqliteNoun) -> dict[str, Path]:
    """Where it is at each site, the one of normal times first."""
    other = {declared.restore.site: declared.restore.path} if declared.restore else {}
    return {declared.site: declared.path, **other}
