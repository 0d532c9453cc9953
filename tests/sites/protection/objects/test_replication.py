"""A replica holds what its source held at a mark, or the mark does not arrive. On two real stores."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from werkzeug.serving import WSGIRequestHandler

from sites.drivers.s3 import marks
from sites.drivers.s3.bucket import OURS, Bucket
from sites.drivers.s3.copying import Copier
from sites.drivers.s3.listing import Listed, listing
from sites.errors import BrakeHeld, BucketDenied, BucketError, BucketUnreachable, DatasetError, NoBucket
from sites.object_manifest import Entry
from sites.protection.objects.exposure import objects_exposure
from sites.protection.objects.replication import replicate_objects
from tests.sites.protection.objects.conftest import Make, Pair, rclone_bucket
from tests.sites.repositories import wait_until

PART = 5 << 20
HOSTILE = (
    "a/b", "a-b", "a b", "a+b", "a%20b", "a&<b>", "é/日本", "tab\there", "trailing /x",
    "quote'\"", "back\\slash", "*?[x]{y}", "\u201b\u2400", "-rf", "a:b",
)  # fmt: skip


def test_what_is_new_goes_over_and_the_mark_after_it(pair: Pair) -> None:
    for number in range(5):
        pair.put(f"day/{number}", f"tick {number}")
    first = pair.replicate()
    assert (first.mark, first.objects, first.copied, first.partial) == (1, 5, 5, False)
    assert pair.listed() == pair.listed("source") == [f"day/{number}" for number in range(5)]
    pair.put("day/3", "TICK 3")  # of the same size
    pair.put("day/9")
    again = pair.replicate()
    assert (again.mark, again.objects, again.copied) == (2, 6, 2)
    assert pair.at_replica("day/3")["Body"].read() == b"TICK 3"
    idle = pair.replicate()
    assert (idle.mark, idle.copied, idle.copied_bytes) == (3, 0, 0)
    newest = marks.newest(pair.dataset.replica)
    assert newest is not None
    assert (newest.number, newest.objects, newest.taken) == (3, 6, idle.taken)


def test_what_an_object_says_about_itself_goes_with_it(pair: Pair) -> None:
    told = {"ContentType": "text/csv", "CacheControl": "no-store", "Metadata": {"Venue": "XNYS"}}
    pair.put("small", "x", **told)
    pair.put("large", os.urandom(9 << 20), **told)
    pair.replicate()
    for key in ("small", "large"):
        found = pair.at_replica(key)
        assert (found["ContentType"], found.get("CacheControl", "no-store")) == ("text/csv", "no-store")
        assert {k.lower(): v for k, v in found["Metadata"].items()}["venue"] == "XNYS"


def test_tags_go_with_it_too_and_only_where_they_are_kept(moto_pair: Make) -> None:
    pair = moto_pair()
    pair.put("tagged", "x", Tagging="desk=rates&kind=a%20b")
    pair.put("large", os.urandom(9 << 20), Tagging="desk=fx")
    pair.replicate()
    replica = pair.dataset.replica
    assert replica.call("", "get_object_tagging", "tagged")["TagSet"] == [
        {"Key": "desk", "Value": "rates"},
        {"Key": "kind", "Value": "a b"},
    ]
    assert replica.call("", "get_object_tagging", "large")["TagSet"] == [{"Key": "desk", "Value": "fx"}]


def test_a_store_that_writes_tags_over_the_content_gets_none(rclone_pair: Make) -> None:
    """`rclone serve s3` takes a PUT of tags for one of content, as the control shows."""
    pair = rclone_pair()
    pair.put("victim", "precious")
    tags = {"TagSet": [{"Key": "k", "Value": "v"}]}
    pair.dataset.source.call("tag", "put_object_tagging", "victim", Tagging=tags)
    assert b"precious" not in pair.dataset.source.call("", "get_object", "victim")["Body"].read()
    pair.put("victim", "precious")
    pair.having(tags=True).replicate()
    for bucket in (pair.dataset.source, pair.dataset.replica):
        assert bucket.call("", "get_object", "victim")["Body"].read() == b"precious"


def test_an_object_of_parts_keeps_their_size_and_with_it_its_etag(moto_pair: Make) -> None:
    pair = moto_pair()
    put_in_parts(
        pair.dataset.source, "parts", [os.urandom(PART), os.urandom(PART), b"end"], ContentType="x/y"
    )
    pair.replicate()
    ends = [bucket.call("", "head_object", "parts") for bucket in (pair.dataset.source, pair.dataset.replica)]
    assert ends[0]["ETag"] == ends[1]["ETag"]
    assert ends[0]["ETag"].endswith('-3"')
    assert ends[1]["ContentType"] == "x/y"
    assert pair.replicate().copied == 0


def test_a_large_one_in_one_part_is_not_copied_for_ever_though_its_etag_is_another(moto_pair: Make) -> None:
    """The trap: a copy in parts has an ETag that is never that of its source."""
    pair = moto_pair()
    pair.put("large", os.urandom(9 << 20))
    pair.replicate()
    etags = {b.call("", "head_object", "large")["ETag"] for b in (pair.dataset.source, pair.dataset.replica)}
    assert len(etags) == 2
    assert pair.replicate().copied == 0
    assert pair.restore_test().verdict == "met"


@pytest.mark.parametrize("by", ["boto3", "rclone"])
def test_keys_of_any_kind_arrive_as_they_are(
    moto_pair: Make, by: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sites.protection.objects.carrying.FEW", 1)
    pair = moto_pair().having(by=by)
    for key in HOSTILE:
        pair.put(key, key)
    result = pair.replicate()
    assert (result.by, result.partial, result.failed) == (by, False, ())
    assert pair.listed() == sorted(HOSTILE)
    assert pair.restore_test().matched == len(HOSTILE)


def test_a_copy_inside_one_store_keeps_what_a_large_object_says_and_its_etag(
    moto_pair: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """boto3's own `copy` makes parts above 8 MiB, and with them another ETag, as the control shows."""
    monkeypatch.setattr("sites.protection.objects.carrying.FEW", 1)
    pair = moto_pair().having(by="rclone")
    pair.put("large", os.urandom(9 << 20), ContentType="text/x-ticks", Metadata={"desk": "rates"})
    source, replica = pair.dataset.source, pair.dataset.replica
    replica.client.copy({"Bucket": source.name, "Key": "large"}, replica.name, "control")
    result = pair.replicate()
    assert (result.by, result.copied, result.notes) == ("rclone", 1, ())
    one, two, control = (
        source.call("", "head_object", "large"),
        replica.call("", "head_object", "large"),
        replica.call("", "head_object", "control"),
    )
    assert two["ETag"] == one["ETag"] != control["ETag"]
    assert (two["ContentType"], two["Metadata"]["desk"]) == ("text/x-ticks", "rates")


@pytest.mark.parametrize("stores", [1, 2])
def test_rclone_asks_nothing_that_the_listing_shows_and_adds_nothing(
    moto_pair: Make, monkeypatch: pytest.MonkeyPatch, stores: int
) -> None:
    asked: list[str] = []
    real = WSGIRequestHandler.make_environ

    def heard(handler: WSGIRequestHandler) -> Any:
        asked.append(f"{handler.command} {handler.path}")
        return real(handler)

    monkeypatch.setattr(WSGIRequestHandler, "make_environ", heard)
    monkeypatch.setattr("sites.protection.objects.carrying.FEW", 1)
    pair = moto_pair().having(by="rclone")
    if stores == 2:  # who signs otherwise is in another store, for all that rclone knows
        pair.having(replica=replace(pair.dataset.replica, access_key=lambda: "other"))
    told = {"ContentType": "text/x-ticks", "CacheControl": "max-age=60", "Metadata": {"desk": "rates"}}
    for key in ("a", "b", "c"):
        pair.put(key, key, **told)
    result = pair.replicate()
    assert (result.by, result.copied, result.notes) == ("rclone", 3, ())
    put = {line.split("?")[0] for line in asked if line.startswith("PUT") and "/.blackstart/" not in line}
    assert {f"PUT /{pair.dataset.replica.name}/{key}" for key in ("a", "b", "c")} <= put  # we did hear
    assert [line for line in asked if line.startswith(f"HEAD /{pair.dataset.replica.name}/")] == []
    found = pair.at_replica("b")
    assert found["Body"].read() == b"b"
    if stores == 1:
        assert {name: found[name] for name in told} == told
    else:
        assert (found["ContentType"], found["CacheControl"]) == ("text/x-ticks", "max-age=60")
        assert found["Metadata"]["desk"] == "rates"


def test_names_of_metadata_that_a_store_writes_otherwise_are_no_damage(rclone_pair: Make) -> None:
    """`rclone serve s3` gives `desk` back as `Desk`: names of metadata have no case."""
    pair = rclone_pair()
    pair.put("a", "content", Metadata={"desk": "rates"})
    assert pair.dataset.source.call("", "head_object", "a")["Metadata"] == {"Desk": "rates"}
    pair.replicate()
    assert pair.restore_test().verdict == "met"


@pytest.mark.parametrize("share", ["all", "few"])
def test_rclone_carries_and_its_word_is_not_taken(rclone_pair: Make, share: str) -> None:
    pair = rclone_pair().having(by="auto")
    for number in range(70):
        pair.put(f"day/{number:03}", f"tick {number}", Metadata={"n": str(number)})
    result = pair.replicate()
    assert (result.by, result.copied, result.mark, result.notes) == ("rclone", 70, 1, ())
    assert pair.at_replica("day/007")["Metadata"]["N"] == "7"
    if share == "few":
        for number in range(66):
            pair.put(f"more/{number:03}", b"x" * number)
        for number in range(70, 280):
            pair.put(f"day/{number:03}", "y")
            pair.dataset.replica.call("put", "put_object", f"day/{number:03}", Body=b"y")
        assert pair.replicate().copied == 66
    assert pair.restore_test().verdict == "met"


def test_what_rclone_did_not_bring_is_copied_by_ourselves(
    rclone_pair: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = rclone_pair().having(by="auto")
    for number in range(70):
        pair.put(f"{number:03}")
    monkeypatch.setattr("sites.drivers.s3.rclone.carry", lambda *_, **__: "rclone: told to do nothing")
    result = pair.replicate()
    assert (result.copied, result.mark, result.notes) == (70, 1, ("rclone: told to do nothing",))


def test_deletions_are_kept_unless_they_are_to_follow(moto_pair: Make) -> None:
    pair = moto_pair(source_versions=True)
    for number in range(20):
        pair.put(f"{number:02}")
    pair.replicate()
    pair.delete("07")  # a delete marker, which no listing shows
    kept = pair.replicate()
    assert (kept.deleted, kept.kept, "07" in pair.listed()) == (0, 1, True)
    followed = pair.having(deletions="follow").replicate()
    assert (followed.deleted, followed.kept, "07" in pair.listed(), len(pair.listed())) == (1, 0, False, 19)


def test_the_brake_holds_before_anything_changes(pair: Pair) -> None:
    pair.having(deletions="follow", brake=0.1)
    for number in range(20):
        pair.put(f"{number:02}")
    pair.replicate()
    pair.delete("00", "01", "02")
    pair.put("new")
    with pytest.raises(BrakeHeld, match=r"3 of 20 objects would be deleted .* 10% may") as caught:
        pair.replicate()
    assert caught.value.hint is not None
    assert "brake" in caught.value.hint
    assert pair.listed() == [f"{number:02}" for number in range(20)]
    row = objects_exposure(pair.dataset, 3600.0, pair.history)
    assert row.snapshot_id == "mark-1"
    assert "the last replication failed" in row.notes[0]
    assert pair.having(brake=0.2).replicate().deleted == 3


@pytest.mark.parametrize("deletions", ["keep", "follow"])
def test_a_source_that_lists_nothing_is_no_new_point(pair: Pair, deletions: Any) -> None:
    pair.having(deletions=deletions)
    pair.put("only")
    pair.replicate()
    pair.delete("only")
    with pytest.raises(BrakeHeld, match="lists nothing at all, mark 1 had 1 objects"):
        pair.replicate()
    assert pair.listed() == ["only"]
    assert pair.having(brake=1.0).replicate().mark == 3  # the second was put at the source and never arrived


def test_an_object_that_fails_keeps_the_mark_from_going(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    pair.put("good")
    pair.replicate()
    for key in ("bad", "better"):
        pair.put(key)
    real = Copier.copy

    def fails(self: Copier, listed: Listed) -> Entry | None:
        if listed.key == "bad":
            raise BucketError("cannot read 'bad': planted")
        return real(self, listed)

    monkeypatch.setattr(Copier, "copy", fails)
    result = pair.replicate()
    assert (result.partial, result.failures, result.copied) == (True, 1, 1)
    assert result.failed == ("'bad': cannot read 'bad': planted",)
    row = objects_exposure(pair.dataset, 3600.0, pair.history)
    assert row.snapshot_id == "mark-1"
    assert row.notes == ("the last replication is partial: 'bad': cannot read 'bad': planted",)
    monkeypatch.undo()
    assert (pair.replicate().copied, pair.listed()) == (1, ["bad", "better", "good"])


def test_a_run_that_was_cut_off_is_taken_up_again(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(30):
        pair.put(f"{number:02}")
    real = Copier.copy

    def ends(self: Copier, listed: Listed) -> Entry | None:
        if listed.key == "20":
            raise KeyboardInterrupt
        return real(self, listed)

    monkeypatch.setattr(Copier, "copy", ends)
    with pytest.raises(KeyboardInterrupt):
        pair.replicate()
    monkeypatch.undo()
    event = pair.history.events()[-1]
    assert (event.outcome, event.detail) == ("failed", {"error": "it was interrupted"})
    assert marks.newest(pair.dataset.replica) is None
    there = len(pair.listed())
    assert there >= 19
    again = pair.replicate()
    assert (again.copied, again.objects) == (30 - there, 30)


def test_what_went_meanwhile_is_no_failure(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("a", "b"):
        pair.put(key)
    real = Copier.copy

    def late(self: Copier, listed: Listed) -> Entry | None:
        if listed.key == "b":
            pair.delete("b")
        return real(self, listed)

    monkeypatch.setattr(Copier, "copy", late)
    result = pair.replicate()
    assert (result.vanished, result.objects, result.mark) == (1, 1, 1)


def test_what_changed_meanwhile_is_copied_as_it_is_and_looked_at_again(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair.put("a", "old")
    real = Copier.copy

    def late(self: Copier, listed: Listed) -> Entry | None:
        pair.put("a", "newer")
        return real(self, listed)

    monkeypatch.setattr(Copier, "copy", late)
    pair.replicate()
    assert pair.at_replica("a")["Body"].read() == b"newer"
    assert pair.restore_test().verdict == "met"


def test_what_was_damaged_at_the_replica_is_copied_again_and_told(pair: Pair) -> None:
    for key in ("a", "b"):
        pair.put(key, f"content of {key}")
    pair.replicate()
    pair.dataset.replica.call("forge", "put_object", "a", Body=b"CONTENT of a")
    pair.delete("b", at="replica")
    result = pair.replicate()
    assert (result.copied, result.damaged) == (2, 2)
    assert pair.at_replica("a")["Body"].read() == b"content of a"


def test_a_change_of_what_an_object_says_alone_is_a_change(pair: Pair) -> None:
    pair.put("a", "x", Metadata={"state": "draft"})
    pair.replicate()
    listed = next(listing(pair.dataset.source)).modified[:19]
    wait_until(lambda: datetime.now(UTC).isoformat()[:19] > listed)  # stores list whole seconds
    pair.put("a", "x", Metadata={"state": "final"})
    assert pair.replicate().copied == 1
    assert "final" in pair.at_replica("a")["Metadata"].values()


def test_only_what_lies_below_a_prefix_is_taken(pair: Pair) -> None:
    source, replica = pair.dataset.source, pair.dataset.replica
    for key in ("in/a", "in/b", "out/c"):
        pair.put(key)
    below = [
        Bucket(b.name, b.endpoint, prefix=p, access_key=b.access_key, secret_key=b.secret_key)
        for b, p in ((source, "in/"), (replica, "copy/of/"))
    ]
    pair.having(source=below[0], replica=below[1]).replicate()
    assert pair.listed() == ["a", "b"]
    pair.having(replica=replica)
    assert {key for key in pair.listed() if OURS not in key} == {"copy/of/a", "copy/of/b"}


def test_one_replication_at_a_time(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    pair.put("a")
    caught: list[BaseException] = []

    def second(_self: Copier, _listed: Listed) -> Entry | None:
        try:
            replicate_objects(pair.dataset, pair.folder / "work")
        except DatasetError as error:
            caught.append(error)
        return None

    monkeypatch.setattr(Copier, "copy", second)
    pair.replicate()
    assert "another replication of it is under way" in str(caught[0])


def test_each_way_in_which_a_store_is_not_there_has_its_name(rclone_pair: Make, rclone_address: str) -> None:
    pair = rclone_pair()
    pair.put("a")
    pair.replicate()
    name = pair.dataset.replica.name
    for bucket, kind in (
        (rclone_bucket(rclone_address, name, secret="wrong"), BucketDenied),
        (rclone_bucket(rclone_address, "nowhere"), NoBucket),
        (rclone_bucket("http://127.0.0.1:9", name), BucketUnreachable),
    ):
        pair.having(replica=bucket)
        with pytest.raises(kind) as caught:
            pair.replicate()
        assert caught.value.hint is not None
        assert "planted" not in str(caught.value)
    row = objects_exposure(pair.dataset, 3600.0, pair.history)
    assert (row.exceeded, row.point) == (True, None)


def test_versions_are_tried_and_not_believed(moto_pair: Make, rclone_pair: Make) -> None:
    for pair in (moto_pair(), rclone_pair()):
        pair.having(versions=True).put("a")
        with pytest.raises(BucketError, match="keeps no versions"):
            pair.replicate()
        assert pair.listed() == []
    kept = moto_pair(versions=True).having(versions=True)
    kept.put("a")
    assert kept.replicate().mark == 1


def put_in_parts(bucket: Bucket, key: str, parts: list[bytes], **told: Any) -> None:
    upload = bucket.call("", "create_multipart_upload", key, **told)["UploadId"]
    done = [
        {
            "PartNumber": n,
            "ETag": bucket.call("", "upload_part", key, UploadId=upload, PartNumber=n, Body=p)["ETag"],
        }
        for n, p in enumerate(parts, 1)
    ]
    bucket.call("", "complete_multipart_upload", key, UploadId=upload, MultipartUpload={"Parts": done})
