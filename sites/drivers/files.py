"""A dataset that is a folder of files."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sites.errors import DatasetError
from sites.exclusion import Exclusion


@dataclass(frozen=True, slots=True)
class FilesDataset:
    """`path` is the folder at `site`; a recovery puts it at `restore_path` of `restore_site`."""

    name: str
    site: str
    path: Path
    restore_site: str | None = None
    restore_path: Path | None = None
    exclude: Exclusion = field(default_factory=Exclusion)

    def root(self) -> Path:
        """The folder itself, no link on the way. Raises DatasetError when it is not there."""
        try:
            root = self.path.resolve(strict=True)
        except (OSError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise DatasetError(f'cannot read dataset "{self.name}" at {self.path}: {reason}') from error
        if not root.is_dir():
            raise DatasetError(f'cannot read dataset "{self.name}" at {self.path}: it is no folder')
        return root
