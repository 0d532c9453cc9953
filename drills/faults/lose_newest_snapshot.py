"""The newest snapshot of a dataset is gone: the chain of backups ends earlier than everybody believes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from drills.faults.repository_files import RepositoryFiles
from sites.estate import Estate
from sites.points import points


class LoseNewestSnapshot(RepositoryFiles):
    """Data and manifest of the newest point. What they refer to stays, until somebody prunes."""

    act = "take the newest snapshot from"

    def __init__(self, estate: Estate, repository: str, dataset: str) -> None:
        super().__init__(estate, repository)
        self._dataset, self._plan = dataset, estate.plan.name

    def struck(self) -> Sequence[Path]:
        found = points(self.repository.snapshots().snapshots, self._dataset, plan=self._plan)
        newest = [found[-1].snapshot, found[-1].manifest] if found else []
        return [self.folder / "snapshots" / snapshot.id for snapshot in newest if snapshot is not None]

    def expected(self) -> str:
        return (
            f'the newest snapshot of dataset "{self._dataset}" is gone from repository "{self.name}": '
            "what is restored is older"
        )
