"""One object from a bucket to another: all that it says about itself with it, and proven to have arrived.

Small ones are put whole, large ones in parts of the size that the source's have, so that their ETags agree
where the stores make them alike. Where they do not, what was put is read back: no ETag is taken for a no.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from botocore.exceptions import BotoCoreError

from sites.drivers.s3.bucket import Bucket
from sites.drivers.s3.content import PART_BYTES, Digests, content_of, in_parts
from sites.drivers.s3.listing import Listed
from sites.errors import BucketError, BucketUnreachable
from sites.object_manifest import TOLD, Entry, about, is_in_parts, is_md5

WHOLE_BYTES_MAX = 8 << 20
PART_BYTES_MAX, PARTS_MAX = 64 << 20, 10_000
ATTEMPTS = 3
_PASSED_ON = (*TOLD, "Expires", "WebsiteRedirectLocation")
_NOT_MD5 = ("aws:kms", "aws:kms:dsse")


@dataclass(frozen=True, slots=True)
class _Coming:
    """One object as it is being read."""

    listed: Listed
    answer: Mapping[str, Any]
    tags: dict[str, str]

    @property
    def size(self) -> int:
        return int(self.answer["ContentLength"])

    @property
    def etag(self) -> str:
        return str(self.answer.get("ETag", "")).strip('"')

    @property
    def modified(self) -> str:
        """As listed. Of one that changed since then no listing says the same: it is copied once more."""
        if self.etag == self.listed.etag and self.size == self.listed.size:
            return self.listed.modified
        return f"since the listing: {self.answer.get('LastModified')}"

    @property
    def told(self) -> dict[str, Any]:
        words = {name: self.answer[name] for name in _PASSED_ON if self.answer.get(name)}
        words |= {"Metadata": dict(self.answer["Metadata"])} if self.answer.get("Metadata") else {}
        return words | ({"Tagging": urlencode(self.tags)} if self.tags else {})

    @property
    def must_be_md5(self) -> bool:
        """Whether the source's ETag has to be the MD5 of what comes."""
        encrypted = self.answer.get("SSECustomerAlgorithm") or (
            self.answer.get("ServerSideEncryption") in _NOT_MD5
        )
        return is_md5(self.etag) and not encrypted

    def entry(self, replica_etag: str, sha256: str, part_bytes: int | None = None) -> Entry:
        told = about(self.answer, self.tags)
        return Entry(
            self.listed.key, self.size, self.etag, self.modified, replica_etag, sha256, part_bytes, told
        )


@dataclass(frozen=True)
class Copier:
    """`tags`: the source keeps tags, so they are carried too. `lock`: what each object is put with."""

    source: Bucket
    replica: Bucket
    tags: bool = False
    lock: Mapping[str, Any] = field(default_factory=dict)

    def copy(self, listed: Listed) -> Entry | None:
        """Copy and prove; None when the source has it no longer. Raises BucketError.

        A connection that breaks off is tried again, and so is content that is not what its ETag says.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._copy(listed)
            except (BucketUnreachable, _Spoiled):
                if attempt == ATTEMPTS:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _copy(self, listed: Listed) -> Entry | None:
        answer = self.source.absent_or(f"read {listed.key!r}", "get_object", listed.key)
        if answer is None:
            return None
        with answer["Body"] as body:
            coming = _Coming(listed, answer, self._tags(listed.key, answer))
            blocks = self._blocks(coming, body)
            return (
                self._put(coming, blocks)
                if coming.size <= WHOLE_BYTES_MAX
                else self._in_parts(coming, blocks)
            )

    def _tags(self, key: str, answer: Mapping[str, Any]) -> dict[str, str]:
        if not self.tags or not answer.get("TagCount"):
            return {}
        found = self.source.call(f"read the tags of {key!r}", "get_object_tagging", key)
        return {tag["Key"]: tag["Value"] for tag in found["TagSet"]}

    def _blocks(self, coming: _Coming, body: Any) -> Iterator[bytes]:  # noqa: ANN401
        """The content in pieces of 1 MiB, as many bytes as were said."""
        left = coming.size
        try:
            while left:
                block = body.read(min(left, 1 << 20))
                if not block:
                    raise BucketUnreachable(
                        f'bucket "{self.source.name}": {coming.listed.key!r} broke off, {left} bytes short'
                    )
                left -= len(block)
                yield block
        except BotoCoreError as error:
            raise self.source.failed(f"read {coming.listed.key!r}", error) from None

    def _put(self, coming: _Coming, blocks: Iterator[bytes]) -> Entry:
        content, key = b"".join(blocks), coming.listed.key
        md5 = hashlib.md5(content, usedforsecurity=False)
        self._require_md5(coming, md5.hexdigest())
        done = self.replica.call(
            f"put {key!r}",
            "put_object",
            key,
            Body=content,
            ContentMD5=b64encode(md5.digest()).decode(),
            **coming.told,
            **self.lock,
        )
        etag, sha256 = str(done.get("ETag", "")).strip('"'), hashlib.sha256(content).hexdigest()
        if etag != md5.hexdigest():
            etag = self._head(key, coming.size)
            self._require_readable(key, sha256)
        return coming.entry(etag, sha256)

    def _in_parts(self, coming: _Coming, blocks: Iterator[bytes]) -> Entry:
        key, part_bytes = coming.listed.key, self._part_bytes(coming)
        upload = self.replica.call(
            f"begin {key!r}", "create_multipart_upload", key, **coming.told, **self.lock
        )["UploadId"]
        try:
            sent = self._send(key, upload, blocks, part_bytes)
            self._require_md5(coming, sent.md5)
            self.replica.call(
                f"finish {key!r}",
                "complete_multipart_upload",
                key,
                UploadId=upload,
                MultipartUpload={"Parts": sent.parts},
            )
        except BaseException:  # parts that nobody finishes cost money for ever
            self.replica.absent_or(f"give up {key!r}", "abort_multipart_upload", key, UploadId=upload)
            raise
        etag = self._head(key, coming.size)  # what a store answers to the last part may be another one
        if etag not in (sent.etag, sent.md5):
            self._require_readable(key, sent.sha256)
        return coming.entry(etag, sent.sha256, part_bytes)

    def _send(self, key: str, upload: str, blocks: Iterator[bytes], part_bytes: int) -> Digests:
        sent = Digests()
        for number, part in enumerate(in_parts(blocks, part_bytes), 1):
            md5 = sent.add(part)
            done = self.replica.call(
                f"put part {number} of {key!r}",
                "upload_part",
                key,
                UploadId=upload,
                PartNumber=number,
                Body=part,
                ContentMD5=b64encode(md5).decode(),
            )
            sent.parts.append({"PartNumber": number, "ETag": done["ETag"]})
        return sent

    def _part_bytes(self, coming: _Coming) -> int:
        """The size of the source's parts, where it can be had and is no burden."""
        ours = max(PART_BYTES, -(-coming.size // PARTS_MAX))
        if not is_in_parts(coming.etag):
            return ours
        key = coming.listed.key
        first = self.source.absent_or(f"look at {key!r}", "head_object", key, PartNumber=1)
        theirs = int(first["ContentLength"]) if first else 0
        fits = 5 << 20 <= theirs <= PART_BYTES_MAX and -(-coming.size // theirs) == int(
            coming.etag.partition("-")[2]
        )
        return theirs if fits else ours

    def _require_md5(self, coming: _Coming, found: str) -> None:
        if coming.must_be_md5 and found != coming.etag:
            raise _Spoiled(
                f'bucket "{self.source.name}" at {self.source.where}: {coming.listed.key!r} is damaged: '
                f"its content has MD5 {found}, its ETag says {coming.etag}",
                hint="the copy at the replica stays as it was; upload the object again",
            )

    def _head(self, key: str, size: int) -> str:
        found = self.replica.call(f"look at {key!r}", "head_object", key)
        if int(found["ContentLength"]) != size:
            raise _Spoiled(
                f'bucket "{self.replica.name}": {key!r} has {found["ContentLength"]} bytes of {size}'
            )
        return str(found.get("ETag", "")).strip('"')

    def _require_readable(self, key: str, sha256: str) -> None:
        """Its ETag says nothing of its content (it is encrypted, or made otherwise), so it is read back."""
        if content_of(self.replica, key).sha256 != sha256:
            raise _Spoiled(
                f'bucket "{self.replica.name}" at {self.replica.where}: {key!r} does not come back as put'
            )


class _Spoiled(BucketError):
    """What arrived is not what was sent."""
