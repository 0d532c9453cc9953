"""What became of a run's fault, where its ledger can take it no more: the recorder is gone, the undo is not.

Whoever undid it (the drill, its dead-man, or `recover`) adds one line to a file in the run's folder, before
the run is closed and its report written. After that it is a line of the chain: see `adding`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rto_rpo.durable import write_durably
from rto_rpo.evidence import EvidenceError
from rto_rpo.evidence.keeping.tail import locked
from rto_rpo.evidence.lines.history import entries_of
from rto_rpo.evidence.lines.line import Closed
from rto_rpo.evidence.lines.record import Utc
from rto_rpo.evidence.names import REPORT_NAME, UNDO_NAME

UNDOING = "blackstart, undoing"  # who says it in the chain, where no person does
By = Literal["drill", "dead-man", "recover"]
Words = Annotated[str, Field(min_length=1)]


class Undone(BaseModel):
    """How one undo ended. `undone`: reverted, target_gone, "reverted, fenced", or stuck."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    utc: Utc
    by: By
    undone: Literal["reverted", "target_gone", "reverted, fenced", "stuck"]
    how: Words

    def told(self) -> str:
        """In words, for notes and pages."""
        return f"{self.undone}, by {_WHO[self.by]}: {self.how}"


_WHO: dict[By, str] = {"drill": "the drill itself", "dead-man": "its dead-man", "recover": "`recover`"}


def undone_now(by: By, undone: str, how: str) -> Undone:
    """Raises ValueError for an outcome that there is none of."""
    utc = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
    return Undone.model_validate({"utc": utc, "by": by, "undone": undone, "how": how})


def add_undone(folder: Path, entry: Undone) -> None:
    """Add it to the run's folder, durably, under the lock of the evidence.

    Raises EvidenceError once the run's report is written or the run is closed.
    """
    with locked(folder.parent):
        if done := _done(folder):
            raise EvidenceError(
                f'cannot add to the run in "{folder}": {done}', hint="add it to the chain instead"
            )
        path = folder / UNDO_NAME
        before = path.read_bytes() if path.exists() else b""
        write_durably(path, before + entry.model_dump_json().encode() + b"\n")


def _done(folder: Path) -> str | None:
    """Why the run's files are what they are for good."""
    if (folder / REPORT_NAME).exists():
        return "its report is written"
    lines = (one.line for one in entries_of(folder.parent))
    closed = any(isinstance(line, Closed) and line.folder == folder.name for line in lines)
    return "its run is closed" if closed else None


def left_stuck(found: Sequence[Undone]) -> str | None:
    """Why the fault is still there by the last that was said of it; None where it is not."""
    return found[-1].how if found and found[-1].undone == "stuck" else None


def undone_of(folder: Path) -> list[Undone]:
    """What was added, oldest first; nothing for most runs. Raises EvidenceError where it cannot be read."""
    path = folder / UNDO_NAME
    if not path.is_file():
        return []
    try:
        return [Undone.model_validate_json(line) for line in path.read_bytes().splitlines()]
    except ValidationError as error:
        first = error.errors(include_url=False)[0]["msg"]
        raise EvidenceError(f'cannot read "{path}": {first}') from None
