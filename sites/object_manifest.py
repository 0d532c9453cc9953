"""What a bucket held at one mark, one line an object, in the order of the keys; read and written as a stream.

Made from what the source itself listed and sent, so that a copy can be held against it with the source gone.
A line: key, size, ETag and time at the source, ETag at the replica, SHA-256 (where the content went through
our hands), the size of its parts (where it was made of several), a digest of what it says about itself.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sites.errors import DatasetError

SCHEMA = "blackstart/objects/1"
_MD5 = re.compile(r"[0-9a-f]{32}")
_IN_PARTS = re.compile(r"[0-9a-f]{32}-[0-9]{1,5}")
# What an object says about itself, besides its content. A copy has all of it.
TOLD = (
    "ContentType",
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One object. `sha256` and `about` are None where only the store's own tools saw it."""

    key: str
    size: int
    etag: str
    modified: str
    replica_etag: str
    sha256: str | None = None
    part_bytes: int | None = None
    about: str | None = None
    raw: bytes | None = field(default=None, compare=False, repr=False)  # as it was read, to be written again

    def line(self) -> bytes:
        if self.raw is not None:
            return self.raw
        told = (self.key, self.size, self.etag, self.modified, self.replica_etag)
        more = (self.sha256, self.part_bytes, self.about)
        return json.dumps([*told, *more], ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def entry_of(line: bytes) -> Entry:
    """Raises ValueError for a line that is none."""
    return _entry(json.loads(line), line)


def _entry(record: list[Any], line: bytes) -> Entry:
    key, size, etag, modified, replica_etag, sha256, part_bytes, told = record
    return Entry(key, size, etag, modified, replica_etag, sha256, part_bytes, told, line)


def is_md5(etag: str) -> bool:
    """Whether an ETag can be the MD5 of the content. Encrypted by a key of its own it looks so and is not."""
    return _MD5.fullmatch(etag) is not None


def is_in_parts(etag: str) -> bool:
    """Whether it is that of an object of several parts: another layout of the same bytes has another one."""
    return _IN_PARTS.fullmatch(etag) is not None


def about(told: Mapping[str, Any], tags: Mapping[str, str] | None = None) -> str:
    """A short digest of what an object says about itself. Stores change the case of metadata's names."""
    metadata = {name.lower(): value for name, value in dict(told.get("Metadata") or {}).items()}
    metadata.pop("mtime", None)  # rclone's own, and other in every copy
    plain = {name: told.get(name) for name in TOLD if told.get(name)}
    text = json.dumps([plain, metadata, dict(tags or {})], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


class Writer:
    """Writes a manifest to a new file and hashes it. As a context; `sha256` is known once it is over."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.objects = self.bytes = 0
        self.sha256 = ""
        self._hash = hashlib.sha256()

    def __enter__(self) -> Writer:
        # no time and no name in it: the same content is the same file
        self._raw = self.path.open("wb")
        self._file = gzip.GzipFile(filename="", mode="wb", fileobj=self._raw, compresslevel=1, mtime=0)
        self._put(json.dumps({"schema": SCHEMA}).encode() + b"\n")
        return self

    def add(self, entry: Entry) -> None:
        self._put(entry.line())
        self.objects += 1
        self.bytes += entry.size

    def __exit__(self, *_: object) -> None:
        self._put(json.dumps({"end": self.objects}).encode() + b"\n")
        self._file.close()
        self._raw.close()
        self.sha256 = self._hash.hexdigest()

    def _put(self, line: bytes) -> None:
        self._hash.update(line)
        self._file.write(line)


def entries(path: Path, expected_sha256: str) -> Iterator[Entry]:
    """The lines of a manifest. Raises DatasetError for one that is damaged, at the latest at its end."""
    digest, count, ended = hashlib.sha256(), 0, False
    try:
        with gzip.open(path, "rb") as lines:
            for line in lines:
                digest.update(line)
                record = json.loads(line)
                if isinstance(record, dict):
                    if "end" in record:
                        ended = record["end"] == count
                    elif record.get("schema") != SCHEMA:
                        raise DatasetError(f"{path}: not a manifest of objects: {record}")
                    continue
                count += 1
                yield _entry(record, line)
    except (OSError, EOFError, zlib.error, ValueError, TypeError) as error:
        raise DatasetError(f"{path}: a manifest that cannot be read: {error}") from error
    if not ended or digest.hexdigest() != expected_sha256:
        raise DatasetError(f"{path}: the manifest is not what was written: its SHA-256 or its end is another")


def in_order(found: Iterable[Entry]) -> Iterator[Entry]:
    """The same, held to be in order. Raises DatasetError."""
    last: str | None = None
    for entry in found:
        if last is not None and entry.key <= last:
            raise DatasetError(f"a manifest is out of order: {entry.key!r} after {last!r}")
        last = entry.key
        yield entry
