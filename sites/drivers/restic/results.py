"""What restic said, typed. A value that cannot be read is an error: a measuring tool does not guess."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sites.errors import RepositoryDamaged, RepositoryError

FULL_ID = re.compile(r"[0-9a-f]{64}")
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`id` and `original` have 64 characters. `time` is when the backup began, as its host's clock had it.

    `original` is the id that a copied snapshot had at first.
    """

    id: str
    time: datetime
    host: str
    paths: tuple[str, ...]
    tags: tuple[str, ...]
    original: str | None = None

    @property
    def first_id(self) -> str:
        """The id under which the snapshot was made: the same in every repository that it was copied to."""
        return self.original or self.id

    def tagged(self, key: str) -> str | None:
        """The value of the tag `key:value`, if there is one."""
        prefix = key + ":"
        return next((tag[len(prefix) :] for tag in self.tags if tag.startswith(prefix)), None)


@dataclass(frozen=True, slots=True)
class Listing:
    """`unreadable`: short ids of snapshots that are there but damaged; restic lists the others, exit 0."""

    snapshots: tuple[Snapshot, ...]
    unreadable: tuple[str, ...] = ()

    def by_prefix(self, prefix: str) -> Snapshot:
        """Raises RepositoryError unless exactly one snapshot's id begins with `prefix`."""
        found = [snapshot for snapshot in self.snapshots if snapshot.id.startswith(prefix)]
        if len(found) != 1:
            raise RepositoryError(f"{len(found)} snapshots have an id that begins with {prefix!r}, not one")
        return found[0]


@dataclass(frozen=True, slots=True)
class BackedUp:
    """One snapshot made. `partial`: something could not be read; `unreadable` names it as restic does."""

    snapshot_id: str
    files: int
    bytes: int
    added_bytes: int
    partial: bool
    unreadable: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Copied:
    """`snapshot_ids` are those of the source; all of them are in the target now."""

    snapshot_ids: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class RestoredTree:
    """`entries` (files, folders, links) and `bytes` are restic's own count; None where it gives none."""

    snapshot_id: str
    seconds: float
    entries: int | None = None
    bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """Nothing wrong was found. `part` (n of m) of the data was read, all of it, or none but the structure."""

    part: tuple[int, int] | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a backup or a restore is. The totals grow while restic is still looking."""

    fraction: float
    files: int
    files_total: int
    bytes: int
    bytes_total: int


@dataclass(frozen=True, slots=True)
class Stats:
    bytes: int
    files: int
    snapshots: int


@dataclass(frozen=True, slots=True)
class Lock:
    """Somebody works on the repository, or died doing so. `host` and `pid` are as seen there."""

    id: str
    time: datetime
    exclusive: bool
    host: str
    pid: int


def read_time(text: object) -> datetime:
    """Raises RepositoryError for anything but an RFC 3339 time with its zone. Nanoseconds are cut."""
    found = _TIME.fullmatch(text) if isinstance(text, str) else None
    if not found:
        raise RepositoryError(f"restic gave a time that cannot be read: {text!r}")
    fraction = (found[2] or "0")[:6].ljust(6, "0")
    try:
        return datetime.fromisoformat(f"{found[1]}.{fraction}{found[3].replace('Z', '+00:00')}")
    except ValueError as error:
        raise RepositoryError(f"restic gave a time that does not exist: {text!r}") from error


def json_lines(text: str) -> Iterator[dict[str, Any]]:
    """The JSON objects among the lines; plain text in between is passed over, as restic mixes both."""
    for line in text.splitlines():
        message = json_line(line)
        if message is not None:
            yield message


def json_line(line: str) -> dict[str, Any] | None:
    if not line.lstrip().startswith("{"):
        return None
    try:
        message = json.loads(line)
    except ValueError:
        return None
    return message if isinstance(message, dict) else None


def read_snapshots(stdout: str, stderr: str) -> Listing:
    """From `snapshots --json`, which prints one array."""
    unreadable = re.findall(r"could not load snapshot ([0-9a-f]+)", stderr)
    unreadable += re.findall(r"Ignoring \\?\"([0-9a-f]+)\\?\"", stderr)
    # since 0.17 restic gives these whole; eight characters are enough to name what cannot be used anyway
    short = tuple(snapshot_id[:8] for snapshot_id in unreadable)
    return Listing(tuple(_snapshot(item) for item in _array(stdout)), short)


def read_backed_up(stdout: str, stderr: str, *, partial: bool, seconds: float) -> BackedUp:
    """From `backup --json`: its summary, and the errors beside it."""
    summary = next((m for m in json_lines(stdout) if m.get("message_type") == "summary"), None)
    if summary is None or not summary.get("snapshot_id"):
        raise RepositoryError("restic ended a backup without saying which snapshot it made")
    with _expecting("a summary of the backup"):
        return BackedUp(
            snapshot_id=str(summary["snapshot_id"]),
            files=int(summary["total_files_processed"]),
            bytes=int(summary["total_bytes_processed"]),
            added_bytes=int(summary["data_added"]),
            partial=partial,
            unreadable=tuple(_unreadable(stderr)),
            seconds=seconds,
        )


def read_progress(message: dict[str, Any]) -> Progress | None:
    """From a line of `backup --json` or `restore --json`; None when it tells of something else."""
    if message.get("message_type") != "status":
        return None
    return Progress(
        fraction=float(message.get("percent_done", 0)),
        files=int(message.get("files_done", message.get("files_restored", 0))),
        files_total=int(message.get("total_files", 0)),
        bytes=int(message.get("bytes_done", message.get("bytes_restored", 0))),
        bytes_total=int(message.get("total_bytes", 0)),
    )


def read_restored(snapshot_id: str, stdout: str, *, seconds: float) -> RestoredTree:
    """From `restore --json`, which before 0.16 is text without a count."""
    summary = next((m for m in json_lines(stdout) if m.get("message_type") == "summary"), None)
    if summary is None:
        return RestoredTree(snapshot_id, seconds)
    with _expecting("a summary of the restore"):
        files, size = int(summary["files_restored"]), int(summary.get("bytes_restored", 0))
        return RestoredTree(snapshot_id, seconds, files, size)


def read_checked(part: tuple[int, int] | None, stdout: str, *, seconds: float) -> Checked:
    """From `check`, which says by its exit code what it found; where it sums that up, the two must agree."""
    summary = next((m for m in json_lines(stdout) if m.get("message_type") == "summary"), {})
    if summary.get("num_errors"):
        raise RepositoryDamaged(f"the check found {summary['num_errors']} errors, though restic exits with 0")
    return Checked(part, seconds)


def read_stats(stdout: str) -> Stats:
    message = next(json_lines(stdout), {})
    with _expecting("statistics"):
        return Stats(
            int(message["total_size"]), int(message["total_file_count"]), int(message["snapshots_count"])
        )


def read_object(stdout: str) -> dict[str, Any]:
    """From `cat`, which prints one object on several lines."""
    with _expecting("an object"):
        return dict(json.loads(stdout))


def read_lock(lock_id: str, stdout: str) -> Lock:
    """From `cat lock`."""
    with _expecting("a lock"):
        lock = read_object(stdout)
        return Lock(
            lock_id, read_time(lock["time"]), bool(lock["exclusive"]), str(lock["hostname"]), int(lock["pid"])
        )


def read_forgotten(stdout: str) -> tuple[str, ...]:
    """Full ids that `forget --json` removed, or would remove. Text may follow its array."""
    with _expecting("what was forgotten"):
        return tuple(
            _full_id(snapshot["id"]) for group in _array(stdout) for snapshot in group.get("remove") or ()
        )


def _snapshot(item: dict[str, Any]) -> Snapshot:
    with _expecting("a snapshot"):
        original = item.get("original")
        return Snapshot(
            id=_full_id(item["id"]),
            time=read_time(item["time"]),
            host=str(item.get("hostname", "")),
            paths=tuple(item.get("paths") or ()),
            tags=tuple(item.get("tags") or ()),
            original=_full_id(original) if original else None,
        )


def _full_id(text: object) -> str:
    if not isinstance(text, str) or not FULL_ID.fullmatch(text):
        raise RepositoryError(f"restic gave an id that is not whole: {text!r}")
    return text


def _array(stdout: str) -> list[dict[str, Any]]:
    start = stdout.find("[")
    with _expecting("a list"):
        found, _ = json.JSONDecoder().raw_decode(stdout, max(start, 0))
        if found is not None and not isinstance(found, list):
            raise TypeError(found)
        return found or []


def _unreadable(stderr: str) -> Iterator[str]:
    for message in json_lines(stderr):
        if message.get("message_type") == "error" and message.get("item"):
            yield str(message["item"])


class _expecting:  # noqa: N801  reads as a word in a with statement
    """Turn whatever goes wrong in reading into one error that says what was expected."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, (KeyError, ValueError, TypeError, AttributeError)):
            raise RepositoryError(f"restic was to give {self._what}; what it gave cannot be read") from error
