"""What a credential may do in a bucket, found by trying it on an object of ours."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

from botocore.exceptions import BotoCoreError, ClientError

from sites.drivers.s3.bucket import OURS, Bucket
from sites.errors import BucketDenied, BucketError


def may_delete(whose: Bucket, at: Bucket) -> bool:
    """Whether the credential of the one bucket deletes what lies in the other. Raises BucketError."""
    key = f"{OURS}probe/{uuid4()}"
    at.call("put a probe", "put_object", key, Body=b"may the other site delete this?")
    stranger = replace(at, access_key=whose.access_key, secret_key=whose.secret_key, attempts=1)
    try:
        stranger.call("delete a probe", "delete_object", key)
    except BucketDenied:
        at.call("delete a probe", "delete_object", key)
        return False
    return at.absent_or("look at a probe", "head_object", key) is None


def names(bucket: Bucket) -> list[str]:
    """Every bucket that its credential sees in the same store. Raises BucketError."""
    try:
        found = bucket.client.list_buckets()
    except (ClientError, BotoCoreError) as error:
        raise BucketError(f"the store at {bucket.where} does not name its buckets: {error}") from error
    return [each["Name"] for each in found.get("Buckets", ())]
