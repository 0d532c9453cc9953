"""Every file of a dataset turns to noise, in place, as ransomware does; the next backup takes that along."""

from __future__ import annotations

import os
from pathlib import Path

from drills.fault import Healing, Left
from drills.faults.kept import keep, make_room, put_back, stays
from rto_rpo.durable import make_folder
from sites.capability import Proof, Target
from sites.errors import GuardError
from sites.estate import Estate
from sites.plan.faults import ReplicatedDamage as Noun

KEPT_BYTES_MAX = 256 << 20
_FOLDER = "folder"


class EncryptedFiles:
    """A copy is kept in the fault's own room, so the folder must be a small one."""

    reversible = True
    revives = False

    def __init__(self, estate: Estate, noun: Noun) -> None:
        declared = estate.plan.datasets[noun.dataset]
        if declared.kind != "files":
            raise GuardError(f'dataset "{noun.dataset}" has no files to encrypt')
        self._noun, self._site, self._path = noun, declared.site, declared.path

    def ready(self) -> list[Target]:
        files = self._files(self._path)
        size = sum((self._path / name).stat().st_size for name in files)
        if not size:
            raise GuardError(f'cannot encrypt dataset "{self._noun.dataset}": {self._path} holds nothing')
        if size > KEPT_BYTES_MAX:
            raise GuardError(
                f'cannot encrypt dataset "{self._noun.dataset}": {size >> 20} MiB cannot be kept aside',
                hint=f"at most {KEPT_BYTES_MAX >> 20} MiB are",
            )
        return [Target(self._site, "folder", str(self._path), {"files": len(files), "bytes": size})]

    def arm(self, room: Path) -> dict[str, object]:
        make_room(room)
        for name in self._files(self._path):
            keep(self._path / name, room / name)
        return {_FOLDER: str(self._path)}

    def inject(self, left: Left) -> Proof:
        for name in self._files(left.room):
            path = self._path / name
            path.write_bytes(_noise(path.read_bytes()))
        return self.effective(left)

    def effective(self, left: Left) -> Proof:
        names = [name for name in self._files(left.room) if (left.room / name).stat().st_size]
        same = [name for name in names if self._same(left, name)]
        return Proof(bool(names) and not same, f"{len(same)} of {len(names)} files are as they were")

    def heal(self, left: Left) -> Healing:
        if not self._path.is_dir():
            return Healing("target_gone", f"{self._path} is not there any more; {stays(left.room)}")
        names = self._files(left.room)
        if not names:
            return Healing("stuck", f"nothing was kept in {left.room}")
        for name in names:
            if not self._same(left, name):
                _give_back(left.room / name, self._path / name)
        return Healing("reverted", f"{len(names)} files of {self._path} are as they were")

    def healed(self, left: Left) -> Proof:
        other = [name for name in self._files(left.room) if not self._same(left, name)]
        return Proof(not other, f"{len(other)} files differ from what was kept")

    def expected(self) -> str:
        return f'every file of dataset "{self._noun.dataset}" is noise, and so is the next backup of it'

    def undo(self) -> str:
        return f"put the files in {self._path} back as they were"

    def _same(self, left: Left, name: str) -> bool:
        path = self._path / name
        return path.is_file() and path.read_bytes() == (left.room / name).read_bytes()

    @staticmethod
    def _files(folder: Path) -> list[str]:
        """Plain files below a folder; links and the like are left alone."""
        found = folder.rglob("*") if folder.is_dir() else ()
        return sorted(str(p.relative_to(folder)) for p in found if p.is_file() and not p.is_symlink())


def _give_back(kept: Path, to: Path) -> None:
    """In place where the file is there: its links and rights stay. On disk on return."""
    if not to.is_file():
        make_folder(to.parent)
        put_back(kept, to)
        return
    with to.open("r+b") as file:
        file.write(kept.read_bytes())
        file.truncate()
        file.flush()
        os.fsync(file.fileno())


def _noise(content: bytes) -> bytes:
    """As long as `content` and never the same: to a file of one byte chance now and then gives its own."""
    noise = os.urandom(len(content))
    return noise if noise != content else bytes(byte ^ 0xFF for byte in content)
