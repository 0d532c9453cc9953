"""What backups, replications and restore tests came to, on disk: guards and the status read it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from rto_rpo.durable import sync_folder
from sites.errors import SiteError

Kind = Literal["backup", "replication", "restore_test", "older_test", "reading", "retention", "prune"]
SCHEMA = "blackstart/history/1"


@dataclass(frozen=True, slots=True)
class Event:
    """`outcome` is done, partial or failed; of a restore test met, missed or inconclusive; of a retention
    also begun, before anything goes, and let go, by hand.

    `dataset` is None for a replication, which takes all. `detail` holds plain values; on failure `error`.
    """

    kind: Kind
    repository: str
    outcome: str
    dataset: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)
    utc: datetime = field(default_factory=lambda: datetime.now(UTC))


class History:
    """JSON Lines at `path`, appended under a lock and fsynced. A line torn by a crash is passed over."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, event: Event) -> None:
        """Raises SiteError when it cannot be written."""
        record = {
            "schema": SCHEMA,
            "utc": event.utc.isoformat(timespec="microseconds"),
            "kind": event.kind,
            "repository": event.repository,
            "dataset": event.dataset,
            "outcome": event.outcome,
            "detail": event.detail,
        }
        line = json.dumps(record, separators=(",", ":")).encode() + b"\n"
        try:
            self._write(line)
        except OSError as error:
            raise SiteError(f"cannot write the history at {self.path}: {error.strerror}") from error

    def events(self) -> list[Event]:
        """Oldest first. Raises SiteError when it is there and cannot be read."""
        try:
            lines = self.path.read_bytes().splitlines()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise SiteError(f"cannot read the history at {self.path}: {error.strerror}") from error
        return list(_events(lines))

    def last(
        self,
        kind: Kind,
        *,
        dataset: str | None = None,
        repository: str | None = None,
        outcomes: Collection[str] | None = None,
    ) -> Event | None:
        """The newest event that fits everything given."""
        for event in reversed(self.events()):
            if (
                event.kind == kind
                and dataset in (None, event.dataset)
                and repository in (None, event.repository)
                and (outcomes is None or event.outcome in outcomes)
            ):
                return event
        return None

    def last_use(self, repository: str) -> datetime | None:
        """When something was last put into `repository`, as far as we know."""
        filled = ("done", "partial")
        uses = [e.utc for e in self.events() if e.repository == repository and e.outcome in filled]
        return uses[-1] if uses else None

    def _write(self, line: bytes) -> None:
        is_new = not self.path.exists()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
        with os.fdopen(fd, "ab+") as file:
            fcntl.flock(fd, fcntl.LOCK_EX)
            size = os.fstat(fd).st_size
            torn = size > 0 and os.pread(fd, 1, size - 1) != b"\n"
            file.write(b"\n" + line if torn else line)
            file.flush()
            os.fsync(fd)
        if is_new:
            sync_folder(self.path.parent)


@contextmanager
def failure_kept(
    history: History | None, kind: Kind, repository: str, dataset: str | None = None, **detail: object
) -> Iterator[None]:
    """What fails or is interrupted in here is in the history, with the reason; the error goes on up."""
    try:
        yield
    except BaseException as error:
        if history is not None:
            said = {**detail, "error": str(error) or "it was interrupted"}
            history.append(Event(kind, repository, "failed", dataset, said))
        raise


def _events(lines: list[bytes]) -> Iterator[Event]:
    for line in lines:
        try:
            record = json.loads(line)
            yield Event(
                kind=record["kind"],
                repository=record["repository"],
                outcome=record["outcome"],
                dataset=record["dataset"],
                detail=record["detail"],
                utc=datetime.fromisoformat(record["utc"]),
            )
        except (ValueError, KeyError, TypeError):
            continue  # torn by a crash in the middle of its writing
