"""What a plan leaves open about buckets: what no dataset names, what goes at once, what could be deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from sites.plan import ObjectsDataset, ObjectsPlace, Plan
from sites.protection.gap import Gap
from sites.secret import Secret


def object_gaps(name: str, dataset: ObjectsDataset, resolve: Callable[[Secret], str | None]) -> Iterator[Gap]:
    """What the plan itself shows of one dataset of objects, besides what holds for any."""
    about, source, replica = f"dataset {name}", dataset.source, dataset.replica
    if dataset.rpo is not None and dataset.rpo < dataset.every:
        what = f"an rpo of {dataset.rpo} cannot be met by a replication every {dataset.every}"
        yield Gap(about, what)
    if source.endpoint == replica.endpoint and (source.endpoint or source.region == replica.region):
        where = source.endpoint or f"AWS, {source.region}"
        yield Gap(about, f"both buckets are in one store ({where}): put the replica in another")
    if dataset.deletions == "follow" and not dataset.versions and dataset.lock is None:
        what = (
            "deletions follow to a replica that need not keep versions: what is deleted by mistake is gone "
            "there too; set `versions`, or `deletions: keep`"
        )
        yield Gap(about, what)
    if _same_key(source, replica, resolve) and dataset.lock is None:
        what = (
            f'its access key is the same at both sites: "{source.site}" could delete the replica; '
            "give each its own, or lock the replica's objects"
        )
        yield Gap(about, what)


def _same_key(one: ObjectsPlace, two: ObjectsPlace, resolve: Callable[[Secret], str | None]) -> bool:
    if one.secret_key is None or two.secret_key is None:
        return one.secret_key is two.secret_key and one.endpoint == two.endpoint
    found = resolve(one.secret_key), resolve(two.secret_key)
    return found[0] is not None and found[0] == found[1]


def buckets(name: str, dataset: ObjectsDataset, plan: Plan, there: Sequence[str]) -> Iterator[Gap]:
    """Buckets beside the source of a dataset that no dataset names, and no repository or upload is in."""
    named = {
        place.bucket
        for other in plan.datasets.values()
        if other.kind == "objects"
        for place in (other.source, other.replica)
        if place.endpoint == dataset.source.endpoint
    }
    kept = [r.url for r in plan.repositories.values() if r.kind == "restic" and r.url.startswith("s3:")]
    upload = {plan.evidence.upload.bucket} if plan.evidence.upload else set()
    for bucket in sorted({*there} - named - upload):
        if not any(f"/{bucket}/" in f"{url}/" for url in kept):
            what = f'bucket "{bucket}" beside it is in no dataset, so nothing protects it; declare one'
            yield Gap(f"dataset {name}", what)
