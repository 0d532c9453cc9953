"""A bucket from the plan to its replica, the restore test, the status and the check; on rclone's endpoint."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flows.exposure.exposed import exposed
from flows.exposure.notices import notices
from flows.options import estate_of
from flows.protection import outcomes
from flows.protection.protect import back_up, replicate_all, restore_tests
from flows.readiness.checks import checks
from sites.errors import PlanError
from sites.estate import Estate
from sites.protection.history import History
from sites.secret import Secret
from tests.flows.plans import small_plan
from tests.sites.drivers.servers import SECRET, USER, s3_server
from tests.sites.drivers.stores import s3_client


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = tmp_path_factory.mktemp("store") / "buckets"
    for name in ("archive", "mirror", "strangers"):
        (root / name).mkdir(parents=True)
    with s3_server(root) as port:
        yield f"http://127.0.0.1:{port}"


def client(address: str) -> Any:
    return s3_client(address, (USER, SECRET))


def archive(root: Path, address: str, **more: Any) -> dict[str, Any]:
    for name, value in (("id", USER), ("key", SECRET)):
        (root / name).write_text(value)
        (root / name).chmod(0o600)
    keys = {"access_key": {"file": "id"}, "secret_key": {"file": "key"}, "endpoint": address}
    return {
        "kind": "objects",
        "source": {"site": "here", "bucket": "archive", **keys},
        "replica": {"site": "there", "bucket": "mirror", **keys},
        "every": "15m",
        "rpo": "1h",
        **more,
    }


def declare(root: Path, **datasets: dict[str, Any]) -> Estate:
    path = small_plan(root)
    head = path.read_text().split("datasets:\n")[0]
    path.write_text(head + "datasets: " + json.dumps(datasets) + "\n")
    return estate_of(path)


def alone(root: Path, **datasets: dict[str, Any]) -> Estate:
    """Without any repository."""
    path = small_plan(root)
    path.write_text(path.read_text().split("repositories:\n")[0] + "datasets: " + json.dumps(datasets) + "\n")
    return estate_of(path)


def test_a_bucket_is_protected_proven_and_watched(tmp_path: Path, store: str) -> None:
    estate = alone(tmp_path, archive=archive(tmp_path, store))
    for number in range(3):
        client(store).put_object(Bucket="archive", Key=f"day/{number}", Body=b"ticks")
    (row,) = exposed(estate)
    assert (row.exceeded, row.by, row.point) == (True, None, None)
    assert any("late: one every 15m" in str(one) for one in notices(estate)[0])
    (copied,) = (outcomes.replicated(one) for one in replicate_all(estate))
    assert (copied.state, copied.exit_code, copied.what.split(",")[0]) == ("replicated", 0, "3 objects")
    assert History(estate.history).last_use("mirror") is None  # a repository of that name was not used
    (tested,) = (outcomes.tested(one) for one in restore_tests(estate))
    assert (tested.state, tested.what.split(",")[0]) == ("met", "all 3 objects match the manifest")
    (row,) = exposed(estate)
    assert (row.exceeded, row.by, row.proven is not None) == (False, "copy", True)
    assert not [one for one in notices(estate)[0] if "archive" in one.about]

    client(store).delete_object(Bucket="mirror", Key="day/1")
    (tested,) = (outcomes.tested(one) for one in restore_tests(estate, ["archive"]))
    assert (tested.state, tested.exit_code) == ("missed", 1)
    assert "missing: day/1" in tested.what
    assert any("restore test of" in str(one) for one in notices(estate)[0])
    with pytest.raises(PlanError, match="no dataset has a backup"):
        list(back_up(estate))
    with pytest.raises(PlanError, match='no dataset with a backup is named "nothing"'):
        list(restore_tests(estate, ["nothing"]))


def test_check_tells_what_is_open_about_buckets(tmp_path: Path, store: str) -> None:
    estate = alone(tmp_path, archive=archive(tmp_path, store, deletions="follow", every="2h", versions=False))
    found = [one.what for one in checks(estate) if one.name == "coverage of dataset archive"]
    for what in (
        "an rpo of 1h cannot be met by a replication every 2h",
        "both buckets are in one store",
        "deletions follow to a replica that need not keep versions",
        "its access key is the same at both sites",
        'bucket "strangers" beside it is in no dataset',
        'the access key of its source deletes in bucket "mirror"',
    ):
        assert any(what in one for one in found), (what, found)


def test_a_credential_of_its_own_that_cannot_delete_there_closes_the_gap(tmp_path: Path, store: str) -> None:
    told = archive(tmp_path, store)
    (tmp_path / "other").write_text("another")
    (tmp_path / "other").chmod(0o600)
    told["source"] = {**told["source"], "secret_key": {"file": "other"}}
    estate = alone(tmp_path, archive=told)
    found = [one.what for one in checks(estate) if one.name.startswith("coverage")]
    assert not any("access key" in one for one in found)
    assert any("does not name its buckets" in one for one in found)  # it cannot be asked: unknown


def test_a_replica_that_does_not_do_what_the_plan_says_fails_the_check(tmp_path: Path, store: str) -> None:
    estate = alone(tmp_path, archive=archive(tmp_path, store, versions=True))
    (found,) = [one for one in checks(estate) if one.name == "replica of archive"]
    assert (found.state, "keeps no versions" in found.what) == ("failed", True)


def test_what_makes_no_sense_is_refused(tmp_path: Path, store: str) -> None:
    good = archive(tmp_path, store)
    same = {**good, "replica": {**good["source"]}, "lock": {"keep": "1d"}, "copy_by": "rclone"}
    half = {**good, "source": {k: v for k, v in good["source"].items() if k != "secret_key"}}
    shares = {**good, "brake": "0.1", "checks": [{"kind": "query", "name": "q", "sql": "x", "expect": "y"}]}
    with pytest.raises(PlanError) as refused:
        declare(tmp_path, one=same, two=half, three=shares)
    said = str(refused.value)
    for what in (
        'datasets.one.replica.site: both are at site "here"',
        "datasets.one.replica.bucket: the same objects as the source",
        "datasets.one.copy_by: rclone puts no locks",
        "datasets.two.source.secret_key: missing; the two go together",
        "datasets.three.brake: '0.1' is not a share; write \"10%\"",
    ):
        assert what in said, (what, said)


def test_no_secret_shows_in_what_fails(tmp_path: Path, store: str) -> None:
    estate = alone(tmp_path, archive=archive(tmp_path, store))
    bucket = replace(estate.objects("archive").replica, name="nowhere")
    noun = estate.plan.datasets["archive"]
    assert noun.kind == "objects"
    assert isinstance(noun.replica.secret_key, Secret)
    with pytest.raises(Exception, match="NoSuchBucket") as caught:
        bucket.call("look", "put_object", "a", Body=b"")
    assert SECRET not in f"{caught.value} {bucket!r}"
