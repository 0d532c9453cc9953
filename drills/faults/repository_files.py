"""What the faults that strike files of a backup repository have in common.

A repository names each of its files after the SHA-256 of what is in it: so what was put back is known to be
what was there, with no more than the file itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from drills.fault import Healing, Left
from drills.faults.kept import keep, make_room, put_back, stays
from sites.capability import Proof, Target
from sites.errors import BlackstartError, GuardError
from sites.estate import Estate

FILES = "files"
_CHUNK_BYTES = 1 << 20


class RepositoryFiles:
    """Whole files are copied aside by `arm` and put back by `heal`."""

    reversible = True
    revives = False
    act = "strike"

    def __init__(self, estate: Estate, repository: str) -> None:
        self.estate = estate
        self.name = repository
        self.repository = estate.repository(repository)

    @property
    def folder(self) -> Path:
        """Raises GuardError where it is none of this machine."""
        if not self.repository.local:
            raise GuardError(
                f'cannot {self.act} repository "{self.name}": it is not in a folder of this machine'
            )
        return Path(self.repository.url.removeprefix("local:"))

    def struck(self) -> Sequence[Path]:
        """The files to strike, looked up in the repository as it is."""
        raise GuardError(f'nothing of repository "{self.name}" is to be struck')

    def strike(self, path: Path) -> None:
        """Damage one file."""
        path.unlink()

    def ready(self) -> list[Target]:
        site = self.estate.plan.repositories[self.name].site
        found = self.struck()
        if not found:
            raise GuardError(f'cannot {self.act} repository "{self.name}": it holds nothing of that kind')
        return [
            Target(site, "file of repository", f"{self.name}:{path.relative_to(self.folder)}")
            for path in found
        ]

    def arm(self, room: Path) -> dict[str, object]:
        make_room(room)
        struck = [str(path.relative_to(self.folder)) for path in self.struck()]
        for name in struck:
            keep(self.folder / name, _kept(room, name))
        return {FILES: struck}

    def inject(self, left: Left) -> Proof:
        for path in self._files(left):
            self.strike(path)
        return self.effective(left)

    def effective(self, left: Left) -> Proof:
        whole = [path.name[:8] for path in self._files(left) if is_whole(path)]
        count = len(self._files(left))
        if whole:
            return Proof(False, f"{len(whole)} of {count} files are there as they were")
        return Proof(count > 0, f"none of {count} files is there as it was")

    def heal(self, left: Left) -> Healing:
        if not self.folder.is_dir():
            return Healing(
                "target_gone", f'repository "{self.name}" is not there any more; {stays(left.room)}'
            )
        for path in self._files(left):
            kept = _kept(left.room, str(path.relative_to(self.folder)))
            if is_whole(path):
                continue
            if not kept.is_file():
                return Healing("stuck", f"what was kept of {path} is not there: {kept}")
            put_back(kept, path)
        return Healing("reverted", f'{len(self._files(left))} files of repository "{self.name}" are back')

    def healed(self, left: Left) -> Proof:
        """Back, each as its name says; and the repository hangs together."""
        broken = [path.name for path in self._files(left) if not is_whole(path)]
        if broken:
            return Proof(False, f"{len(broken)} files are not what they were: {', '.join(broken)}")
        return proven(lambda: self.repository.uncached().check(), f'repository "{self.name}" is whole')

    def undo(self) -> str:
        return f'put the files of repository "{self.name}" back as they were'

    def _files(self, left: Left) -> list[Path]:
        named = left.data.get(FILES)
        return [self.folder / str(name) for name in named] if isinstance(named, list) else []


def proven(act: Callable[[], object], how: str) -> Proof:
    """That something can be done, by doing it."""
    try:
        act()
    except BlackstartError as error:
        return Proof(False, str(error))
    return Proof(True, how)


def is_whole(path: Path) -> bool:
    """Whether a file is there and holds what its name says."""
    if not path.is_file():
        return False
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest() == path.name


def _kept(room: Path, name: str) -> Path:
    return room / name.replace("/", "-")
