"""A bucket's listing: page after page, in order, with keys as they are; and what rclone is handed of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from sites.drivers.s3 import listing as module
from sites.drivers.s3 import rclone
from sites.drivers.s3.bucket import CONNECTIONS, Bucket
from sites.drivers.s3.listing import Listed, first, listing
from sites.errors import BucketError
from sites.plan.objects import ObjectsDataset

PAGE = """<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
<EncodingType>url</EncodingType><IsTruncated>true</IsTruncated><NextContinuationToken>next</NextContinuationToken>
<Contents><Key>in/a+b%2Bc%0A</Key><Size>5</Size><ETag>&quot;{etag}&quot;</ETag><LastModified>then</LastModified>
</Contents><Contents><Key>in/z</Key><Size>0</Size></Contents></ListBucketResult>"""


class FakeClient:
    """Lists pages as an older boto3 hands them out, which knows nothing of our hook."""

    def __init__(self, *pages: list[str], again: bool = False) -> None:
        self.pages, self.again, self.asked = pages, again, 0
        self.meta = self
        self.events = self

    def register(self, *_: object) -> None:
        """Nobody is ever called."""

    def list_objects_v2(self, **words: Any) -> dict[str, Any]:
        at = int(words.get("ContinuationToken", 0))
        self.asked += 1
        found = [
            {"Key": key, "Size": 1, "ETag": '"e"', "LastModified": datetime.now(UTC)}
            for key in self.pages[at]
        ]
        more = self.again or at + 1 < len(self.pages)
        answer = {"Contents": found, "IsTruncated": more}
        return answer | ({"NextContinuationToken": str(at if self.again and at else at + 1)} if more else {})


def bucket_of(client: FakeClient, prefix: str = "") -> Bucket:
    bucket = Bucket("fake", prefix=prefix)
    bucket.__dict__["client"] = client
    return bucket


def test_a_page_is_read_as_the_store_wrote_it() -> None:
    page = module._read(PAGE.format(etag="f" * 32).encode(), len("in/"))
    assert page.found == [Listed("a b+c\n", 5, "f" * 32, "then"), Listed("z", 0, "", "")]
    assert page.after == "next"
    with pytest.raises(BucketError, match="cannot read a listing"):
        module._read(b"<html>", 0)


def test_all_pages_are_gone_through_and_ours_left_out() -> None:
    client = FakeClient([".blackstart/marks/9", "a"], ["b", "c"], ["d"])
    assert [one.key for one in listing(bucket_of(client))] == ["a", "b", "c", "d"]
    assert client.asked == 3
    assert next(listing(bucket_of(client), ".blackstart/")).key == ".blackstart/marks/9"
    found = first(bucket_of(client), "")
    assert found is not None
    assert found.key == ".blackstart/marks/9"


@pytest.mark.parametrize("pages", [(["b", "a"],), (["a", "b"], ["b"])])
def test_a_listing_out_of_order_is_refused(pages: tuple[list[str], ...]) -> None:
    with pytest.raises(BucketError, match="out of order"):
        list(listing(bucket_of(FakeClient(*pages))))


def test_a_store_that_says_one_page_for_ever_is_not_listened_to_for_ever() -> None:
    with pytest.raises(BucketError, match=r"again and again|out of order"):
        list(listing(bucket_of(FakeClient(["a"], [], again=True))))


CUT_OFF = PAGE.replace("<NextContinuationToken>next</NextContinuationToken>", "")
OTHER = '<?xml version="1.0"?><html><body>login</body></html>'


@pytest.mark.parametrize(("raw", "said"), [(CUT_OFF, "not say where it goes on"), (OTHER, "is no listing")])
def test_an_answer_that_ends_before_its_end_is_no_whole_listing(raw: str, said: str) -> None:
    """What comes after it would be gone at the source, and deleted at the replica."""
    with pytest.raises(BucketError, match=said):
        module._read(raw.encode(), 0)


def test_neither_is_one_that_an_older_boto3_has_read(monkeypatch: pytest.MonkeyPatch) -> None:
    client = FakeClient(["a"], ["b"])
    cut_off = {"Contents": [{"Key": "a"}], "IsTruncated": True}
    monkeypatch.setattr(client, "list_objects_v2", lambda **_: cut_off)
    with pytest.raises(BucketError, match="does not say where it goes on"):
        list(listing(bucket_of(client)))


def test_as_many_connections_as_copy_side_by_side() -> None:
    workers = ObjectsDataset.model_fields["workers"].metadata
    assert any(getattr(one, "le", 0) == CONNECTIONS for one in workers)
    bucket = Bucket("b", "http://127.0.0.1:9", access_key=lambda: "a", secret_key=lambda: "s")
    config = bucket.client.meta.config
    assert config.max_pool_connections == CONNECTIONS
    assert config.retries["mode"] == "standard"
    assert (config.request_checksum_calculation, config.signature_version) == ("when_required", "s3v4")


def test_the_secret_shows_nowhere() -> None:
    assert "planted" not in repr(Bucket("b", secret_key=lambda: "planted"))


@pytest.mark.parametrize(
    "key", ["a\nb", "a//b", "/a", "a/", "a/../b", "./a", "a/ b", "a /b", "back\\slash", "\u201bx", "\x7f"]
)
def test_rclone_gets_no_key_that_it_would_write_otherwise(key: str) -> None:
    assert not rclone.may_carry(Listed(key, 1, "a" * 32, ""))
    assert rclone.may_carry(Listed("day/1 2.csv", 1, "a" * 32, ""))


@pytest.mark.parametrize("etag", ["", f"{'a' * 32}-2", "not-md5"])
def test_rclone_gets_nothing_whose_etag_could_not_prove_it(etag: str) -> None:
    assert not rclone.may_carry(Listed("a", 1, etag, ""))
    assert not rclone.may_carry(Listed("a", 6 << 30, "a" * 32, ""))


def test_a_filter_leaves_out_just_the_one() -> None:
    assert rclone.leave_out("a*[1]{x}") == r"- /a\*\[1\]\{x\}"


def test_of_one_store_rclone_lets_that_copy_and_only_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over two remotes everything would come here and go back."""
    said: list[list[str]] = []
    monkeypatch.setattr("sites.drivers.s3.rclone.command.run", lambda argv, **_: said.append(argv))
    source = Bucket("a", "http://x", access_key=lambda: "k", secret_key=lambda: "s")
    for other in (
        {},
        {"endpoint": "http://y"},
        {"region": "eu-west-1"},
        {"access_key": lambda: "other"},
        {"secret_key": lambda: "other"},
    ):
        replica = replace(source, name="b", **other)
        rclone.carry("rclone", source, replica, keys=None, limit_seconds=1.0)
    assert [argv[3].partition(":")[0] for argv in said] == ["from", "to", "to", "to", "to"]
    assert {argv[argv.index("--s3-copy-cutoff") + 1] for argv in said} == {"5Gi"}, "no ETag of parts"
