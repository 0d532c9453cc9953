"""A repository is locked exclusively by somebody who never comes back."""

from __future__ import annotations

from pathlib import Path

from drills.fault import Healing, Left
from drills.faults.kept import make_room, put_back
from rto_rpo.durable import sync_folder
from sites.capability import Proof, Target
from sites.drivers.restic.planted_lock import HOST, cannot_plant, make_lock
from sites.errors import GuardError
from sites.estate import Estate

_LOCK = "lock"


class LockRepository:
    """The lock is restic's own, made beforehand. Healing removes that one and no other."""

    reversible = True
    revives = False

    def __init__(self, estate: Estate, repository: str) -> None:
        self._site = estate.plan.repositories[repository].site
        self._name = repository
        self._repository = estate.repository(repository)

    def ready(self) -> list[Target]:
        why_not = cannot_plant(self._repository)
        if why_not is not None:
            raise GuardError(f'cannot lock repository "{self._name}": {why_not}')
        return [Target(self._site, "repository", self._name)]

    def arm(self, room: Path) -> dict[str, object]:
        make_room(room)
        made = make_lock(self._repository, room)
        sync_folder(room)
        return {_LOCK: made.name}

    def inject(self, left: Left) -> Proof:
        name = str(left.data[_LOCK])
        put_back(left.room / name, self._file(left))
        return self.effective(left)

    def effective(self, left: Left) -> Proof:
        there = self._file(left).exists()
        return Proof(there, f'the lock of host "{HOST}" is {"there" if there else "not there"}')

    def heal(self, left: Left) -> Healing:
        if not self._file(left).parent.is_dir():
            return Healing("target_gone", f'repository "{self._name}" is not there any more')
        self._file(left).unlink(missing_ok=True)
        return Healing("reverted", f'the lock of repository "{self._name}" is removed')

    def healed(self, left: Left) -> Proof:
        proof = self.effective(left)
        return Proof(not proof.holds, proof.how)

    def expected(self) -> str:
        return (
            f'repository "{self._name}" is locked exclusively by host "{HOST}": '
            "nothing is backed up to it; what reads without a lock still can"
        )

    def undo(self) -> str:
        return f'remove that one lock of repository "{self._name}"'

    def _file(self, left: Left) -> Path:
        folder = Path(self._repository.url.removeprefix("local:"))
        return folder / "locks" / str(left.data[_LOCK])
