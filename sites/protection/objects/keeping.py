"""What a replication keeps at the replica besides the objects: manifests, by the SHA-256 of their content.

And what has to be so before anything is put there: versions that are kept, a lock that holds.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import uuid4

from sites.drivers.s3.bucket import OURS, Bucket
from sites.drivers.s3.dataset import ObjectsDataset
from sites.drivers.s3.listing import listing
from sites.drivers.s3.locked import require_lock
from sites.drivers.s3.marks import MANIFESTS, Mark
from sites.errors import BucketDenied, BucketError, DatasetError
from sites.object_manifest import Writer, entries
from sites.protection.objects.carrying import Carried

_BATCH = 1000  # what one request may delete


def prepare(dataset: ObjectsDataset) -> Mapping[str, Any]:
    """What each object is put with. Raises BucketError when the replica does not keep what the plan says."""
    if dataset.versions or dataset.lock:
        require_versions(dataset.replica)
    if dataset.lock is None:
        return {}
    require_lock(dataset.replica, dataset.lock.mode)
    until = datetime.now(UTC) + dataset.lock.keep
    return {"ObjectLockMode": dataset.lock.mode.upper(), "ObjectLockRetainUntilDate": until}


def ready_for_objects(dataset: ObjectsDataset) -> str:
    """Look at both buckets, and try what the plan says of the replica; in words. Raises BucketError."""
    for bucket in (dataset.source, dataset.replica):
        bucket.call("look at it", "head_bucket")
    words = prepare(dataset)
    told = ["both buckets are there"]
    told += ["the replica keeps versions"] if dataset.versions or dataset.lock else []
    told += [f"its {dataset.lock.mode} lock held"] if words and dataset.lock else []
    return ", ".join(told)


def require_versions(bucket: Bucket) -> None:
    """Overwrite an object of ours and ask for what was there. Raises BucketError when it is gone."""
    key, first = f"{OURS}probe/{uuid4()}", uuid4().bytes
    version = bucket.call("put a probe", "put_object", key, Body=first).get("VersionId")
    bucket.call("put a probe", "put_object", key, Body=b"overwritten")
    found = None
    if version and version != "null":
        found = bucket.absent_or("read a version", "get_object", key, VersionId=version)
    bucket.call("delete a probe", "delete_object", key)
    if found is None or found["Body"].read() != first:
        raise BucketError(
            f'bucket "{bucket.name}" at {bucket.where} keeps no versions: what was overwritten there is gone',
            hint="turn versioning on there, or leave `versions` out and know that damage replicates",
        )


def manifest_at(mark: Mark) -> str:
    return f"{MANIFESTS}{mark.manifest}.gz"


def fetch_manifest(replica: Bucket, mark: Mark | None, work: Path) -> Path | None:
    """The manifest of a mark, from the last run's own or from the replica; None when there is none there."""
    if mark is None or not mark.manifest:
        return None
    here = work / f"{mark.manifest}.gz"
    if here.exists():
        if replica.absent_or("look at the manifest", "head_object", manifest_at(mark)) is None:
            _put_manifest(replica, here.read_bytes(), mark.manifest)  # somebody took it away there
        return here
    return here if download(replica, mark, here) and _sound(here, mark.manifest) else None


def _sound(manifest: Path, sha256: str) -> bool:
    """Whether it came back whole. One that did not is as none: what it proved is proven anew."""
    try:
        deque(entries(manifest, sha256), maxlen=0)
    except DatasetError:
        manifest.unlink()
        return False
    return True


def download(replica: Bucket, mark: Mark, to: Path) -> bool:
    """Raises BucketError; false when the manifest is not there."""
    key = manifest_at(mark)
    found = replica.absent_or(f'read "{key}"', "get_object", key)
    if found is None:
        return False
    part = to.with_suffix(".part")
    with part.open("wb") as file:
        for block in found["Body"].iter_chunks(1 << 20):
            file.write(block)
    part.replace(to)
    return True


def keep_manifest(replica: Bucket, manifest: Writer, work: Path, last: Mark | None) -> None:
    """Put it at the replica, if it is another one than the last; keep it here for the next run."""
    here = work / f"{manifest.sha256}.gz"
    if last is None or last.manifest != manifest.sha256:
        _put_manifest(replica, manifest.path.read_bytes(), manifest.sha256)
        for old in work.glob("*.gz"):
            old.unlink()
        _forget(replica, keep={manifest.sha256, last.manifest if last else ""})
    manifest.path.replace(here)


def _put_manifest(replica: Bucket, content: bytes, sha256: str) -> None:
    key = f"{MANIFESTS}{sha256}.gz"
    done = replica.call("put the manifest", "put_object", key, Body=content)
    etag = str(done.get("ETag", "")).strip('"')
    same = etag == hashlib.md5(content, usedforsecurity=False).hexdigest()
    if not same and replica.get_bytes(key) != content:
        raise BucketError(f'bucket "{replica.name}": the manifest does not come back as it was put')


def _forget(replica: Bucket, keep: set[str]) -> None:
    """Manifests that no mark of the last two names. Where we may not delete, they stay."""
    found = (one.key for one in listing(replica, MANIFESTS))
    with suppress(BucketDenied):
        for key in [key for key in found if key.removeprefix(MANIFESTS).removesuffix(".gz") not in keep]:
            replica.call("forget a manifest", "delete_object", key)


def remove(replica: Bucket, gone: Path, told: Carried) -> int:
    """Delete what the source has no longer; how many went. What did not go is told as failed."""
    deleted = 0
    with gone.open(encoding="utf-8") as lines:
        keys = (bytes.fromhex(line.strip()).decode("utf-8", "surrogateescape") for line in lines)
        while batch := list(islice(keys, _BATCH)):
            names = [{"Key": replica.prefix + key} for key in batch]
            done = replica.call("delete", "delete_objects", Delete={"Objects": names, "Quiet": True})
            errors = done.get("Errors", [])
            deleted += len(batch) - len(errors)
            told.failures += len(errors)
            said = [f"{each.get('Key')!r}: not deleted: {each.get('Code')}" for each in errors]
            told.failed += said[: max(0, 20 - len(told.failed))]
    return deleted
