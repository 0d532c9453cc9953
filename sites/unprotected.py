"""Datasets whose commits wait for nobody although the plan says so: noted before that begins to be true.

One small file a dataset, which outlives every restart. Who has seen that commits wait again takes it away.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from rto_rpo.durable import make_folder, sync_folder, write_durably
from sites.errors import SiteError

Why = Literal["degraded", "failed over", "by hand"]
_WHY = {
    "degraded": "its standby was lost, and the plan says `on_standby_loss: degrade`",
    "failed over": "that site took over, and has no standby before a failback",
    "by hand": "somebody told its server so, though the plan says `synchronous`",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """`since` is UTC. `degraded_since`: commits did not wait for the standby already before the failover."""

    dataset: str
    site: str
    why: Why
    since: str
    degraded_since: str | None = None

    def __str__(self) -> str:
        waits = "do not wait for the other site" if self.why == "by hand" else "wait for nobody"
        said = (
            f'dataset "{self.dataset}": commits at site "{self.site}" {waits} '
            f"since {self.since[:19]}Z: {_WHY[self.why]}"
        )
        if self.degraded_since is None:
            return said
        return f"{said}; what was committed between {self.degraded_since[:19]}Z and then may be lost"


class Unprotected:
    """The unprotected datasets of one estate."""

    def __init__(self, state: Path) -> None:
        self._folder = state / "unprotected"

    def note(self, dataset: str, site: str, why: Why) -> Entry:
        """Write it down, durably. One of the same site and reason that stands keeps its time."""
        before = self.of(dataset)
        if before is not None and (before.site, before.why) == (site, why):
            return before
        lost_since = before.since if before is not None and before.why != why else None
        entry = Entry(dataset, site, why, datetime.now(UTC).isoformat(), lost_since)
        make_folder(self._folder)
        write_durably(self._file(dataset), json.dumps(asdict(entry)).encode())
        return entry

    def lift(self, dataset: str) -> None:
        """For who has seen that commits wait again. No effect where nothing stands."""
        if self._file(dataset).exists():
            self._file(dataset).unlink()
            sync_folder(self._folder)

    def of(self, dataset: str) -> Entry | None:
        """Raises SiteError for a file that makes no sense."""
        path = self._file(dataset)
        if not path.exists():
            return None
        try:
            return Entry(**json.loads(path.read_bytes()))
        except (ValueError, TypeError):
            raise SiteError(
                f'{path} does not say why dataset "{dataset}" is unprotected',
                hint="`blackstart check --roles` says whether it is; when all is well, remove that file",
            ) from None

    def all(self) -> list[Entry]:
        found = [self.of(path.stem) for path in sorted(self._folder.glob("*.json"))]
        return [entry for entry in found if entry is not None]

    def _file(self, dataset: str) -> Path:
        return self._folder / f"{dataset}.json"
