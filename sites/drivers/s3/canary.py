"""A canary's client for a bucket: each write is a small object of its own, a numbered mark.

Marks are put into the source like any other object and read back from the replica, so that what a
replication had not carried yet is seen in the data and not believed from the end of a run.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
)

from sites.capability import Outcome, ReadBack
from sites.drivers.on_threads import OnThreads
from sites.drivers.s3.bucket import Bucket, code_of, no_key
from sites.drivers.s3.listing import listing
from sites.errors import BlackstartError, DatasetError
from sites.secret import Secret

FOLDER = ".blackstart-marks/"
# The store answered, and did not do it.
_REFUSED = frozenset(
    {"AccessDenied", "NoSuchBucket", "InvalidAccessKeyId", "SignatureDoesNotMatch", "403", "404"}
)


@dataclass(frozen=True, slots=True)
class BucketPlace:
    """A bucket as it is told to whoever writes there: with references to secrets, never with one."""

    bucket: str
    endpoint: str | None = None
    region: str = "us-east-1"
    prefix: str = ""
    access_key: Secret | None = None
    secret_key: Secret | None = None
    checksums: bool = False

    def open(self, limit_seconds: float) -> Bucket:
        """One that sends each request once: a number that was sent twice would prove nothing."""
        return Bucket(
            self.bucket,
            self.endpoint,
            self.region,
            self.prefix,
            self.access_key.resolve if self.access_key else no_key,
            self.secret_key.resolve if self.secret_key else no_key,
            self.checksums,
            attempts=1,
            answer_seconds=limit_seconds,
        )

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix} at {self.endpoint or self.region}"


@dataclass(frozen=True, slots=True)
class MarkedBucket:
    """`source` takes the marks; `replica` is where they are looked for afterwards."""

    source: BucketPlace
    replica: BucketPlace
    kind: Literal["objects"] = "objects"


class ObjectMarksClient:
    """Implements `sites.capability.Client`. The store is waited for on threads, never by the loop."""

    def __init__(
        self,
        marked: MarkedBucket,
        *,
        run: str,
        limit_seconds: float,
        workers: int,
        read_limit_seconds: float = 30.0,
    ) -> None:
        self._marked = marked
        self._run = run
        self._source = marked.source.open(limit_seconds)
        self._replica = marked.replica.open(read_limit_seconds)
        self._tried: dict[str, set[int]] = {}
        self._threads = OnThreads(workers, limit_seconds, read_limit_seconds)

    async def write(self, stream: str, number: int, payload: bytes) -> Outcome:
        """Put the mark, once. Never raises for what the store does."""
        self._tried.setdefault(stream, set()).add(number)
        return await self._operate(lambda: self._put(f"{self._place(stream)}{number}", payload))

    async def delete(self, stream: str, number: int) -> Outcome:
        return await self._operate(lambda: self._remove(f"{self._place(stream)}{number}"))

    async def read_back(self, stream: str) -> ReadBack:
        """Read the marks of the replica. Raises DatasetError where not all of it can be read.

        They are listed, and each that was written is looked for by its key besides: a listing that was cut
        short holds fewer than are counted, and does not count.
        """
        try:
            return await self._threads.read(lambda: self._list(stream))
        except TimeoutError as error:
            where = self._marked.replica
            raise DatasetError(f"cannot read the marks in {where}: no answer in time") from error

    async def aclose(self) -> None:
        self._threads.close()

    async def _operate(self, act: Callable[[], Outcome]) -> Outcome:
        return await self._threads.operate(act, str(self._marked.source))

    def _place(self, stream: str) -> str:
        return f"{FOLDER}{self._run[:8]}-{stream}/"

    def _put(self, key: str, payload: bytes) -> Outcome:
        md5 = hashlib.md5(payload, usedforsecurity=False).digest()
        return self._asked(
            lambda: self._source.client.put_object(
                Bucket=self._source.name,
                Key=self._source.prefix + key,
                Body=payload,
                ContentMD5=b64encode(md5).decode(),
            )
        )

    def _remove(self, key: str) -> Outcome:
        name, prefix = self._source.name, self._source.prefix
        return self._asked(lambda: self._source.client.delete_object(Bucket=name, Key=prefix + key))

    def _asked(self, request: Callable[[], object]) -> Outcome:
        """Only what was never sent, or was refused by the store itself, has provably not been done."""
        where = str(self._marked.source)
        try:
            request()
        except (EndpointConnectionError, ConnectTimeoutError):
            return Outcome("failed", "unreachable", where)
        except ClientError as error:
            refused = code_of(error) in _REFUSED
            return Outcome("failed" if refused else "indeterminate", code_of(error).lower(), where)
        except (BotoCoreError, HTTPClientError) as error:
            return Outcome("indeterminate", type(error).__name__.lower(), where)
        except BlackstartError as error:  # a secret that cannot be had: nothing was sent
            return Outcome("failed", type(error).__name__.lower(), where)
        return Outcome("acknowledged", "stored", where)

    def _list(self, stream: str) -> ReadBack:
        place, replica = self._place(stream), self._replica
        names = [one.key.removeprefix(place) for one in listing(replica, place)]
        rows = []
        for name in names:
            content = replica.get_bytes(place + name) if name.isascii() and name.isdigit() else None
            if content is not None:
                rows.append((int(name), hashlib.sha256(content).hexdigest()))
        unlisted = self._tried.get(stream, set()) - {number for number, _ in rows}
        missed = [number for number in unlisted if self._is_there(f"{place}{number}")]
        return ReadBack(sorted(rows), len(rows) + len(missed), end=True, address=str(self._marked.replica))

    def _is_there(self, key: str) -> bool:
        return self._replica.absent_or(f"look at {key!r}", "head_object", key) is not None
