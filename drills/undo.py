"""The intent to undo a fault: on disk, fsynced, before the fault is injected.

It holds everything that healing needs (the plan as it stood, its folder, its variables, the fault), so that
`blackstart recover` works when the one who injected the fault is gone and the plan has been edited since.
"""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from drills.fault import Left
from rto_rpo.durable import make_folder, sync_folder, write_durably
from sites.errors import BlackstartError


class Undo(BaseModel):
    """One intent. `fault` is as the plan declares it; `plan_text` and `variables` make its estate again.

    `data` is what the fault itself needs for its healing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    schema_: Literal["blackstart/undo/1"] = "blackstart/undo/1"
    run: str
    drill: str
    utc: str
    fault: dict[str, object]
    undo: str
    targets: list[str]
    data: dict[str, object] = {}
    plan_path: str
    plan_text: str
    variables: dict[str, str]


def left_of(undo: Undo, state: Path, *, last: bool = False) -> Left:
    """What an intent says that was left behind."""
    return Left(tuple(undo.targets), room_of(state, undo.run), undo.data, last)


def room_of(state: Path, run: str) -> Path:
    """Where a fault keeps what it will put back. It is the fault's own, and goes with the intent."""
    return state / "faults" / run


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


class UndoIntents:
    """The intents of one estate that have not been carried out yet."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._folder = state / "undo"

    def write(self, undo: Undo) -> Path:
        """Put an intent on disk, durably. Only after this has returned may the fault be injected."""
        make_folder(self._folder)
        path = self._path(undo.run)
        write_durably(path, undo.model_dump_json(indent=1).encode(), mode=0o600)
        return path

    def pending(self) -> list[Undo]:
        """Oldest first. Raises BlackstartError for a file that is no intent of ours."""
        found = []
        for path in sorted(self._folder.glob("*.json")) if self._folder.exists() else []:
            try:
                found.append(Undo.model_validate(json.loads(path.read_text(encoding="utf-8"))))
            except (ValueError, ValidationError) as error:
                raise BlackstartError(
                    f"cannot read undo intent {path}: {error}",
                    hint="look at both sites, then move the file aside",
                ) from None
        return sorted(found, key=lambda undo: undo.utc)

    def remove(self, undo: Undo) -> None:
        """Forget an intent that has been carried out."""
        self._path(undo.run).unlink(missing_ok=True)
        sync_folder(self._folder)
        shutil.rmtree(room_of(self._state, undo.run), ignore_errors=True)

    def _path(self, run: str) -> Path:
        return self._folder / f"{run}.json"
