"""What a test of protection starts from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sites.drivers.files import FilesDataset
from sites.drivers.restic.repository import Restic
from sites.protection.backup import BackupResult
from sites.protection.history import History


@dataclass(frozen=True)
class Protected:
    """A dataset with a point at both sites."""

    dataset: FilesDataset
    onsite: Restic
    offsite: Restic
    made: BackupResult
    history: History
    staging: Path
    scratch: Path
