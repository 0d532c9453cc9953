"""The drivers of datasets, made of what the plan says of them."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from functools import partial
from pathlib import Path

from sites.drivers.files import FilesDataset
from sites.drivers.s3.bucket import Bucket, no_key
from sites.drivers.s3.dataset import ObjectLock, ObjectsDataset
from sites.drivers.shell_dataset import DatasetCommands, ShellDataset
from sites.exclusion import Exclusion
from sites.plan import FilesDataset as FilesNoun
from sites.plan import ObjectsDataset as ObjectsNoun
from sites.plan import ObjectsPlace
from sites.plan import ShellDataset as ShellNoun
from sites.site_drivers import resolved


def files_dataset(name: str, declared: FilesNoun) -> FilesDataset:
    leave_out, place = Exclusion(declared.backup.exclude if declared.backup else ()), declared.restore
    if place is None:
        return FilesDataset(name, declared.site, declared.path, exclude=leave_out)
    return FilesDataset(name, declared.site, declared.path, place.site, place.path, leave_out)


def shell_dataset(name: str, declared: ShellNoun, folder: Path) -> ShellDataset:
    """Secrets are looked up when a command runs."""
    others = (declared.standby, declared.restore.site if declared.restore else None)
    commands = {each.name: getattr(declared, each.name) for each in fields(DatasetCommands)}
    return ShellDataset(
        name,
        DatasetCommands(**commands),
        tuple(dict.fromkeys(site for site in (declared.site, *others) if site is not None)),
        partial(resolved, declared.env),
        folder,
        declared.limit.seconds,
        declared.standby,
    )


def objects_dataset(name: str, declared: ObjectsNoun) -> ObjectsDataset:
    """Secrets are looked up at the first request."""
    lock = declared.lock
    return ObjectsDataset(
        name,
        bucket_of(declared.source),
        bucket_of(declared.replica),
        site=declared.source.site,
        replica_site=declared.replica.site,
        deletions=declared.deletions,
        brake=declared.brake,
        by=declared.copy_by,
        tags=declared.tags,
        versions=declared.versions,
        lock=ObjectLock(lock.mode, timedelta(seconds=lock.keep.seconds)) if lock else None,
        workers=declared.workers,
    )


def bucket_of(place: ObjectsPlace) -> Bucket:
    return Bucket(
        place.bucket,
        place.endpoint,
        place.region,
        place.prefix or "",
        place.access_key.resolve if place.access_key else no_key,
        place.secret_key.resolve if place.secret_key else no_key,
        place.checksums,
    )
