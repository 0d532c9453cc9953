"""All objects of a bucket in the order of their keys, a page at a time: the memory is that of a few pages.

boto3 signs, sends and tries again. Its reading of a page costs ten times what the store's answer does, so the
answer is taken before that and read here; where an older boto3 does not hand it out, its own reading will do.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus
from xml.etree import ElementTree

from sites.drivers.s3.bucket import OURS, Bucket
from sites.errors import BucketError

_EVENT = "before-parse.s3.ListObjectsV2"
_NOTHING = b"<ListBucketResult/>"


@dataclass(frozen=True, slots=True)
class Listed:
    """One object as the store lists it. `etag` is without its quotes, "" where the store gives none.

    `modified` is the store's own time, as it writes it.
    """

    key: str
    size: int
    etag: str
    modified: str


@dataclass(frozen=True, slots=True)
class _Page:
    found: list[Listed]
    after: str | None


def listing(bucket: Bucket, below: str = "") -> Iterator[Listed]:
    """Every object whose key begins with `below`, but ours, keys without the bucket's prefix.

    Raises BucketError, also for a listing that is not in order: merged with another, it would tell of
    objects as gone that are not.
    """
    last: str | None = None
    with ThreadPoolExecutor(1, thread_name_prefix="list") as beside:
        coming = beside.submit(_page, bucket, below, None)
        while True:
            page = coming.result()
            if page.after is not None:
                coming = beside.submit(_page, bucket, below, page.after)
            for found in page.found:
                if last is not None and found.key <= last:
                    raise BucketError(
                        f'bucket "{bucket.name}" at {bucket.where} lists out of order: '
                        f"{found.key!r} after {last!r}",
                        hint="directory buckets do so; they cannot be replicated",
                    )
                last = found.key
                if below.startswith(OURS) or not found.key.startswith(OURS):
                    yield found
            if page.after is None:
                return


def first(bucket: Bucket, below: str) -> Listed | None:
    """The object that is listed first of those whose key begins so. Raises BucketError."""
    return next(iter(_page(bucket, below, None, MaxKeys=1).found), None)


def _page(bucket: Bucket, below: str, after: str | None, **words: Any) -> _Page:  # noqa: ANN401
    caught = _Caught.of(bucket.client)
    words |= {"ContinuationToken": after} if after is not None else {}
    answer = bucket.call("list", "list_objects_v2", Prefix=bucket.prefix + below, EncodingType="url", **words)
    raw = caught.take()
    try:
        page = _read(raw, len(bucket.prefix)) if raw is not None else _decoded(answer, len(bucket.prefix))
    except BucketError as error:
        raise BucketError(f'bucket "{bucket.name}" at {bucket.where}: {error}', hint=error.hint) from None
    if page.after is not None and page.after == after:
        raise BucketError(f'bucket "{bucket.name}" at {bucket.where} lists one page again and again')
    return page


class _Caught(threading.local):
    """The answer of the last listing of this thread, as it came."""

    raw: bytes | None = None

    @classmethod
    def of(cls, client: Any) -> _Caught:  # noqa: ANN401
        """The one of a client, hooked into it once."""
        caught: _Caught | None = getattr(client, "blackstart_caught", None)
        if caught is None:
            caught = client.blackstart_caught = cls()
            client.meta.events.register(_EVENT, caught.keep)
        caught.raw = None
        return caught

    def keep(self, response_dict: dict[str, Any], **_: object) -> None:
        if response_dict["status_code"] == 200:
            self.raw, response_dict["body"] = response_dict["body"], _NOTHING

    def take(self) -> bytes | None:
        raw, self.raw = self.raw, None
        return raw


def _read(raw: bytes, cut: int) -> _Page:
    try:
        root = ElementTree.fromstring(raw)  # noqa: S314
    except ElementTree.ParseError as error:
        raise BucketError(f"cannot read a listing: {error}") from None
    if not root.tag.endswith("ListBucketResult"):
        raise BucketError(f"what the store answers is no listing: <{root.tag}>")
    space = root.tag.removesuffix("ListBucketResult")
    encoded = root.findtext(f"{space}EncodingType") == "url"
    found = []
    for element in root.iter(f"{space}Contents"):
        told = {child.tag: child.text or "" for child in element}
        key = told[f"{space}Key"]
        found.append(
            Listed(
                (unquote_plus(key) if encoded and ("%" in key or "+" in key) else key)[cut:],
                int(told.get(f"{space}Size", "0")),
                told.get(f"{space}ETag", "").strip('"'),
                told.get(f"{space}LastModified", ""),
            )
        )
    more = root.findtext(f"{space}IsTruncated") == "true"
    return _Page(found, _after(root.findtext(f"{space}NextContinuationToken"), more=more))


def _decoded(answer: dict[str, Any], cut: int) -> _Page:
    encoded = answer.get("EncodingType") == "url"
    found = [
        Listed(
            (unquote_plus(each["Key"]) if encoded else each["Key"])[cut:],
            int(each.get("Size", 0)),
            str(each.get("ETag", "")).strip('"'),
            each["LastModified"].isoformat() if "LastModified" in each else "",
        )
        for each in answer.get("Contents", ())
    ]
    return _Page(found, _after(answer.get("NextContinuationToken"), more=bool(answer.get("IsTruncated"))))


def _after(token: str | None, *, more: bool) -> str | None:
    """Where the listing goes on. One that is cut off would tell of all that follows as gone."""
    if more and not token:
        raise BucketError(
            "the store says that more follows, and does not say where it goes on",
            hint="it lists by `list-objects-v2`, or cannot be replicated",
        )
    return token if more else None
