"""No key of a repository opens with the password any more: the backups are there, and of no use."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from drills.fault import Left
from drills.faults.repository_files import RepositoryFiles, proven
from sites.capability import Proof


class WrongKey(RepositoryFiles):
    """Every key file is taken away. The password itself is never touched."""

    act = "take the keys of"

    def struck(self) -> Sequence[Path]:
        return sorted((self.folder / "keys").iterdir())

    def effective(self, left: Left) -> Proof:
        del left
        opened = proven(self.repository.uncached().config, "the repository opens with the password")
        return Proof(not opened.holds, opened.how)

    def expected(self) -> str:
        return f'repository "{self.name}" opens with no password: nothing goes in or comes out'
