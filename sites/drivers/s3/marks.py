"""Numbered marks in a bucket: which of them has arrived says how new the data at the other site is.

A mark is put at the source before its listing begins, and at the replica when everything of that listing has
arrived. So the newest at the replica is a recovery point, and no clock but the one that stamped it counts.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from sites.drivers.s3.bucket import OURS, Bucket
from sites.drivers.s3.listing import first
from sites.errors import BucketError

MARKS, MANIFESTS = f"{OURS}marks/", f"{OURS}manifests/"
UNDER_WAY = f"{OURS}under-way"
_LAST = 10**12 - 1  # names count down, so that the newest mark is the first of the listing
_SCHEMA = "blackstart/mark/1"


@dataclass(frozen=True, slots=True)
class Mark:
    """`taken`: when it was put at the source, by the clock of whoever replicates (UTC).

    At the replica it also names the manifest, by its SHA-256, of what had arrived.
    """

    number: int
    dataset: str
    taken: datetime
    manifest: str = ""
    objects: int = 0
    bytes: int = 0

    @property
    def key(self) -> str:
        return f"{MARKS}{_LAST - self.number:012d}"


def fresh(dataset: str, *newest: Mark | None) -> Mark:
    """The mark after all of those."""
    return Mark(1 + max((mark.number for mark in newest if mark), default=0), dataset, datetime.now(UTC))


def put(bucket: Bucket, mark: Mark, *, at: str | None = None, tagged: bool = False) -> None:
    """Raises BucketError."""
    body = {"schema": _SCHEMA, **asdict(mark), "taken": mark.taken.isoformat()}
    words = {"Tagging": "blackstart=mark"} if tagged else {}
    text = json.dumps(body, sort_keys=True).encode()
    bucket.call(
        f"put mark {mark.number}",
        "put_object",
        at or mark.key,
        Body=text,
        ContentType="application/json",
        **words,
    )


def newest(bucket: Bucket) -> Mark | None:
    """The mark of the highest number there. Raises BucketError, also for one that cannot be understood."""
    found = first(bucket, MARKS)
    return None if found is None else read(bucket, found.key)


def read(bucket: Bucket, key: str) -> Mark | None:
    """The mark at a key; None when there is none. Raises BucketError."""
    body = bucket.get_bytes(key)
    if body is None:
        return None
    try:
        told = json.loads(body)
        schema, taken = told.pop("schema"), datetime.fromisoformat(told.pop("taken"))
        mark = Mark(**told, taken=taken)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _no_mark(bucket, key, str(error)) from None
    if schema != _SCHEMA or key not in (mark.key, UNDER_WAY) or taken.tzinfo is None:
        raise _no_mark(bucket, key, "it is of another kind or number")
    return mark


def _no_mark(bucket: Bucket, key: str, why: str) -> BucketError:
    return BucketError(
        f'bucket "{bucket.name}" at {bucket.where}: "{key}" is no mark: {why}',
        hint="somebody wrote there; delete it, and what the bucket holds is known again",
    )
