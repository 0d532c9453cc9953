"""The secrets that a plan refers to, and what each is for."""

from __future__ import annotations

from collections.abc import Iterator

from sites.plan import ObjectsDataset, Plan
from sites.secret import Secret


def secrets_of(plan: Plan) -> Iterator[tuple[str, Secret]]:
    """Each that the plan refers to, under a name that says what it is for."""
    yield from _of_tools(plan)
    for name, dataset in plan.datasets.items():
        if dataset.kind == "postgres" and dataset.password is not None:
            yield f"secret of {name}", dataset.password
        if dataset.kind == "postgres" and dataset.replication is not None:
            yield f"replication secret of {name}", dataset.replication.password
        if dataset.kind == "shell":
            for variable, value in dataset.env.items():
                if isinstance(value, Secret):
                    yield f"secret {variable} of {name}", value
        if dataset.kind == "objects":
            yield from _of_buckets(name, dataset)
    for site_name, site in plan.sites.items():
        for what, env in site.environments():
            for variable, value in env.items():
                if isinstance(value, Secret):
                    yield f"secret {variable} of {what or 'the commands'} at {site_name}", value


def _of_buckets(name: str, dataset: ObjectsDataset) -> Iterator[tuple[str, Secret]]:
    for which, place in (("source", dataset.source), ("replica", dataset.replica)):
        for what, secret in (("access key", place.access_key), ("secret key", place.secret_key)):
            if secret is not None:
                yield f"{what} of the {which} of {name}", secret


def secrets_of_repository(name: str, plan: Plan) -> Iterator[tuple[str, Secret]]:
    repository = plan.repositories[name]
    if repository.kind == "restic":
        yield f"secret of {name}", repository.password
    for variable, value in repository.env.items():
        if isinstance(value, Secret):
            yield f"secret {variable} of {name}", value


def _of_tools(plan: Plan) -> Iterator[tuple[str, Secret]]:
    for name in plan.repositories:
        yield from secrets_of_repository(name, plan)
    for place, address in enumerate(plan.notify.to if plan.notify else (), 1):
        yield f"address {place} of notify", address
    if plan.notify and plan.notify.ping:
        yield "ping of notify", plan.notify.ping
