"""One small object that is written only if it is still what the writer has seen: S3's conditional write.

Not every store that takes the condition keeps it (`rclone serve s3` ignores it), so that is tried.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from botocore.exceptions import BotoCoreError

from sites.capability import Seen
from sites.drivers.s3.bucket import Bucket
from sites.errors import BucketError

_REFUSED = {"PreconditionFailed", "412", "ConditionalRequestConflict", "409", "NoSuchKey", "404"}


class S3Witness:
    """Every method raises BucketError or one of its kinds."""

    def __init__(self, bucket: Bucket, key: str) -> None:
        self._bucket, self._key = bucket, key

    def read(self) -> Seen | None:
        """None while it was never written."""
        found = self._bucket.absent_or(f'read "{self._key}"', "get_object", self._key)
        if found is None:
            return None
        try:
            return Seen(bytes(found["Body"].read()), str(found["ETag"]))
        except BotoCoreError as error:
            raise self._bucket.failed(f'read "{self._key}"', error) from None

    def write(self, content: bytes, seen: Seen | None) -> Seen | None:
        """Write it if it is as it was `seen` (None: not there). None when it is not: nothing was changed."""
        return self._put(self._key, content, None if seen is None else seen.etag)

    def prove(self) -> str:
        """Try on an object of our own that a false condition is refused; what was found, in words."""
        key = f"{self._key}.probe-{uuid4()}"
        try:
            first = self._put(key, b"1", None)
            if first is None or self._put(key, b"2", None) is not None:
                raise self._broken("it overwrites what is there, though told to write only what is not")
            if self._put(key, b"2", '"0123456789abcdef0123456789abcdef"') is not None:
                raise self._broken("it overwrites what has changed since it was read")
            if self._put(key, b"3", first.etag) is None:
                raise self._broken("it refuses to overwrite what has not changed")
        finally:
            self._bucket.call("remove a probe", "delete_object", key)
        return f'bucket "{self._bucket.name}" at {self._bucket.where} keeps the conditions of a write'

    def _put(self, key: str, content: bytes, etag: str | None) -> Seen | None:
        condition: dict[str, Any] = {"IfNoneMatch": "*"} if etag is None else {"IfMatch": etag}
        done = self._bucket.unless(_REFUSED, f'write "{key}"', "put_object", key, Body=content, **condition)
        if done is None:
            return None
        return Seen(content, str(done.get("ETag", "")))

    def _broken(self, why: str) -> BucketError:
        return BucketError(
            f'bucket "{self._bucket.name}" at {self._bucket.where} is no witness: {why}',
            hint="take a store that keeps If-Match and If-None-Match, as AWS does",
        )
