"""What makes a dataset of objects impossible, or worth nothing at the other site."""

from __future__ import annotations

from collections.abc import Iterator

from sites.plan.objects import ObjectsDataset, ObjectsPlace
from sites.plan.plan import Plan
from sites.plan.problem import Place

Found = Iterator[tuple[Place, str]]


def objects_contradictions(plan: Plan, dataset: ObjectsDataset, place: Place) -> Found:
    source, replica = dataset.source, dataset.replica
    if source.site == replica.site:
        yield (
            (*place, "replica", "site"),
            f'both are at site "{source.site}"; the replica belongs to another one',
        )
    failover = plan.failover
    if failover and source.site == failover.from_site and replica.site not in (source.site, failover.to_site):
        said = f'"{replica.site}" is not where the failover goes; that is "{failover.to_site}"'
        yield (*place, "replica", "site"), said
    if _overlap(source, replica):
        yield (*place, "replica", "bucket"), "the same objects as the source; a copy of itself is none"
    for key, where in (("source", source), ("replica", replica)):
        if (where.access_key is None) != (where.secret_key is None):
            missing = "secret_key" if where.secret_key is None else "access_key"
            yield (*place, key, missing), "missing; the two go together, or neither for what the machine has"
    if dataset.lock is not None and dataset.copy_by == "rclone":
        yield (*place, "copy_by"), "rclone puts no locks; with `lock` leave it out"
    for name, other in plan.datasets.items():
        if other is dataset or not isinstance(other, ObjectsDataset) or name > str(place[-1]):
            continue
        if _overlap(replica, other.replica):
            yield (*place, "replica"), f'the same place as the replica of "{name}"; each needs its own'


def _overlap(one: ObjectsPlace, two: ObjectsPlace) -> bool:
    """Whether an object can belong to both."""
    if (one.endpoint, one.bucket) != (two.endpoint, two.bucket):
        return False
    first, second = one.prefix or "", two.prefix or ""
    return first.startswith(second) or second.startswith(first)
