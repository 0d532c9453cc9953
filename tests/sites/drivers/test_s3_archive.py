"""Evidence goes only to a store whose lock was tried and held."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from sites.drivers import command
from sites.drivers.s3.archive import S3Archive, archive_of
from sites.errors import ArchiveError
from sites.plan import S3Upload
from sites.secret import Secret
from tests.sites.drivers.ceph import ceph_store, why_no_ceph
from tests.sites.drivers.stores import (
    lying_store,
    moto_store,
    refuse_shorter_locks,
    s3_client,
    versioned_store,
)

LATER = datetime.now(UTC) + timedelta(days=400)


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    with moto_store() as address:
        client = s3_client(address)
        client.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
        client.create_bucket(Bucket="plain")
        yield address


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_ACCESS", "access")
    monkeypatch.setenv("TEST_SECRET", "planted")


def archive(address: str, bucket: str = "locked", prefix: str = "evidence") -> S3Archive:
    return archive_of(
        S3Upload(
            kind="s3",
            endpoint=address,
            bucket=bucket,
            prefix=prefix,
            access_key=Secret(env="TEST_ACCESS"),
            secret_key=Secret(env="TEST_SECRET"),
        )
    )


def test_a_lock_that_holds_is_said_to(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_shorter_locks(monkeypatch)
    assert archive(store).probe() == (
        "the compliance lock of bucket locked held against 5 attempts to break it, "
        "and what was not locked could be deleted"
    )


@pytest.mark.campaign
@pytest.mark.timeout(300)
@pytest.mark.skipif(why_no_ceph() is not None, reason=str(why_no_ceph()))
def test_the_lock_of_a_real_store_holds_and_what_is_uploaded_stays(tmp_path: Path) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    with ceph_store(tmp_path / "ceph", "access", "planted") as address:
        client = s3_client(address)
        client.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
        client.create_bucket(Bucket="plain")
        assert "held against 5 attempts" in archive(address).probe()
        with pytest.raises(ArchiveError, match=r'bucket "plain" at .*: cannot put'):
            archive(address, "plain").probe()
        (tmp_path / "ledger.jsonl").write_bytes(b"x" * 3_000_000)
        files: dict[str, Path | bytes] = {"run/ledger.jsonl": tmp_path / "ledger.jsonl", "chain/1": b"line"}
        first, again = (archive(address).upload(files, soon) for _ in range(2))
        assert (first.put, again.present) == (2, 2)
        kept = client.head_object(Bucket="locked", Key="evidence/chain/1")
        with pytest.raises(ClientError, match="AccessDenied"):
            client.delete_object(Bucket="locked", Key="evidence/chain/1", VersionId=kept["VersionId"])
        client.put_object(Bucket="locked", Key="evidence/chain/1", Body=b"forged")
        assert archive(address).upload({"chain/1": b"line"}, soon).put == 1
    version = command.run(["radosgw", "--version"], limit_seconds=10).stdout.split()[2]
    print(f"proof: the lock of Ceph {version} held against 5 attempts to break it")  # noqa: T201


def test_a_store_that_keeps_its_locks_is_told_from_one_whose_policy_denies_everything() -> None:
    with versioned_store(keeps_locks=True) as address:
        assert "held against 5 attempts" in archive(address).probe()
    with (
        versioned_store(keeps_locks=False, denies_deletes=True) as address,
        pytest.raises(ArchiveError, match="nothing shows that its lock holds") as caught,
    ):
        archive(address).probe()
    assert caught.value.hint == "let this account delete versions below evidence/probe/"


def test_where_everything_is_locked_by_default_what_is_no_longer_locked_can_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sites.drivers.s3.archive.BRIEFLY", timedelta(seconds=1))
    with versioned_store(keeps_locks=True, locks_all=True) as address:
        assert "held against 5 attempts" in archive(address).probe()
    monkeypatch.setattr("sites.drivers.s3.archive._PASSED_LIMIT_SECONDS", 0.0)
    with (
        versioned_store(keeps_locks=True, locks_all=True, denies_deletes=True) as address,
        pytest.raises(ArchiveError, match="nothing shows that its lock holds"),
    ):
        archive(address).probe()


def test_a_store_that_lets_a_lock_be_shortened_is_refused(store: str) -> None:
    with pytest.raises(ArchiveError, match="it let us shorten a lock"):
        archive(store).probe()


def test_a_store_that_answers_200_and_deletes_all_the_same_is_refused() -> None:
    with lying_store() as (address, held):
        with pytest.raises(ArchiveError, match="it let us delete a locked version") as caught:
            archive(address).probe()
        assert caught.value.hint is not None
        assert held == {}


def test_a_bucket_without_a_lock_is_refused(store: str) -> None:
    with pytest.raises(ArchiveError, match=r'bucket "plain" at .*: cannot put'):
        archive(store, "plain").probe()


def test_a_store_that_is_away_is_told() -> None:
    with pytest.raises(ArchiveError, match="cannot put"):
        archive("http://127.0.0.1:1").probe()


def test_files_are_put_once_locked_and_read_back(store: str, tmp_path: Path) -> None:
    (tmp_path / "ledger.jsonl").write_bytes(b"x" * 3_000_000)
    files: dict[str, Path | bytes] = {"run/ledger.jsonl": tmp_path / "ledger.jsonl", "chain/1": b"line"}
    first = archive(store, prefix="once").upload(files, LATER)
    again = archive(store, prefix="once").upload(files, LATER)
    assert (first.put, first.present, again.put, again.present) == (2, 0, 0, 2)
    lock = s3_client(store).head_object(Bucket="locked", Key="once/chain/1")
    assert lock["ObjectLockMode"] == "COMPLIANCE"
    assert lock["ObjectLockRetainUntilDate"] >= LATER


def test_what_was_overwritten_there_is_put_again(store: str) -> None:
    archive(store, prefix="over").upload({"chain/1": b"line"}, LATER)
    s3_client(store).put_object(Bucket="locked", Key="over/chain/1", Body=b"forged")
    assert archive(store, prefix="over").upload({"chain/1": b"line"}, LATER).put == 1


def test_a_longer_retention_puts_it_again(store: str) -> None:
    archive(store, prefix="long").upload({"chain/1": b"line"}, LATER)
    longer = archive(store, prefix="long").upload({"chain/1": b"line"}, LATER + timedelta(days=1))
    assert longer.put == 1
