"""Where the running processes of a site write to: what they hold open for writing at this moment.

Whoever opens a file only to close it again may be missed: an empty answer is no proof that there is nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from sites.errors import SiteError

LIMIT_SECONDS = 30.0
# What does not outlive its process, or is told elsewhere.
PASSING = tuple(map(Path, ("/tmp", "/var/tmp", "/run", "/var/run", "/var/log")))  # noqa: S108
_SCRIPT = Path(__file__).with_suffix(".sh").read_text(encoding="ascii")


class Writing(Protocol):
    """A site whose processes can be looked into where they run."""

    name: str

    def running(self) -> Mapping[str, int]: ...

    def at_volume(self, process: str, script: str, *, limit_seconds: float) -> list[str]: ...


def written_folders(site: Writing, passing: Sequence[Path] = PASSING) -> dict[str, tuple[Path, ...]]:
    """The folders of those files, by the process of the site. Raises SiteError where one cannot be seen."""
    found = {}
    for process, pid in site.running().items():
        said = site.at_volume(process, f"root={int(pid)}\n{_SCRIPT}", limit_seconds=LIMIT_SECONDS)
        if any(line.startswith("closed ") for line in said):
            raise SiteError(
                f'cannot see where process "{process}" of site "{site.name}" writes: it is another user\'s',
                hint="look as that user, or as root",
            )
        folders = {Path(line).parent for line in said if line.startswith("/")}
        found[process] = tuple(sorted(each for each in folders if not _passes(each, passing)))
    return found


def _passes(folder: Path, passing: Sequence[Path]) -> bool:
    return any(folder.is_relative_to(each) for each in passing)
