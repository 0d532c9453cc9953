"""What came back of an object, by every digest that may be asked of it; read a part at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError

from sites.drivers.s3.bucket import Bucket
from sites.object_manifest import about

PART_BYTES = 8 << 20


@dataclass(slots=True)
class Digests:
    """What was sent in parts so far, by every digest that may be asked of it."""

    parts: list[dict[str, Any]] = field(default_factory=list)
    _whole: Any = field(default_factory=hashlib.sha256)
    _md5: Any = field(default_factory=lambda: hashlib.md5(usedforsecurity=False))
    _digests: list[bytes] = field(default_factory=list)

    def add(self, part: bytes) -> bytes:
        self._whole.update(part)
        self._md5.update(part)
        self._digests.append(hashlib.md5(part, usedforsecurity=False).digest())
        return self._digests[-1]

    @property
    def sha256(self) -> str:
        return str(self._whole.hexdigest())

    @property
    def md5(self) -> str:
        return str(self._md5.hexdigest())

    @property
    def etag(self) -> str:
        """What S3 makes of the parts."""
        joined = hashlib.md5(b"".join(self._digests), usedforsecurity=False).hexdigest()
        return f"{joined}-{len(self._digests)}"


def in_parts(blocks: Iterator[bytes], part_bytes: int) -> Iterator[bytes]:
    """The same bytes in pieces of that size, the last one shorter."""
    held = bytearray()
    for block in blocks:
        held += block
        while len(held) >= part_bytes:
            yield bytes(held[:part_bytes])
            del held[:part_bytes]
    if held:
        yield bytes(held)


@dataclass(frozen=True, slots=True)
class Content:
    """What came back of one object. `etag` is what S3 makes of parts of the size that was asked for."""

    size: int
    sha256: str
    md5: str
    etag: str
    about: str


def content_of(bucket: Bucket, key: str, part_bytes: int | None = None, to: Path | None = None) -> Content:
    """Read an object whole, a part at a time, and write it to a file where one is named.

    Raises BucketError, also when there is none.
    """
    answer = bucket.call(f"read {key!r}", "get_object", key)
    sent, size = Digests(), 0
    try:
        with to.open("wb") if to is not None else nullcontext() as file:
            for part in in_parts(answer["Body"].iter_chunks(1 << 20), part_bytes or PART_BYTES):
                sent.add(part)
                size += len(part)
                if file is not None:
                    file.write(part)
    except BotoCoreError as error:
        raise bucket.failed(f"read {key!r}", error) from None
    tags: dict[str, str] = {}
    if answer.get("TagCount"):
        found = bucket.call(f"read the tags of {key!r}", "get_object_tagging", key)
        tags = {tag["Key"]: tag["Value"] for tag in found["TagSet"]}
    return Content(size, sent.sha256, sent.md5, sent.etag, about(answer, tags))
