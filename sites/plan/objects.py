"""A dataset that is a bucket of objects, with a bucket at another site that follows it."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PlainSerializer, PlainValidator, WithJsonSchema

from sites.plan.data import Backup, RestorePlace
from sites.plan.evidence import Bucket
from sites.plan.noun import Noun
from sites.plan.references import SecretRef, SiteName
from sites.plan.restored import RestoreCheck
from sites.plan.scalars import HttpAddress, PositiveSpan, Span, Text

_SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]+)?) ?%")


def _read_share(value: object) -> float:
    if isinstance(value, float):
        return value
    found = _SHARE.fullmatch(value) if isinstance(value, str) else None
    if found is None or float(found[1]) > 100:
        raise ValueError(f'{value!r} is not a share; write "10%"')
    return float(found[1]) / 100


def _read_prefix(value: str) -> str:
    if value.startswith("/") or not value.endswith("/"):
        raise ValueError(f'"{value}" is not a prefix; it does not begin with a slash, and ends with one')
    return value


Share = Annotated[
    float,
    PlainValidator(_read_share),
    PlainSerializer(lambda share: f"{share * 100:g}%"),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]{1,3}(\.[0-9]+)? ?%$", "examples": ["10%"]}),
]
Prefix = Annotated[str, AfterValidator(_read_prefix)]
Workers = Annotated[int, Field(ge=1, le=64)]


class ObjectsPlace(Noun):
    """A bucket, or what lies below one prefix of it."""

    site: SiteName = Field(description="the site that is lost together with it")
    bucket: Bucket = Field(description="the bucket; blackstart makes none")
    prefix: Prefix | None = Field(None, description="only keys that begin so; default: all")
    endpoint: HttpAddress | None = Field(None, description="address of the store; default: AWS")
    region: Text = Field("us-east-1", description="region of the bucket")
    access_key: SecretRef | None = Field(None, description="access key id; default: what the machine has")
    secret_key: SecretRef | None = Field(None, description="secret access key, with `access_key`")
    checksums: bool = Field(
        False, description="true: send the newer checksums that AWS has and many other stores do not"
    )


class Locked(Noun):
    """Each object at the replica is put with a lock, which is probed by trying to break it."""

    mode: Literal["compliance", "governance"] = Field(
        "compliance", description="compliance: nobody can delete it before its time, not even the owner"
    )
    keep: PositiveSpan = Field(description="so long is each object locked from its copying on")


class ObjectsDataset(Noun):
    """A bucket of objects, copied to a bucket at another site."""

    kind: Literal["objects"]
    source: ObjectsPlace = Field(description="the bucket in use")
    replica: ObjectsPlace = Field(description="the bucket that follows it")
    every: PositiveSpan = Field(description="how often it is brought up to date")
    deletions: Literal["keep", "follow"] = Field(
        "keep", description="what is deleted at the source: keep it at the replica, or delete it there too"
    )
    brake: Share = Field(0.1, description="when more of the replica than this would be deleted: refuse")
    copy_by: Literal["auto", "boto3", "rclone"] = Field(
        "auto", description="who carries the content; auto: rclone, where it is installed and loses nothing"
    )
    tags: bool = Field(True, description="the objects' tags are copied too")
    versions: bool = Field(False, description="refuse a replica that does not keep what is overwritten")
    lock: Locked | None = Field(None, description="what each object at the replica is locked with")
    workers: Workers = Field(16, description="so many objects are copied side by side")
    checks: tuple[RestoreCheck, ...] = Field((), description="what a restore test asks of it besides")
    rpo: Span | None = Field(None, description="objective: changes younger than this may be lost")

    @property
    def site(self) -> str:
        """Where it is in normal times."""
        return self.source.site

    @property
    def backup(self) -> Backup | None:
        """None: it is copied as it is, and nothing of it goes into a repository."""
        return None

    @property
    def restore(self) -> RestorePlace | None:
        """None: the replica is in place already, and a failover has nothing to restore."""
        return None
