"""Bytes of a repository are turned over: what `restic check` alone does not see."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from drills.faults.repository_files import RepositoryFiles
from sites.estate import Estate

FLIPPED_BYTES = 8


class CorruptRepository(RepositoryFiles):
    """Eight bytes in the middle of the largest packs."""

    act = "damage"

    def __init__(self, estate: Estate, repository: str, packs: int) -> None:
        super().__init__(estate, repository)
        self._packs = packs

    def struck(self) -> Sequence[Path]:
        packs = [path for path in (self.folder / "data").rglob("*") if path.is_file()]
        return sorted(packs, key=lambda path: (-path.stat().st_size, path.name))[: self._packs]

    def strike(self, path: Path) -> None:
        path.chmod(0o600)
        middle = path.stat().st_size // 2
        with path.open("r+b") as file:
            file.seek(middle)
            there = file.read(FLIPPED_BYTES)
            file.seek(middle)
            file.write(bytes(byte ^ 0xFF for byte in there))

    def expected(self) -> str:
        return f'{self._packs} packs of repository "{self.name}" are damaged: what needs them is lost'
