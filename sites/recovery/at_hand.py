"""What is to take over is asked all the time, and people hear of it when it cannot be.

A primary goes on without an asynchronous standby as if nothing were, so nobody else would notice before the
failover that needs it. The questions go over connections that are kept: what asks and promotes uses them.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from sites.drivers.postgres.dataset import PostgresDataset
from sites.errors import BlackstartError
from sites.estate import Estate
from sites.recovery.direction import direction
from sites.recovery.looking_after import BACK, LOST, Changed
from sites.recovery.under_way import busy

AWAY_SECONDS_MAX = 30.0  # a standby may be started again without anybody being called


class AtHand:
    """Of every dataset with a standby. `clock` counts seconds and never goes back."""

    def __init__(self, estate: Estate, clock: Callable[[], float] = time.monotonic) -> None:
        self._estate, self._clock = estate, clock
        self._drivers = estate.replicated()
        self._away: dict[str, float] = {}
        self._told: set[str] = set()

    def look(self) -> list[Changed]:
        """Ask once at each. That one does not answer is told once it has lasted, and its return as well."""
        site = direction(self._estate).new
        found = []
        for name, driver in self._drivers.items():
            if site in self._estate.sites_of(name):
                changed = self._back(name, site) if driver.keep_line(site) else self._gone(name, driver, site)
                found += [changed] if changed is not None else []
        return found

    def _back(self, name: str, site: str) -> Changed | None:
        self._away.pop(name, None)
        if name not in self._told:
            return None
        self._told.discard(name)
        return Changed(name, BACK, f'dataset "{name}" answers at site "{site}" again')

    def _gone(self, name: str, driver: PostgresDataset, site: str) -> Changed | None:
        if busy(self._estate.state):  # whoever changes the sites may have stopped it
            self._away.pop(name, None)
            return None
        since = self._away.setdefault(name, self._clock())
        long = self._clock() - since
        if long < AWAY_SECONDS_MAX or name in self._told:
            return None
        try:
            driver.version(site)
        except BlackstartError as error:
            self._told.add(name)
            said = f'dataset "{name}" does not answer at site "{site}" for {long:.0f} s'
            return Changed(name, LOST, f"{said}, so nothing could be failed over to it: {error}")
        return None
