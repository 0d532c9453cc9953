"""PostgreSQL's own fence: with `standby.signal` in its folder a server takes no writes, whoever starts it.

A failover puts it into the folder of the old primary, so that the fence holds by itself, also against who
knows nothing of blackstart. It says who wrote it; a server that was made a standby has one that does not say
that. A promotion takes it away, and so does who takes the failover back.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sites.capability import SiteDriver
from sites.errors import SiteError
from sites.plan import Plan
from sites.strikable import HoldingVolumes

NAME = "standby.signal"
MARK = "blackstart fenced this server"
_SCRIPT = Path(__file__).with_suffix(".sh").read_text(encoding="ascii")
_LIMIT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class StandbySignal:
    """Of one server, a process of a site whose folders can be reached. All acts may raise BlackstartError."""

    at: str
    site: HoldingVolumes
    process: str
    data: PurePosixPath

    def write(self) -> bool:
        """Whoever starts it gets a standby from now on. False where it is one already."""
        return self._said("write_signal") == "written"

    def remove(self) -> None:
        """Take away what `write` put there, and nothing else."""
        self._said("remove_signal")

    def _said(self, act: str) -> str:
        words = shlex.join([act, str(self.data), MARK])
        said = self.site.at_volume(self.process, f"{_SCRIPT}\n{words}\n", limit_seconds=_LIMIT_SECONDS)
        last = said[-1].strip() if said else "its script said nothing"
        if last not in ("written", "standby", "removed"):
            raise SiteError(
                f'cannot keep the server in {self.data} at site "{self.at}" from writes: {last}',
                hint=f"put the file {NAME} there before anybody starts it",
            )
        return last


def signals_of(plan: Plan, site: SiteDriver) -> Iterator[StandbySignal]:
    """Those of the servers at a site that a failover takes over from, as far as they are within reach."""
    if not isinstance(site, HoldingVolumes):
        return
    for noun in plan.datasets.values():
        if noun.kind != "postgres" or noun.standby is None:
            continue
        for server in (noun.primary, noun.standby):
            if server.site == site.name and server.process is not None and server.data is not None:
                yield StandbySignal(site.name, site, server.process, PurePosixPath(server.data))
