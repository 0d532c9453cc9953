"""Prove that a server can be restored at DR from pgBackRest's repository there, and from nothing else.

The newest base backup is put into a folder of its own, a server apart from everything replays the log that
the repository holds, and must come as far as the newest commit in it. It is asked, and its pages are checked.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp

from sites.drivers.pgbackrest.stanza import Stanza, Target
from sites.drivers.postgres.commits import programs_of
from sites.drivers.postgres.folder import DataFolder
from sites.drivers.postgres.revived import Revived, damaged_pages, revived
from sites.protection.history import History
from sites.protection.stanza_point import Found, WalPoint, as_of, newest
from sites.protection.tested import Doubt, RestoreTestResult, event_of
from sites.restored import Answer, Ask, Question, answers

_REPLAY_SECONDS = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class Restorable:
    """A PostgreSQL dataset as it is asked once restored: which database, as whom."""

    name: str
    database: str
    user: str


def restore_stanza_test(
    dataset: Restorable,
    stanza: Stanza,
    scratch: Path,
    *,
    history: History | None = None,
    questions: Sequence[Question] = (),
    until: datetime | None = None,
) -> RestoreTestResult:
    """Restore the newest point of `dataset` from `stanza` into a folder of its own below `scratch`.

    With `until` (UTC) not the newest, but what had been committed by then. The folder is removed afterwards.
    `history` gets the result. Raises nothing for what went wrong with the restore: that is the verdict.
    """
    doubt = Doubt()
    result = RestoreTestResult(dataset.name, stanza.name, "inconclusive", "not begun")
    told = ""
    with doubt.catching():
        found = newest(stanza, datetime.now(UTC))
        if until is not None:
            found = as_of(stanza, found, until)
        doubt.missed.extend(found.remarks)
        if until is None:
            _refuse_older(dataset.name, stanza.name, found, history, doubt)
        if found.point is not None:
            result = replace(
                result,
                snapshot_id=found.point.base.label,
                taken=found.point.taken,
                lsn=found.point.lsn,
                bytes=found.point.base.bytes,
            )
            apart = Doubt()
            with apart.catching(), _folder(scratch, dataset.name, stanza, found.point) as folder:
                result, told = _test(dataset, stanza, found.point, folder, result, apart, questions, until)
            result = replace(result, damaged=bool(apart.missed))
            doubt.take(apart)
            doubt.heard(result.answers)
    result = doubt.judged(result, told)
    if history:
        history.append(event_of(result))
    return result


def _refuse_older(dataset: str, repository: str, found: Found, history: History | None, doubt: Doubt) -> None:
    """A mark that has arrived and cannot be restored is a loss, though an older point may still come back."""
    event = history.last("replication", repository=repository, outcomes=("done",)) if history else None
    arrived = event.detail.get("newest", {}).get(dataset) if event else None
    if arrived and (found.point is None or found.point.taken < datetime.fromisoformat(arrived)):
        doubt.missed.append(f'the log up to {arrived} had arrived in "{repository}" and does not go that far')


def _test(
    dataset: Restorable,
    stanza: Stanza,
    point: WalPoint,
    folder: DataFolder,
    result: RestoreTestResult,
    doubt: Doubt,
    questions: Sequence[Question],
    until: datetime | None,
) -> tuple[RestoreTestResult, str]:
    began = time.monotonic()
    # a moment that nothing was committed after is the end of the log, where no target would be met
    earlier = until is not None and point.commit is not None and until < point.commit.committed
    target = Target("time", until.isoformat(sep=" ")) if until is not None and earlier else None
    stanza.restore(point.base.label, folder.path, tablespaces=folder.beside("tablespaces"), target=target)
    with revived(
        folder,
        database=dataset.database,
        user=dataset.user,
        restore_command=stanza.restore_command(folder.path),
        env=stanza.env,
        secret_env=stanza.secret_environment(),
        limit_seconds=_REPLAY_SECONDS,
    ) as server:
        result = replace(result, seconds=time.monotonic() - began)
        if until is None:
            _hold_against(point, server, doubt)
        else:
            taken = max(server.committed or point.base.began, point.base.began)
            result = replace(result, taken=taken, lsn=server.lsn)
            if taken > until:
                doubt.missed.append(f"it holds a commit of {taken.isoformat()}, later than was asked for")
        asked: tuple[Answer, ...] = tuple(
            answers(questions, _Open(server.ask), folder.path, folder.path.parent)
        )
    pages = damaged_pages(folder)
    if pages is None and not asked:
        doubt.unknown.append("it came back, but its pages have no checksums and the dataset has no `checks`")
    how_far = f"replayed up to {result.lsn}, committed {result.taken:%Y-%m-%dT%H:%M:%SZ}"
    return replace(result, answers=asked), f"{how_far}; {pages or 'its pages have no checksums'}"


def _hold_against(point: WalPoint, server: Revived, doubt: Doubt) -> None:
    """The newest commit that is in the repository must be the newest that was replayed, or before it.

    And its last segment must have been reached: the log may go on for long without a commit.
    """
    high, _, low = server.lsn.partition("/")
    if (int(high, 16) << 32) + int(low, 16) < point.last.begins:
        doubt.missed.append(f"the log was replayed up to {server.lsn}, and goes up to {point.last.end}")
    if point.commit is None:
        return
    wanted = point.commit.committed
    if server.committed is None or server.committed < wanted - timedelta(microseconds=1):
        came = f"{server.committed.isoformat()}" if server.committed else "no commit at all"
        doubt.missed.append(
            f"the log was replayed up to {came}, and the repository holds a commit of {wanted.isoformat()}"
        )


@dataclass(frozen=True, slots=True)
class _Open:
    """Implements Openable: the server runs already."""

    ask: Ask

    @contextmanager
    def opened(self, dump: Path, scratch: Path) -> Iterator[Ask]:  # noqa: ARG002  the protocol's
        yield self.ask


@contextmanager
def _folder(scratch: Path, name: str, stanza: Stanza, point: WalPoint) -> Iterator[DataFolder]:
    """An empty data folder of pgBackRest's user, apart from the source, removed whatever happens."""
    scratch.mkdir(parents=True, exist_ok=True)
    free_bytes = shutil.disk_usage(scratch).free
    if point.base.bytes > free_bytes:
        raise OSError(f"{scratch} has {free_bytes} bytes free; the restore needs {point.base.bytes}")
    room = Path(mkdtemp(prefix=f"restore-test-{name}-", dir=scratch))
    try:
        room.chmod(0o711)  # its data folder lets in nobody but its user
        folder = DataFolder(room / "data", programs_of(point.base.archive.partition("-")[0]), stanza.user)
        folder.make()
        folder.at(folder.beside("tablespaces")).make()
        yield folder
    finally:
        shutil.rmtree(room, ignore_errors=True)
