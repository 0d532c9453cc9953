"""Evidence in a bucket whose object lock holds: what was uploaded there nobody takes back.

That a store *says* it locks proves nothing (some answer 200 and delete all the same), so every upload is
preceded by a probe that tries to break the lock of an object of its own. That it *refuses* proves nothing
either (a policy does so too, until it is changed), so what is not locked has to go when it is asked for.
"""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

from sites.drivers.s3.bucket import Bucket
from sites.errors import ArchiveError, BucketError
from sites.plan import S3Upload

PROBE_LOCKED = timedelta(minutes=10)  # so long the object of a probe stays there
BRIEFLY = timedelta(seconds=5)  # a lock that passes while we wait; the store's clock is not ours
_PASSED_LIMIT_SECONDS = 60.0
_MODES = {"compliance": "COMPLIANCE", "governance": "GOVERNANCE"}
_REFUSED = {"AccessDenied", "InvalidRequest", "ObjectLocked", "MethodNotAllowed"}
_NO_HOLDS = {*_REFUSED, "NotImplemented", "501", "405", "NoSuchObjectLockConfiguration"}


@dataclass(frozen=True, slots=True)
class Uploaded:
    """How many objects were put, how many lay there already, and until when all of them are locked.

    `held`: all of them show the legal hold that was asked for.
    """

    put: int
    present: int
    locked_until: datetime
    held: bool = False

    @property
    def said(self) -> str:
        return (
            f"{self.put} files uploaded, {self.present} there already, "
            f"locked until {self.locked_until:%Y-%m-%d}"
        )


def archive_of(noun: S3Upload) -> S3Archive:
    """Where a plan says that evidence is uploaded to. What is put with a lock needs the extra checksums."""
    prefix = noun.prefix.strip("/")
    bucket = Bucket(
        noun.bucket,
        noun.endpoint,
        noun.region,
        f"{prefix}/" if prefix else "",
        noun.access_key.resolve,
        noun.secret_key.resolve,
        checksums=True,
    )
    return S3Archive(bucket, noun.lock)


class S3Archive:
    """What is kept in one bucket, `below` its prefix. Every method raises ArchiveError."""

    def __init__(self, bucket: Bucket, lock: Literal["compliance", "governance"], *, below: str = "") -> None:
        self._bucket, self._mode, self._below = bucket, _MODES[lock], below

    def probe(self, now: datetime | None = None) -> str:
        """Try to break the lock of a new object in every way; what was found, in words.

        Raises ArchiveError, saying which attempt succeeded, when the lock does not hold.
        """
        until = _second((now or datetime.now(UTC)) + PROBE_LOCKED)
        key, content = f"{self._below}probe/{uuid4()}", uuid4().bytes
        version = self._put(key, content, until, {})
        self._require_locked(key, version, until)
        self._must_refuse("delete a locked version", "delete_object", key, VersionId=version)
        if self._mode == "COMPLIANCE":
            self._must_refuse(
                "delete a locked version with the right to bypass",
                "delete_object",
                key,
                VersionId=version,
                BypassGovernanceRetention=True,
            )
        later = {"Mode": self._mode, "RetainUntilDate": until + PROBE_LOCKED / 2}
        self._call("lengthen a lock", "put_object_retention", key, VersionId=version, Retention=later)
        sooner = {"Mode": self._mode, "RetainUntilDate": until - PROBE_LOCKED / 2}
        self._must_refuse("shorten a lock", "put_object_retention", key, VersionId=version, Retention=sooner)
        self._call("put", "put_object", key, Body=b"overwritten")
        self._call("delete", "delete_object", key)
        if self._sha256(key, version) != hashlib.sha256(content).hexdigest():
            raise self._broken("an overwritten object does not come back as it was")
        self._require_locked(key, version, until)
        self._require_free_to_go(f"{self._below}probe/{uuid4()}")
        return (
            f"the {self._mode.lower()} lock of bucket {self._bucket.name} held against 5 attempts "
            "to break it, and what was not locked could be deleted"
        )

    def _require_free_to_go(self, key: str) -> None:
        """The control of the probe: without a lock, or once it has passed, the same call deletes."""
        version = str(self._call("put", "put_object", key, Body=b"not locked").get("VersionId"))
        deadline = time.monotonic()
        if self._call(f'look at "{key}"', "head_object", key, VersionId=version).get("ObjectLockMode"):
            # the bucket locks whatever is put there
            version = self._put(key, b"locked briefly", _second(datetime.now(UTC) + BRIEFLY), {})
            deadline += _PASSED_LIMIT_SECONDS
        while not self._goes(key, version):
            if time.monotonic() > deadline:
                raise ArchiveError(
                    f'bucket "{self._bucket.name}": nothing shows that its lock holds: it refuses to delete '
                    "what is not locked as well, so that its refusals may be those of a policy",
                    hint=f"let this account delete versions below {self._bucket.prefix}{self._below}probe/",
                )
            time.sleep(0.2)

    def _goes(self, key: str, version: str) -> bool:
        return not self._refuses("delete what is not locked", "delete_object", key, VersionId=version)

    def upload(self, files: Mapping[str, Path | bytes], until: datetime, *, held: bool = False) -> Uploaded:
        """Put every file that does not lie there yet, locked until then, and read each back.

        `files` are the names below the prefix, each with its content, or the file that holds it. `held`: they
        are under a legal hold besides, where the store has such; nothing here ever lifts it.
        """
        until, put = _second(until), 0
        for name, content in files.items():
            version, new = self._keep(f"{self._below}{name}", content, until)
            put += new
            held = held and self._hold(f"{self._below}{name}", version)
        return Uploaded(put, len(files) - put, until, held)

    def _hold(self, key: str, version: str) -> bool:
        """Whether the store shows the hold that was placed there."""
        on = {"Status": "ON"}
        with _told():
            act = f'place a legal hold on "{key}"'
            self._bucket.unless(_NO_HOLDS, act, "put_object_legal_hold", key, VersionId=version, LegalHold=on)
            act = f'look at the legal hold of "{key}"'
            found = self._bucket.unless(_NO_HOLDS, act, "get_object_legal_hold", key, VersionId=version)
        return found is not None and found.get("LegalHold") == on

    def _keep(self, key: str, content: Path | bytes, until: datetime) -> tuple[str, bool]:
        """Which version of it is locked until then, and whether it had to be put."""
        with _opened(content) as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        there = self._there(key)
        if there is not None and there.get("Metadata", {}).get("sha256") == sha256:
            version = str(there.get("VersionId"))
            if self._sha256(key, version) == sha256 and self._is_locked(key, version, until):
                return version, False
        version = self._put(key, content, until, {"sha256": sha256})
        self._require_locked(key, version, until)
        if self._sha256(key, version) != sha256:
            raise self._broken(f'"{key}" does not come back as it was put')
        return version, True

    def _put(self, key: str, content: Path | bytes, until: datetime, metadata: dict[str, str]) -> str:
        with _opened(content) as file:
            done = self._call(
                f'put "{key}"',
                "put_object",
                key,
                Body=file,
                Metadata=metadata,
                ChecksumAlgorithm="SHA256",
                ObjectLockMode=self._mode,
                ObjectLockRetainUntilDate=until,
            )
        version = done.get("VersionId")
        if not version or version == "null":
            raise self._broken("it keeps no versions, so whatever is overwritten is gone")
        return str(version)

    def _require_locked(self, key: str, version: str, until: datetime) -> None:
        if not self._is_locked(key, version, until):
            raise self._broken(f'it does not show the lock that "{key}" was put with')

    def _is_locked(self, key: str, version: str, until: datetime) -> bool:
        found = self._call(f'look at "{key}"', "head_object", key, VersionId=version)
        locked_until = found.get("ObjectLockRetainUntilDate")
        return (
            found.get("ObjectLockMode") == self._mode
            and isinstance(locked_until, datetime)
            and locked_until >= until
        )

    def _must_refuse(self, what: str, method: str, key: str, **words: object) -> None:
        if not self._refuses(f"try to {what}", method, key, **words):
            raise self._broken(f"it let us {what}")

    def _refuses(self, act: str, method: str, key: str, **words: object) -> bool:
        with _told():
            return self._bucket.unless(_REFUSED, act, method, key, **words) is None

    def _sha256(self, key: str, version: str) -> str:
        """Of what comes back, read in blocks."""
        digest = hashlib.sha256()
        with _told():
            for block in self._bucket.blocks(key, VersionId=version):
                digest.update(block)
        return digest.hexdigest()

    def _there(self, key: str) -> dict[str, Any] | None:
        with _told():
            return self._bucket.absent_or(f'look for "{key}"', "head_object", key)

    def _call(self, act: str, method: str, key: str, **words: object) -> dict[str, Any]:
        with _told():
            return self._bucket.call(act, method, key, **words)

    def _broken(self, why: str) -> ArchiveError:
        return ArchiveError(
            f'bucket "{self._bucket.name}" does not keep what it locks: {why}',
            hint="make a bucket with object lock, on a store that keeps it; no evidence went there",
        )


@contextmanager
def _told() -> Iterator[None]:
    """What a bucket could not do is told as what the archive could not."""
    try:
        yield
    except BucketError as error:
        raise ArchiveError(str(error), hint=error.hint) from None


def _opened(content: Path | bytes) -> io.BufferedReader | io.BytesIO:
    return content.open("rb") if isinstance(content, Path) else io.BytesIO(content)


def _second(instant: datetime) -> datetime:
    """Object locks know whole seconds."""
    return instant.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=bool(instant.microsecond))
