"""One volume, worked on where it is: filled to the last block, or emptied into a folder of its own.

What is done is one script, `volume.sh`; how it gets there is the site's.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sites.errors import SiteError
from sites.strikable import HoldingVolumes

_SCRIPT = (Path(__file__).parent / "volume.sh").read_text(encoding="utf-8")
_LIMIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Room:
    """What a volume has. `memory_bytes` is what the machine has left of its memory."""

    mount: PurePosixPath
    type: str
    size_bytes: int
    free_bytes: int
    memory_bytes: int


class Volume:
    """The folder `path` of a process, and the volume that it lies on. All acts raise BlackstartError."""

    def __init__(self, site: HoldingVolumes, process: str, path: PurePosixPath) -> None:
        self._site = site
        self._process = process
        self._path = path

    def own(self, more: Iterable[PurePosixPath] = ()) -> tuple[PurePosixPath, ...]:
        """The site's own folders that it lies in; `more` are others that are the site's."""
        folders = (*self._site.own_folders(self._process), *more)
        return tuple(each for each in folders if self._path.is_relative_to(each))

    def room(self) -> Room | str:
        """What it has; or in words why it must not be touched. Changes nothing."""
        word, _, rest = self._run("able", *map(str, self._site.foreign_folders())).partition(" ")
        if word != "volume":
            return rest
        mount, kind, *numbers = rest.rsplit(" ", 4)
        return Room(PurePosixPath(mount), kind, *map(int, numbers))

    def fill(self, name: str) -> bool:
        """Put a file there that takes all the room; whether a write is refused for that reason now."""
        return self._said("fill", name) == "full"

    def is_full(self) -> bool:
        return self._said("full") == "full"

    def drain(self, name: str) -> bool:
        """Remove that file; whether there is room. No effect if it is not there."""
        return self._said("drain", name) == "room"

    def lose(self, name: str) -> bool:
        """Move everything into a folder `name` of it; whether nothing else is there."""
        return self._said("lose", name) == "lost"

    def is_lost(self, name: str) -> bool | None:
        """Whether all of it is in that folder; None if the volume is not there any more."""
        said = self._said("lost", name)
        return None if said == "gone" else said == "lost"

    def give_back(self, name: str) -> bool:
        """Move it back. Raises SiteError where something else has come meanwhile. No effect if it is back."""
        return self._said("give_back", name) == "there"

    def _said(self, act: str, *words: str) -> str:
        said = self._run(act, *words)
        if said.startswith("failed"):
            raise SiteError(f"cannot {act.replace('_', ' ')} {self._path}: {said.removeprefix('failed ')}")
        return said

    def _run(self, act: str, *words: str) -> str:
        line = shlex.join([act, str(self._path), *words])
        said = self._site.at_volume(self._process, f"{_SCRIPT}\n{line}\n", limit_seconds=_LIMIT_SECONDS)
        if not said:
            raise SiteError(f"cannot {act} {self._path}: its script said nothing")
        return said[-1].strip()
