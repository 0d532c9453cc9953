"""A dataset that is a bucket, with a bucket at another site that follows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from sites.drivers.s3.bucket import Bucket


@dataclass(frozen=True, slots=True)
class ObjectLock:
    """What each object at the replica is locked with, when it is put there."""

    mode: Literal["compliance", "governance"]
    keep: timedelta


@dataclass(frozen=True, slots=True)
class ObjectsDataset:
    """`deletions` follow only while no more than `brake` of the replica's objects would go (0 to 1).

    `by`: who carries the content; auto: rclone, where it is installed and nothing is lost by it. `tags`: they
    are carried too. `versions`: the replica has to keep what is overwritten. `workers` copy side by side.
    """

    name: str
    source: Bucket
    replica: Bucket
    site: str = ""
    replica_site: str = ""
    deletions: Literal["keep", "follow"] = "keep"
    brake: float = 0.1
    by: Literal["auto", "boto3", "rclone"] = "auto"
    tags: bool = True
    versions: bool = False
    lock: ObjectLock | None = None
    workers: int = 16
    limit_seconds: float = 6 * 3600.0

    @property
    def kept_in(self) -> str:
        """The replica as histories name it; no repository of a plan can have such a name."""
        return f"s3:{self.replica.name}"
