"""The intent to undo a fault: on disk, fsynced, before the fault is injected.

It holds everything that healing needs (the plan as it stood, its folder, its variables, the fault), so that
`blackstart recover` works when the one who injected the fault is gone and the plan has been edited since.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from drills.fault import Healing, Left
from rto_rpo.durable import make_folder, sync_folder, write_durably
from sites.errors import BlackstartError
from sites.plan import Plan, read_plan


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


def plan_as_it_stood(undo: Undo) -> Plan:
    """The plan with which the drill ran. Raises BlackstartError where it can be read no more."""
    return read_plan(Path(undo.plan_path), undo.plan_text.encode(), undo.variables)


def plan_of(undo: Undo, state: Path) -> Plan:
    """The same, with the state that the intent lies in: fences count where the intent and the lock are.

    That may have been moved, or mounted elsewhere, since. Raises BlackstartError.
    """
    return plan_as_it_stood(undo).model_copy(update={"state": state.absolute()})


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
        path = self.file(undo.run)
        write_durably(path, undo.model_dump_json(indent=1).encode(), mode=0o600)
        return path

    def of(self, run: str) -> Undo | None:
        """The intent of one run, whatever else lies there. Raises BlackstartError where it is unreadable."""
        return _read(self.file(run))

    def pending(self) -> list[Undo]:
        """Oldest first. Raises BlackstartError for a file that is no intent of ours."""
        return sorted(filter(None, map(_read, self._files())), key=lambda undo: undo.utc)

    def readable(self) -> tuple[list[Undo], list[BlackstartError]]:
        """The same, and what is wrong with the others: none of those keeps another from its undo."""
        found, wrong = [], []
        for path in self._files():
            try:
                found.append(_read(path))
            except BlackstartError as error:
                wrong.append(error)
        return sorted(filter(None, found), key=lambda undo: undo.utc), wrong

    @property
    def anything(self) -> bool:
        """Whether an intent is there, readable or not, or what was kept aside for one."""
        return bool(self._files() or self._rooms())

    def tidy(self) -> list[str]:
        """Remove what was kept aside for no intent, as by one who died before he wrote his; whose it was.

        Only for who holds drills off: one that begins keeps things aside before its intent is written.
        """
        known = {path.stem for path in self._files()}
        stray = [room for room in self._rooms() if room.name not in known]
        for room in stray:
            shutil.rmtree(room, ignore_errors=True)
        return [room.name for room in stray if not room.exists()]

    def carried_out(self, undo: Undo, healing: Healing) -> Healing:
        """Forget the intent of a fault that is gone; say so where its file stays, as on a read-only disk."""
        if healing.undone == "stuck":
            return healing
        try:
            self.remove(undo)
        except OSError as error:
            stays = f"the intent stays on disk ({error.strerror})"
            way_out = "`blackstart recover` takes it away once that folder can be written"
            return replace(healing, how=f"{healing.how}; {stays}: {way_out}")
        return healing

    def remove(self, undo: Undo) -> None:
        """Forget an intent that has been carried out."""
        if self._folder.exists():
            self.file(undo.run).unlink(missing_ok=True)
            sync_folder(self._folder)
        shutil.rmtree(room_of(self._state, undo.run), ignore_errors=True)

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("*.json")) if self._folder.exists() else []

    def _rooms(self) -> list[Path]:
        rooms = room_of(self._state, "any").parent
        return sorted(rooms.iterdir()) if rooms.exists() else []

    def file(self, run: str) -> Path:
        return self._folder / f"{run}.json"


def _read(path: Path) -> Undo | None:
    """None where there is none, or none any more: whoever has carried it out takes it away."""
    try:
        return Undo.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, ValidationError, OSError) as error:
        raise BlackstartError(
            f"cannot read undo intent {path}: {error}",
            hint="look at both sites, then move the file aside",
        ) from None
