"""The lock of a replica's bucket, tried by breaking it: the same probe that evidence is uploaded behind."""

from __future__ import annotations

from typing import Literal

from sites.drivers.s3.archive import S3Archive
from sites.drivers.s3.bucket import OURS, Bucket
from sites.errors import ArchiveError, BucketError


def require_lock(bucket: Bucket, mode: Literal["compliance", "governance"]) -> str:
    """What held, in words. Raises BucketError, saying what it let us do, when its lock does not hold."""
    try:
        return S3Archive(bucket, mode, below=OURS).probe()
    except ArchiveError as error:
        raise BucketError(
            str(error), hint="make a bucket with object lock, on a store that keeps it; nothing was copied"
        ) from None
