"""Recovery points: which snapshots of a repository belong together, and what each is worth.

A backup makes two snapshots: the data, tagged `dataset:NAME plan:NAME point:ID taken:TIME`, and then the
manifest, tagged `manifest-of:ID sha256:HASH` and with the same names. Copies keep tags, so the pair is
found again in any repository. The manifest comes last: a point without one was never finished.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sites.drivers.restic.results import Snapshot, read_time
from sites.errors import RepositoryError

MANIFEST_NAME = "manifest.jsonl"
# Clocks of two sites may differ a little; more than this and a time is not to be believed.
CLOCK_SKEW = timedelta(seconds=60)
DUMP_NAME = "dump"  # of a dataset that is dumped, in the folder that is backed up
_PARTIAL = "partial"


@dataclass(frozen=True, slots=True)
class Point:
    """`taken`: when the reading of the source began, by its own clock. Nothing in the point is older news."""

    dataset: str
    snapshot: Snapshot
    taken: datetime
    manifest: Snapshot | None
    partial: bool
    foreign: bool = False

    @property
    def complete(self) -> bool:
        return (self.manifest is not None or self.foreign) and not self.partial

    @property
    def copied(self) -> bool:
        return self.snapshot.original is not None

    @property
    def lacks(self) -> str | None:
        """What keeps it from being a full recovery point, in words."""
        if self.manifest is None and not self.foreign:
            return "has no manifest: its backup did not finish"
        return "is partial: something could not be read at the source" if self.partial else None

    def root_in(self, folder: Path) -> Path:
        """Where the dataset lies once the snapshot was restored to `folder`."""
        if len(self.snapshot.paths) != 1:
            raise RepositoryError(
                f"snapshot {self.snapshot.id[:8]} has {len(self.snapshot.paths)} paths, not one"
            )
        return folder / Path(self.snapshot.paths[0]).relative_to("/")


@dataclass(frozen=True, slots=True)
class Foreign:
    """Which snapshots of a repository are somebody else's backups of a dataset: those with all of this."""

    tags: tuple[str, ...] = ()
    host: str | None = None
    path: str | None = None

    def fits(self, snapshot: Snapshot) -> bool:
        return (
            set(self.tags) <= set(snapshot.tags)
            and self.host in (None, snapshot.host)
            and (self.path is None or snapshot.paths == (self.path,))
        )


@dataclass(frozen=True, slots=True)
class Tags:
    """The tags of one backup run."""

    dataset: str
    plan: str
    taken: datetime
    point: str
    more: tuple[str, ...] = ()

    @classmethod
    def fresh(cls, dataset: str, plan: str, more: tuple[str, ...] = ()) -> Tags:
        return cls(dataset, plan, datetime.now(UTC), uuid.uuid4().hex, more)

    def of_data(self) -> list[str]:
        return [*self._names(), f"point:{self.point}", f"taken:{self.taken_text}"]

    def of_manifest(self, sha256: str, *, partial: bool) -> list[str]:
        marks = [_PARTIAL] if partial else []
        return [*self._names(), f"manifest-of:{self.point}", f"sha256:{sha256}", *marks]

    @property
    def taken_text(self) -> str:
        return self.taken.isoformat(timespec="microseconds").replace("+00:00", "Z")

    def _names(self) -> list[str]:
        return [f"dataset:{self.dataset}", f"plan:{self.plan}", *self.more]


def points(
    snapshots: Iterable[Snapshot], dataset: str, foreign: Foreign | None = None, *, plan: str | None = None
) -> list[Point]:
    """The points of one dataset, oldest first. Raises RepositoryError for a `taken` tag that is no time.

    Of `plan` alone: another one that shares the repository may have a dataset of the same name. None: the
    snapshots were listed by it. With `foreign` they are somebody else's: there is no manifest of them, and
    restic's own time has to do.
    """
    if foreign is not None:
        theirs = [snapshot for snapshot in snapshots if foreign.fits(snapshot)]
        found = [Point(dataset, each, each.time, None, partial=False, foreign=True) for each in theirs]
        return sorted(found, key=lambda point: point.taken)
    own = [
        snapshot
        for snapshot in snapshots
        if snapshot.tagged("dataset") == dataset and plan in (None, snapshot.tagged("plan"))
    ]
    manifests = {snapshot.tagged("manifest-of"): snapshot for snapshot in own}
    found = [
        _point(dataset, snapshot, manifests.get(snapshot.tagged("point") or "-"))
        for snapshot in own
        if snapshot.tagged("manifest-of") is None
    ]
    return sorted(found, key=lambda point: point.taken)


def of_the_past(found: Iterable[Point], now: datetime | None = None) -> list[Point]:
    """Those that count: a wrong clock made what lies in the future, and may have made it long ago."""
    latest = (now or datetime.now(UTC)) + CLOCK_SKEW
    return [point for point in found if point.taken <= latest]


def _point(dataset: str, snapshot: Snapshot, manifest: Snapshot | None) -> Point:
    # restic's own time is when *it* began: later than our first look, and than the dump before it.
    tag = snapshot.tagged("taken")
    taken = min(snapshot.time, read_time(tag)) if tag else snapshot.time
    return Point(dataset, snapshot, taken, manifest, manifest is not None and _PARTIAL in manifest.tags)
