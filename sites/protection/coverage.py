"""What the plan leaves open: what nothing protects, no schedule can keep, or goes all at once.

Only what is known for sure is told. Nothing here looks at the world: what is out there is handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from sites.plan import Dataset, Plan, PostgresDataset, Repository
from sites.protection.gap import Gap as Gap
from sites.protection.objects.coverage import object_gaps
from sites.secret import Secret

_OWN_DATABASE = "postgres"  # made with every server, and empty unless somebody uses it against all advice


def gaps(plan: Plan, resolve: Callable[[Secret], str | None]) -> Iterator[Gap]:
    """What the plan itself shows. `resolve` gives a secret, or None for one that cannot be had here."""
    for name, dataset in plan.datasets.items():
        yield from _unprotected(name, dataset)
        yield from _too_tight(plan, name, dataset)
        yield from _lost_together(plan, name, dataset)
        yield from _deletable(plan, name, dataset)
        yield from _written_from_home(plan, name, dataset)
        if dataset.kind == "objects":
            yield from object_gaps(name, dataset, resolve)
    yield from _one_credential(plan, resolve)


def databases(name: str, dataset: PostgresDataset, plan: Plan, there: Sequence[str]) -> Iterator[Gap]:
    """Databases of the dataset's server that no dataset names and no standby holds."""
    place = (dataset.primary.host, dataset.primary.port)
    named = {
        other.database
        for other in plan.datasets.values()
        if other.kind == "postgres" and (other.primary.host, other.primary.port) == place
    }
    for database in sorted({*there} - named - {_OWN_DATABASE}):
        if dataset.standby is None:
            what = f'database "{database}" beside it is in no dataset, so nothing protects it; declare one'
            yield Gap(f"dataset {name}", what)


def volumes(
    plan: Plan, site: str, stores: Mapping[str, Sequence[Path]], place: str = "volume"
) -> Iterator[Gap]:
    """Places that the processes of a site write to, and that no dataset which is protected covers."""
    covered = [path for dataset in plan.datasets.values() for path in _places(dataset, site)]
    urls = [r.url for r in plan.repositories.values() if r.kind == "restic"]
    covered += [Path(url) for url in urls if url.startswith("/")]
    covered += [plan.state, plan.evidence.path]
    databases = {
        server.process
        for dataset in plan.datasets.values()
        if dataset.kind == "postgres"
        for server in (dataset.primary, dataset.standby)
        if server is not None and server.site == site
    }
    if None in databases:
        return  # one of these is a database's own volume, and which is not said
    for process, paths in stores.items():
        for path in paths:
            if process not in databases and not any(path.is_relative_to(one) for one in covered):
                what = f'{place} {path} of "{process}" is in no dataset, so nothing protects it; declare one'
                yield Gap(f"site {site}", what)


def _places(dataset: Dataset, site: str) -> Iterator[Path]:
    if dataset.kind in ("files", "sqlite") and dataset.backup is not None:
        places = {dataset.site: dataset.path}
        places |= {dataset.restore.site: dataset.restore.path} if dataset.restore else {}
        if site in places:
            yield places[site]


def _unprotected(name: str, dataset: Dataset) -> Iterator[Gap]:
    if dataset.backup is None and dataset.kind != "objects" and not _has_standby(dataset):
        yield Gap(f"dataset {name}", "nothing protects it: it has neither a backup nor a standby")


def _has_standby(dataset: Dataset) -> bool:
    return dataset.kind in ("postgres", "shell") and dataset.standby is not None


def _too_tight(plan: Plan, name: str, dataset: Dataset) -> Iterator[Gap]:
    """A backup is as old as the schedule lets it get; a standby or an archived log is ahead of that."""
    if dataset.rpo is None or dataset.backup is None:
        return
    if _has_standby(dataset):
        return
    if plan.repositories[dataset.backup.to].kind == "pgbackrest":
        return
    if dataset.rpo < dataset.backup.every:
        what = f"an rpo of {dataset.rpo} cannot be met by a backup every {dataset.backup.every}"
        yield Gap(f"dataset {name}", what)


def _lost_together(plan: Plan, name: str, dataset: Dataset) -> Iterator[Gap]:
    """All that holds a dataset, held against the site where it lives: does anything fail apart from it?"""
    home = dataset.primary.site if dataset.kind == "postgres" else dataset.site
    others = {plan.repositories[r].site for r in _repositories(plan, dataset)} - {home}
    if dataset.kind == "postgres" and dataset.standby is not None:
        others.add(dataset.standby.site)
    if dataset.kind == "objects":
        others.add(dataset.replica.site)
    if dataset.kind == "shell" and dataset.standby is not None:
        others.add(dataset.standby)
    if not others and dataset.backup is not None:
        yield Gap(
            f"dataset {name}", f'every copy of it is lost with site "{home}"; add a repository elsewhere'
        )
    ours = plan.sites[home].fault_domain
    shared = [
        {kind for kind, value in plan.sites[other].fault_domain.items() if ours.get(kind) == value}
        for other in sorted(others)
    ]
    for kind in sorted(set.intersection(*shared)) if shared else ():
        what = f"all its copies are in one fault domain: {kind} {ours[kind]}"
        yield Gap(f"dataset {name}", f"{what}; put one where another {kind} serves it")


def _deletable(plan: Plan, name: str, dataset: Dataset) -> Iterator[Gap]:
    """A backup that its own site writes straight into the other one can be deleted from there as well."""
    home = dataset.primary.site if dataset.kind == "postgres" else dataset.site
    to = plan.repositories[dataset.backup.to] if dataset.backup else None
    if dataset.backup and to and to.site != home and not to.append_only:
        what = (
            f'site "{home}" writes repository "{dataset.backup.to}" at "{to.site}" and could delete it: make '
            "it append-only there and say so here, or back up at home and let the other site copy"
        )
        yield Gap(f"dataset {name}", what)


def _written_from_home(plan: Plan, name: str, dataset: Dataset) -> Iterator[Gap]:
    """pgBackRest copies nothing: the server itself writes its log into every repository of its stanza."""
    home = dataset.primary.site if dataset.kind == "postgres" else dataset.site
    for repository in sorted(_repositories(plan, dataset)):
        copy = plan.repositories[repository]
        if copy.kind == "pgbackrest" and copy.copy_of and copy.site != home and not copy.append_only:
            what = (
                f'site "{home}" itself writes "{repository}" at "{copy.site}" and could delete it; '
                "keep it behind a repository host of pgBackRest's, or with object lock, and say `append_only`"
            )
            yield Gap(f"dataset {name}", what)


def _one_credential(plan: Plan, resolve: Callable[[Secret], str | None]) -> Iterator[Gap]:
    for name, copy in plan.repositories.items():
        source = plan.repositories.get(copy.copy_of or "")
        if source is None or copy.append_only:
            continue
        for variable in sorted(copy.env.keys() & source.env.keys()):
            if _same(copy, source, variable, resolve):
                what = (
                    f'its {variable} is that of "{copy.copy_of}": "{source.site}" could delete the copy; '
                    "give each its own, or make the copy append-only"
                )
                yield Gap(f"repository {name}", what)


def _same(one: Repository, two: Repository, variable: str, resolve: Callable[[Secret], str | None]) -> bool:
    """Whether both have one secret. What is no secret, such as a region, opens nothing."""
    values = [one.env[variable], two.env[variable]]
    secrets = [resolve(value) for value in values if isinstance(value, Secret)]
    return len(secrets) == len(values) and None not in secrets and secrets[0] == secrets[1]


def _repositories(plan: Plan, dataset: Dataset) -> set[str]:
    """The repository of its backup, and all that copy it, whatever the number of hops."""
    found = {dataset.backup.to} if dataset.backup else set()
    while more := {n for n, r in plan.repositories.items() if r.copy_of in found} - found:
        found |= more
    return found
