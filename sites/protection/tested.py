"""What a restore test came to, what speaks against it, and how that is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from sites.errors import DatasetError, RepositoryDamaged
from sites.protection.history import Event, Kind
from sites.restored import Answer, Verdict


@dataclass(frozen=True, slots=True)
class RestoreTestResult:
    """`snapshot_id` is the full id that the snapshot had at the source, `copy_id` the one it has here.

    The counts are of entries: files, folders and links; `restored_files` is of a backup without a manifest.
    `mismatches` names at most 20. `seconds` is the restore alone, with the replaying of a log where there is
    one, up to `lsn`; `bytes` is what was restored, `answers` what the user's own checks said. `older`: not of
    the newest point, so it proves nothing of that one. `damaged`: that very point did not come back whole.
    """

    dataset: str
    repository: str
    verdict: Verdict
    reason: str
    snapshot_id: str | None = None
    copy_id: str | None = None
    taken: datetime | None = None
    matched: int = 0
    restored_files: int = 0
    missing: int = 0
    extra: int = 0
    different: int = 0
    moving: int = 0
    unproven: int = 0
    mismatches: tuple[str, ...] = ()
    answers: tuple[Answer, ...] = ()
    seconds: float = 0.0
    bytes: int = 0
    lsn: str | None = None
    older: bool = False
    damaged: bool = False

    @property
    def bytes_per_second(self) -> float | None:
        return self.bytes / self.seconds if self.seconds and self.bytes else None


@dataclass(frozen=True, slots=True)
class Doubt:
    """What came out so far; reasons to call it missed, and reasons not to call it met."""

    missed: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def judged(self, result: RestoreTestResult, met: str | None = None) -> RestoreTestResult:
        """The result with its verdict; `met` says why it is met, where that is not for a manifest."""
        if self.missed:
            return replace(result, verdict="missed", reason="; ".join(self.missed))
        if self.unknown:
            return replace(result, verdict="inconclusive", reason="; ".join(self.unknown))
        asked = f", {len(result.answers)} of {len(result.answers)} checks met" if result.answers else ""
        if met is not None:
            return replace(result, verdict="met", reason=f"{met}{asked}")
        moved = f", {result.moving} more moved while they were backed up" if result.moving else ""
        said = f"all {result.matched} entries match the manifest{moved}{asked}"
        if result.restored_files:
            said = f"{result.restored_files} files came back{asked}; there is no manifest of them"
        return replace(result, verdict="met", reason=said)

    def take(self, other: Doubt) -> None:
        """Whatever speaks against a part of it."""
        self.missed.extend(other.missed)
        self.unknown.extend(other.unknown)

    def heard(self, answers: tuple[Answer, ...]) -> None:
        """What the user's own checks said."""
        self.missed.extend(f"{a.name}: {a.said}" for a in answers if a.verdict == "missed")
        self.unknown.extend(f"{a.name}: {a.said}" for a in answers if a.verdict == "inconclusive")

    @contextmanager
    def catching(self) -> Iterator[None]:
        """Damage and what cannot be restored is missed; any other failure leaves the question open."""
        try:
            yield
        except (RepositoryDamaged, DatasetError) as error:
            self.missed.append(str(error))
        except Exception as error:  # noqa: BLE001  a check that could not run proves nothing either way
            self.unknown.append(str(error) or type(error).__name__)


def event_of(result: RestoreTestResult) -> Event:
    """For the history."""
    detail = {
        "reason": result.reason,
        "snapshot_id": result.snapshot_id,
        "taken": result.taken.isoformat() if result.taken else None,
        "matched": result.matched,
        "moving": result.moving,
        "mismatches": list(result.mismatches),
        "answers": {answer.name: answer.verdict for answer in result.answers},
        "seconds": round(result.seconds, 3),
        "bytes": result.bytes,
        **({"lsn": result.lsn} if result.lsn else {}),
        **({"damaged": True} if result.damaged else {}),
    }
    kind: Kind = "older_test" if result.older else "restore_test"
    return Event(kind, result.repository, result.verdict, result.dataset, detail)
