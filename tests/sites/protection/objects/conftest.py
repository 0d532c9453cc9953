"""Pairs of buckets: on moto's server, which has versions, tags and locks, and on rclone's, which has none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from sites.drivers.s3.bucket import Bucket
from sites.drivers.s3.dataset import ObjectsDataset
from sites.drivers.s3.listing import listing
from sites.protection.history import History
from sites.protection.objects.replication import ObjectsReplicated, replicate_objects
from sites.protection.objects.restore_test import restore_test_objects
from sites.protection.tested import RestoreTestResult
from sites.restored import Question
from tests.sites.drivers.servers import SECRET, USER, s3_server
from tests.sites.drivers.stores import moto_store


class Pair:
    """A dataset of objects with its two buckets, and what can be done to it."""

    def __init__(self, source: Bucket, replica: Bucket, folder: Path) -> None:
        self.dataset = ObjectsDataset("archive", source, replica, "here", "there", by="boto3", workers=4)
        self.folder = folder
        self.history = History(folder / "history.jsonl")

    def having(self, **changes: Any) -> Pair:
        self.dataset = replace(self.dataset, **changes)
        return self

    def put(self, key: str, content: bytes | str = b"content", **told: Any) -> None:
        body = content.encode() if isinstance(content, str) else content
        self.dataset.source.call("put", "put_object", key, Body=body, **told)

    def delete(self, *keys: str, at: str = "source") -> None:
        for key in keys:
            getattr(self.dataset, at).call("delete", "delete_object", key)

    def replicate(self) -> ObjectsReplicated:
        return replicate_objects(self.dataset, self.folder / "work", history=self.history)

    def restore_test(self, *questions: Question) -> RestoreTestResult:
        return restore_test_objects(
            self.dataset, self.folder / "scratch", history=self.history, questions=questions
        )

    def listed(self, at: str = "replica") -> list[str]:
        return [one.key for one in listing(getattr(self.dataset, at))]

    def at_replica(self, key: str) -> dict[str, Any]:
        return self.dataset.replica.call("look", "get_object", key)


Make = Callable[..., Pair]


@pytest.fixture(scope="session")
def moto_address() -> Iterator[str]:
    with moto_store() as address:
        yield address


@pytest.fixture(scope="session")
def rclone_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = tmp_path_factory.mktemp("rclone") / "buckets"
    root.mkdir()
    with s3_server(root) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def moto_pair(moto_address: str, tmp_path: Path) -> Make:
    """Two new buckets on moto; `versions` and `lock` of the replica, `source_versions` of the other."""

    def make(*, versions: bool = False, lock: bool = False, source_versions: bool = False) -> Pair:
        found = []
        for kept, locked in ((source_versions, False), (versions or lock, lock)):
            bucket = Bucket(f"b-{uuid4()}", moto_address, access_key=lambda: "any", secret_key=lambda: "any")
            bucket.call("make", "create_bucket", **({"ObjectLockEnabledForBucket": True} if locked else {}))
            if kept and not locked:
                status = {"Status": "Enabled"}
                bucket.call("turn on", "put_bucket_versioning", VersioningConfiguration=status)
            found.append(bucket)
        return Pair(*found, tmp_path)

    return make


@pytest.fixture
def rclone_pair(rclone_address: str, tmp_path: Path) -> Make:
    def make() -> Pair:
        buckets = [rclone_bucket(rclone_address, f"b-{uuid4()}") for _ in range(2)]
        for bucket in buckets:
            bucket.call("make", "create_bucket")
        return Pair(*buckets, tmp_path)

    return make


@pytest.fixture(params=[pytest.param("moto", marks=pytest.mark.campaign), "rclone"])
def pair(request: pytest.FixtureRequest) -> Pair:
    """On both stores in the campaign; in the suite on the quicker one."""
    made: Pair = request.getfixturevalue(f"{request.param}_pair")()
    return made


def rclone_bucket(address: str, name: str, secret: str = SECRET) -> Bucket:
    return Bucket(name, address, access_key=lambda: USER, secret_key=lambda: secret)
