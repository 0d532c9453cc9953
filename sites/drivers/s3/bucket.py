"""One bucket of an S3 store, below one prefix: every call named in its error, none of them trusted blindly.

What a store answers is not always what it does: `rclone serve s3` takes a PUT of tags and writes them over
the object's content. So what a store can do is tried on objects of our own, never on the user's.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from sites.errors import BucketDenied, BucketError, BucketUnreachable, NoBucket

OURS = ".blackstart/"  # below the prefix; never taken for data
CONNECTIONS = 64
_DENIED = {
    "AccessDenied",
    "403",
    "Forbidden",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "AllAccessDisabled",
}
_CLOCK = {"RequestTimeTooSkewed", "RequestExpired"}
_ABSENT = {"404", "NoSuchKey", "NotFound"}
_CLIENTS = threading.Lock()  # boto3's default loader is not made for several threads at once


@cache
def _session() -> Any:  # noqa: ANN401
    """One for all: each of its own would read the description of S3 anew, a tenth of a second every time."""
    import boto3  # here, because it takes a third of a second to load

    return boto3.session.Session()


def no_key() -> str | None:
    """The credentials are those that the machine has."""
    return None


@dataclass(frozen=True)
class Bucket:
    """Every method raises BucketError or one of its kinds. Keys are without the prefix.

    `checksums`: the extra checksums of newer clients are sent, which some stores do not understand. A request
    is sent `attempts` times at most.
    """

    name: str
    endpoint: str | None = None
    region: str = "us-east-1"
    prefix: str = ""
    access_key: Callable[[], str | None] = no_key
    secret_key: Callable[[], str | None] = field(default=no_key, repr=False)
    checksums: bool = False
    attempts: int = 4
    answer_seconds: float = 60.0

    @cached_property
    def client(self) -> Any:  # noqa: ANN401 - boto3 has no types of its own
        from botocore.config import Config

        wanted = "when_supported" if self.checksums else "when_required"
        with _CLIENTS:
            return _session().client(
                "s3",
                endpoint_url=self.endpoint,
                region_name=self.region,
                aws_access_key_id=self.access_key(),
                aws_secret_access_key=self.secret_key(),
                config=Config(
                    signature_version="s3v4",
                    connect_timeout=min(10.0, self.answer_seconds),
                    read_timeout=self.answer_seconds,
                    max_pool_connections=CONNECTIONS,
                    retries={"total_max_attempts": self.attempts, "mode": "standard"},
                    request_checksum_calculation=wanted,
                    response_checksum_validation=wanted,
                    s3={"addressing_style": "path" if self.endpoint else "auto"},
                ),
            )

    def call(self, act: str, method: str, key: str | None = None, **words: object) -> dict[str, Any]:
        """One request; `key` is given without the prefix. The error says what `act` failed and why."""
        if key is not None:
            words["Key"] = self.prefix + key
        try:
            return dict(getattr(self.client, method)(Bucket=self.name, **words))
        except (ClientError, BotoCoreError) as error:
            raise self.failed(act, error) from None

    def absent_or(self, act: str, method: str, key: str, **words: object) -> dict[str, Any] | None:
        """The same; None when there is no such object."""
        return self.unless(_ABSENT, act, method, key, **words)

    def unless(
        self, codes: Collection[str], act: str, method: str, key: str, **words: object
    ) -> dict[str, Any] | None:
        """The same; None when the store refuses it with one of these codes."""
        try:
            return dict(getattr(self.client, method)(Bucket=self.name, Key=self.prefix + key, **words))
        except ClientError as error:
            if code_of(error) in codes:
                return None
            raise self.failed(act, error) from None
        except BotoCoreError as error:
            raise self.failed(act, error) from None

    def put_json(self, key: str, content: Mapping[str, object]) -> None:
        body = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
        self.call(f'put "{key}"', "put_object", key, Body=body, ContentType="application/json")

    def get_bytes(self, key: str) -> bytes | None:
        """What an object holds, all of it in memory; None when there is none."""
        found = self.absent_or(f'read "{key}"', "get_object", key)
        if found is None:
            return None
        try:
            return bytes(found["Body"].read())
        except (BotoCoreError, HTTPClientError) as error:
            raise self.failed(f'read "{key}"', error) from None

    def blocks(self, key: str, **words: object) -> Iterator[bytes]:
        """What an object holds, a MiB at a time; raises also when there is none."""
        found = self.call(f'read "{key}"', "get_object", key, **words)
        try:
            yield from found["Body"].iter_chunks(1 << 20)
        except BotoCoreError as error:
            raise self.failed(f'read "{key}"', error) from None

    def keeps_tags(self, key: str) -> bool:
        """Whether the object of ours at `key`, which was put with a tag, has it and its content still.

        Asked once and without patience: a store that has no tags may answer anything. Raises BucketDenied.
        """
        asked = Bucket(
            self.name, self.endpoint, self.region, self.prefix, self.access_key, self.secret_key, attempts=1
        )
        try:
            return bool(asked.call("read tags", "get_object_tagging", key).get("TagSet"))
        except BucketDenied:
            raise
        except BucketError:
            return False

    def failed(self, act: str, error: Exception) -> BucketError:
        """The error that tells what could not be done, in words of ours, by its kind."""
        said = f'bucket "{self.name}" at {self.where}: cannot {act}: {error}'
        if not isinstance(error, ClientError):
            return BucketUnreachable(said, hint="is the store up, and its endpoint in the plan right?")
        code = code_of(error)
        if code == "NoSuchBucket":
            return NoBucket(said, hint="make it; blackstart makes no buckets")
        if code in _CLOCK:
            return BucketError(said, hint="the clock here and that of the store differ; set it")
        if code in _DENIED:
            return BucketDenied(said, hint="are the access key, the secret key and their policy right?")
        return BucketError(said)

    @property
    def where(self) -> str:
        return self.endpoint or "AWS"

    @property
    def url(self) -> str:
        return f"{self.where}/{self.name}/{self.prefix}"


def code_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
