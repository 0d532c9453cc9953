"""Keep a repository sound: read its packs again in turns, and free the room of what was forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sites.drivers.restic.repository import Restic
from sites.protection.history import Event, History, failure_kept


@dataclass(frozen=True, slots=True)
class Read:
    """One part of the packs was read and is sound. `whole` is since when every part was read at least once:
    the oldest of the last readings of each; None as long as there are parts that nobody has read."""

    repository: str
    part: int
    parts: int
    seconds: float
    whole: datetime | None


@dataclass(frozen=True, slots=True)
class Pruned:
    repository: str
    seconds: float


def read_next(repository: Restic, parts: int, history: History) -> Read:
    """Check the structure and read the next part of the packs; a part that failed is read again.

    Raises RepositoryDamaged, RepositoryError; `history` gets the outcome either way.
    """
    part = next_part(repository.name, parts, history.events())
    with failure_kept(history, "reading", repository.name, part=part, parts=parts):
        done = repository.uncached().check(subset=(part, parts))
    detail = {"part": part, "parts": parts, "seconds": round(done.seconds, 3)}
    history.append(Event("reading", repository.name, "done", None, detail))
    whole = read_whole(repository.name, parts, history.events())
    return Read(repository.name, part, parts, done.seconds, whole)


def next_part(repository: str, parts: int, events: Sequence[Event]) -> int:
    """The part after the last one that was read; a failed one comes again, other divisions begin anew."""
    last = next((e for e in reversed(events) if e.kind == "reading" and e.repository == repository), None)
    if last is None or last.detail.get("parts") != parts:
        return 1
    part = int(last.detail["part"])
    return part if last.outcome == "failed" else part % parts + 1


def read_whole(repository: str, parts: int, events: Sequence[Event]) -> datetime | None:
    """When the part that was read longest ago was read; None while one of them never was."""
    read = {
        int(event.detail["part"]): event.utc
        for event in events
        if event.kind == "reading"
        and event.repository == repository
        and event.outcome == "done"
        and event.detail.get("parts") == parts
    }
    return min(read.values()) if len(read) == parts else None


def unread(
    repository: str, parts: int, whole: timedelta, events: Sequence[Event], now: datetime
) -> datetime | None:
    """Since when some part of the packs was not read, when that is longer than `whole`; else None."""
    used = [e.utc for e in events if e.repository == repository and e.outcome in ("done", "partial")]
    since = read_whole(repository, parts, events) or (used[0] if used else None)
    return since if since is not None and now - since > whole else None


def prune_if_due(
    repository: Restic, every: timedelta, history: History, now: datetime | None = None
) -> Pruned | None:
    """Free the room of what was forgotten, when there is any and the last time was long enough ago.

    Raises RepositoryError.
    """
    forgot = history.last("retention", repository=repository.name, outcomes=("done",))
    pruned = history.last("prune", repository=repository.name, outcomes=("done",))
    if forgot is None or (pruned is not None and pruned.utc >= forgot.utc):
        return None
    if pruned is not None and (now or datetime.now(UTC)) - pruned.utc < every:
        return None
    with failure_kept(history, "prune", repository.name):
        seconds = repository.prune()
    history.append(Event("prune", repository.name, "done", None, {"seconds": round(seconds, 3)}))
    return Pruned(repository.name, seconds)
