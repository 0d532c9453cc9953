"""The lock of a replica is tried by breaking it, and each object that goes there is put with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sites.drivers.s3.dataset import ObjectLock
from sites.drivers.s3.locked import require_lock
from sites.drivers.s3.rights import may_delete
from sites.errors import BucketDenied, BucketError
from tests.sites.drivers.stores import refuse_shorter_locks
from tests.sites.protection.objects.conftest import Make, rclone_bucket

DAY = timedelta(days=1)


def test_each_object_is_put_with_a_lock_that_was_tried(
    moto_pair: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_shorter_locks(monkeypatch)
    pair = moto_pair(lock=True).having(lock=ObjectLock("compliance", DAY))
    pair.put("a")
    assert pair.replicate().mark == 1
    found = pair.at_replica("a")
    assert found["ObjectLockMode"] == "COMPLIANCE"
    assert found["ObjectLockRetainUntilDate"] > datetime.now(UTC) + DAY / 2
    with pytest.raises(BucketError):
        pair.dataset.replica.call("delete", "delete_object", "a", VersionId=found["VersionId"])


def test_a_lock_that_does_not_hold_is_told_before_anything_goes_there(moto_pair: Make) -> None:
    """moto lets anybody shorten a lock, as no real store does: here it is the one that keeps none."""
    pair = moto_pair(lock=True).having(lock=ObjectLock("compliance", DAY))
    pair.put("a")
    with pytest.raises(BucketError, match="it let us shorten a lock"):
        pair.replicate()
    assert pair.listed() == []


def test_a_store_that_says_200_and_deletes_is_found_out(rclone_pair: Make) -> None:
    with pytest.raises(BucketError, match=r"does not keep what it locks|cannot"):
        require_lock(rclone_pair().dataset.replica, "compliance")


def test_whether_the_other_sites_credential_deletes_there_is_tried(
    rclone_pair: Make, rclone_address: str
) -> None:
    pair = rclone_pair()
    assert may_delete(pair.dataset.source, pair.dataset.replica) is True
    stranger = rclone_bucket(rclone_address, pair.dataset.source.name, secret="another")
    assert may_delete(stranger, pair.dataset.replica) is False
    with pytest.raises(BucketDenied):
        may_delete(pair.dataset.source, rclone_bucket(rclone_address, pair.dataset.replica.name, secret="x"))
