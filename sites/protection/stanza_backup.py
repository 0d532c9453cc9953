"""Base backups by pgBackRest, and marks in the log that show how far it has come."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sites.capability import Mark
from sites.drivers.pgbackrest.results import BackupSet, Info
from sites.drivers.pgbackrest.stanza import Stanza
from sites.errors import NoRepository, RepositoryError
from sites.protection.first_use import require_new
from sites.protection.history import Event, History, failure_kept
from sites.protection.policy import Policy, odd

ARRIVAL_SECONDS = 60.0
_LOOK_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class StanzaBackup:
    """One base backup made. `taken` is when its making began (UTC). `partial`: the server's own pages had
    wrong checksums when they were read, so it does not count as whole. `odd` says how it differs from the
    last ones of its kind in this repository, where by far."""

    dataset: str
    repository: str
    label: str
    kind: str
    taken: datetime
    ended: datetime
    bytes: int
    added_bytes: int
    partial: bool
    seconds: float
    odd: str | None = None


def back_up_stanza(
    dataset: str,
    stanza: Stanza,
    *,
    full_every: timedelta,
    history: History | None = None,
    policy: Policy | None = None,
) -> StanzaBackup:
    """Make a base backup: a full one where the last full one is older than `full_every`, else what changed.

    The stanza is made on its first use. `history` gets the outcome. Raises a BlackstartError when there is no
    new backup; those before stay as they were.
    """
    began = time.monotonic()
    policy = policy or Policy()
    with failure_kept(history, "backup", stanza.name, dataset), policy.around(dataset):
        info = _made_if_new(stanza, history)
        label = stanza.backup(_kind(info, full_every, datetime.now(UTC)))
        base = _named(stanza, label)
    result = StanzaBackup(
        dataset=dataset,
        repository=stanza.name,
        label=label,
        kind=base.kind,
        taken=base.began,
        ended=base.ended,
        bytes=base.bytes,
        added_bytes=base.added_bytes,
        partial=base.damaged,
        seconds=time.monotonic() - began,
    )
    if history and policy.alarm is not None:
        before = [event for event in history.events() if event.repository == stanza.name]
        result = replace(result, odd=odd(policy.alarm, _detail(result), dataset, before))
    if history:
        outcome = "partial" if result.partial else "done"
        history.append(Event("backup", stanza.name, outcome, dataset, _detail(result)))
    return result


def _made_if_new(stanza: Stanza, history: History | None) -> Info:
    try:
        return stanza.info()
    except NoRepository:
        require_new(stanza.name, history)
        stanza.create()
        return stanza.info()


def _kind(info: Info, full_every: timedelta, now: datetime) -> Literal["full", "incr"]:
    full = [base.began for base in info.sets if base.full and not base.damaged]
    return "incr" if full and now - full[-1] < full_every else "full"


def _named(stanza: Stanza, label: str) -> BackupSet:
    for base in stanza.info().sets:
        if base.label == label:
            return base
    raise RepositoryError(f'repository "{stanza.name}": pgBackRest said it made {label}, which is not there')


def _detail(result: StanzaBackup) -> dict[str, Any]:
    return {
        "snapshot_id": result.label,
        "kind": result.kind,
        "taken": result.taken.isoformat(),
        "bytes": result.bytes,
        "added_bytes": result.added_bytes,
        "unreadable": ["pages with wrong checksums"] if result.partial else [],
        "seconds": round(result.seconds, 3),
        **({"odd": result.odd} if result.odd else {}),
    }


@dataclass(frozen=True, slots=True)
class MarkArrived:
    """All that was committed before `taken` is in the repository, up to `lsn`."""

    dataset: str
    repository: str
    taken: datetime
    lsn: str
    seconds: float


def send_mark(
    dataset: str,
    marked: Callable[[], Mark],
    stanza: Stanza,
    *,
    history: History | None = None,
    limit_seconds: float = ARRIVAL_SECONDS,
) -> MarkArrived:
    """Write a mark and wait until its segment is in the repository. Nothing is copied: the server archives.

    `history` gets the outcome. Raises a BlackstartError when it does not arrive.
    """
    began = time.monotonic()
    with failure_kept(history, "replication", stanza.name, dataset):
        mark = marked()
        _wait(stanza, mark, began + limit_seconds, limit_seconds)
    result = MarkArrived(dataset, stanza.name, mark.taken, mark.lsn, time.monotonic() - began)
    if history:
        detail = {
            "newest": {dataset: mark.taken.isoformat()},
            "lsn": mark.lsn,
            "seconds": round(result.seconds, 3),
        }
        history.append(Event("replication", stanza.name, "done", dataset, detail))
    return result


def _wait(stanza: Stanza, mark: Mark, deadline: float, limit_seconds: float) -> None:
    while True:
        info = stanza.info()
        # a name is a timeline and a place in it: the newest of the same timeline, or of a later one, will do
        if info.newest_wal.get(info.archive, "") >= mark.segment:
            return
        if time.monotonic() >= deadline:
            raise RepositoryError(
                f'the log of the server does not arrive in repository "{stanza.name}": segment '
                f"{mark.segment} is not there after {limit_seconds:g} s",
                hint="the server's log says why its archive_command fails; `pgbackrest check` tries it again",
            )
        time.sleep(_LOOK_SECONDS)
