"""How far a pgBackRest repository can bring a server back: the end of the log that is there without a gap.

The time of a point is the commit time of its newest transaction, read from the log itself, or when its base
backup began, if nothing was committed since. When a run ended says nothing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from sites.drivers.account import give
from sites.drivers.pgbackrest.results import BackupSet, Info
from sites.drivers.pgbackrest.stanza import Stanza
from sites.drivers.pgbackrest.wal import Segment, unbroken
from sites.drivers.postgres.commits import Commit, last_commit, programs_of
from sites.errors import BlackstartError, RepositoryError
from sites.points import CLOCK_SKEW
from sites.protection.damaged import Tested, tested
from sites.protection.exposure import Best, Declared, Exposure, row
from sites.protection.history import History

_LOOKED_AT_MAX = 16  # segments without a commit, before the base backup's own time has to do
_TRANSACTIONS = 1 << 32  # the log numbers them by 32 bits


@dataclass(frozen=True, slots=True)
class WalPoint:
    """`base` is the backup that it begins with, `last` its last segment. `commit` is its newest transaction,
    None if the log since the base has none. `taken` (UTC): nothing in the point is older news."""

    base: BackupSet
    last: Segment
    taken: datetime
    commit: Commit | None

    @property
    def lsn(self) -> str:
        return self.commit.lsn if self.commit else self.last.end


@dataclass(frozen=True, slots=True)
class Found:
    """The newest point, if there is any. `remarks` is what keeps newer content from being restorable."""

    point: WalPoint | None
    remarks: tuple[str, ...] = ()


def newest(stanza: Stanza, now: datetime, shown: Tested | None = None) -> Found:
    """Look at the repository; changes nothing. No base counts that restore tests have `shown` to be damaged.

    Raises RepositoryError, MissingProgram.
    """
    info = stanza.info()
    remarks: list[str] = []
    with _folder(stanza) as folder:
        for base in reversed(info.sets):
            if (why := _unfit(base, now) or (shown.against(base.label) if shown else None)) is not None:
                remarks.append(f"backup {base.label} {why}")
                continue
            reader = _Reader(stanza, info, folder, stanza.segments(base.archive))
            point, said = _through(reader, base)
            remarks += said
            if point is not None and point.taken > now + CLOCK_SKEW:
                remarks.append(f"its newest commit, of {point.taken:%Y-%m-%dT%H:%M:%SZ}, lies in the future")
                point = None
            if point is not None:
                return Found(point, tuple(remarks))
    return Found(None, (*remarks, "no complete recovery point is there"))


def as_of(stanza: Stanza, found: Found, until: datetime) -> Found:
    """Where to begin for a recovery to `until`: the newest base backup that had ended by then."""
    if found.point is None:
        return found
    fit = [base for base in stanza.info().sets if base.ended <= until and _unfit(base, until) is None]
    if not fit:
        return Found(None, (f"no base backup had ended by {until:%Y-%m-%dT%H:%M:%SZ}",))
    if until > found.point.taken:
        said = f"the log goes up to {found.point.taken.isoformat()} and not up to {until.isoformat()}"
        return Found(None, (*found.remarks, said))
    return Found(replace(found.point, base=fit[-1]))


def exposure(
    declared: Declared,
    stanza: Stanza,
    *,
    history: History | None,
    now: datetime,
    next_transaction: Callable[[], int] | None = None,
) -> Exposure:
    """The row of a dataset that is backed up by pgBackRest. Raises nothing for what cannot be known.

    `next_transaction` asks the primary for the number that its next transaction will get: when the newest
    one in the repository is the one before, nothing was written since, and the point is as good as now.
    """
    best, notes = None, []
    try:
        events = history.events() if history else []
        found = newest(stanza, now, tested(events, stanza.name, declared.dataset))
        notes = list(found.remarks)
        if found.point is not None:
            taken = now if _idle_since(found.point, next_transaction) else found.point.taken
            best = Best(min(taken, now), found.point.base.label, "wal", found.point.lsn)
    except BlackstartError as error:
        notes.append(str(error))
    return row(declared, best, stanza.name, history, now, notes)


def _idle_since(point: WalPoint, next_transaction: Callable[[], int] | None) -> bool:
    if point.commit is None or next_transaction is None:
        return False
    try:
        return next_transaction() % _TRANSACTIONS == (point.commit.transaction + 1) % _TRANSACTIONS
    except BlackstartError:
        return False  # it is gone, or does not answer: then what is in the repository has to do


def _unfit(base: BackupSet, now: datetime) -> str | None:
    if base.damaged:
        return "holds pages whose checksums were wrong at the source"
    if base.began > now + CLOCK_SKEW:
        return "lies in the future: a clock is wrong, so it does not count"
    return None


@dataclass(frozen=True, slots=True)
class _Reader:
    """Fetches segments of one archive into a folder, one at a time."""

    stanza: Stanza
    info: Info
    folder: Path
    files: Mapping[str, str]

    def fetched(self, segment: str) -> Path:
        path = self.folder / segment
        if path.exists():
            return path
        if segment not in self.files:
            raise RepositoryError(f"segment {segment} of the log is missing")
        return self.stanza.fetch(self.files[segment], self.folder)

    def commit(self, segment: Segment) -> Commit | None:
        path = self.fetched(segment.name)
        try:
            return last_commit(programs_of(self.info.server_version), path)
        finally:
            path.unlink(missing_ok=True)


def _through(reader: _Reader, base: BackupSet) -> tuple[WalPoint | None, list[str]]:
    """From a base backup through the log behind it, as far as that goes."""
    try:
        segment_bytes = reader.fetched(base.last_wal).stat().st_size
    except RepositoryError as error:
        return None, [f"backup {base.label} cannot be restored: {error}"]
    chain = unbroken(Segment.read(base.first_wal, segment_bytes), reader.files)
    numbers = {segment.number for segment in chain}
    end = Segment.read(base.last_wal, segment_bytes)
    if end.number not in numbers:
        gap = replace(end, number=max(numbers, default=end.number - 1) + 1)
        return None, [f"backup {base.label} cannot be restored: segment {gap.name} of its log is missing"]
    remarks = _after_a_gap(chain[-1], reader.info.newest_wal.get(base.archive))
    return _walk_back(reader, base, [s for s in chain if s.number >= end.number], remarks)


def _after_a_gap(last: Segment, newest_wal: str | None) -> list[str]:
    if newest_wal is None or Segment.read(newest_wal, last.bytes).number <= last.number:
        return []
    gap = replace(last, number=last.number + 1)
    return [f"segment {gap.name} of the log is missing: nothing after it up to {newest_wal} can be restored"]


def _walk_back(
    reader: _Reader, base: BackupSet, chain: Sequence[Segment], remarks: list[str]
) -> tuple[WalPoint | None, list[str]]:
    """The newest commit in the last segments. One that cannot be read ends the log before it."""
    last = chain[-1]
    for segment in reversed(chain[-_LOOKED_AT_MAX:]):
        try:
            commit = reader.commit(segment)
        except RepositoryError as error:
            remarks.append(f"nothing from segment {segment.name} of the log on can be restored: {error}")
            last = segment.before
            continue
        if commit is not None:
            return WalPoint(base, last, max(commit.committed, base.began), commit), remarks
    if last.number < chain[0].number:
        return None, remarks
    return WalPoint(base, last, base.began, None), remarks


@contextmanager
def _folder(stanza: Stanza) -> Iterator[Path]:
    """A closed folder in which pgBackRest's user may put segments."""
    with tempfile.TemporaryDirectory(prefix="blackstart-wal-") as name:
        give(Path(name), stanza.user)
        yield Path(name)
