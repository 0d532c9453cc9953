"""What the other site may lack although the plan says `synchronous`: looked at all the time.

A synchronous standby has all that was acknowledged, so a failover to it loses nothing and a machine may
decide it. That ends as soon as commits do not wait for it any more: because the plan let them go (see
`degrading`), or because somebody told the server so by hand. The latter is seen here, once a second, and
written down; who did it undoes it. What nobody could see for a while may have happened.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from sites.capability import Proof
from sites.drivers.postgres.dataset import PostgresDataset
from sites.errors import BlackstartError
from sites.estate import Estate
from sites.recovery.direction import serving
from sites.recovery.looking_after import BACK, LOST, UNKNOWN, Changed
from sites.recovery.under_way import alone
from sites.unprotected import Unprotected

# A service may outlive its database for a while; so long a look that failed is the outage's own.
UNSEEN_SECONDS_MAX = 60.0
_BY_PLAN_OR_HAND = ("degraded", "by hand")


class Lacking:
    """Of every synchronous dataset with a standby. `clock` counts seconds and never goes back."""

    def __init__(self, estate: Estate, clock: Callable[[], float] = time.monotonic) -> None:
        self._estate, self._clock = estate, clock
        self._unprotected = Unprotected(estate.state)
        self._drivers = {n: d for n, d in estate.replicated().items() if d.synchronous}
        self._seen: dict[str, float] = {}
        self._told_unseen: set[str] = set()

    def look(self) -> list[Changed]:
        """Look once at each. What cannot be asked is unknown, and told once that has lasted."""
        found = []
        for name, driver in self._drivers.items():
            try:
                changed = self._look_at(name, driver)
            except BlackstartError as error:
                changed = self._not_seen(name, str(error))
            found += [changed] if changed is not None else []
        return found

    def told(self) -> str:
        """Why a person has to decide; nothing where the other site has all that was acknowledged."""
        entries = [entry for entry in self._unprotected.all() if entry.why in _BY_PLAN_OR_HAND]
        noted = "".join(f" It may lack writes: {entry}." for entry in entries)
        return noted + "".join(f" It may lack writes: {self._unseen_said(name)}." for name in self.unseen())

    def unseen(self) -> list[str]:
        """Of which dataset nobody can say whether commits wait for it: not even that they do not."""
        known = {entry.dataset for entry in self._unprotected.all() if entry.why in _BY_PLAN_OR_HAND}
        return [name for name in self._drivers if name not in known and self._too_long(name)]

    def _look_at(self, name: str, driver: PostgresDataset) -> Changed | None:
        roles, entry = serving(self._estate), self._unprotected.of(name)
        if roles is None or (entry is not None and entry.why != "by hand"):
            return None  # an act changes it, or has told already
        site, other = roles
        proof = driver.waits_for(site, other)
        self._seen[name] = self._clock()
        blind = name in self._told_unseen
        self._told_unseen.discard(name)
        if proof.holds == (entry is None):
            return Changed(name, BACK, proof.how) if blind and proof.holds else None
        return self._lift(name, driver, other) if proof.holds else self._note(name, site, other, proof)

    def _note(self, name: str, site: str, other: str, proof: Proof) -> Changed | None:
        """Under the plan's lock, and only if it is still so: an act that ends meanwhile has changed it."""
        with alone(self._estate.state) as ours:
            if not ours or serving(self._estate) != (site, other) or self._unprotected.of(name) is not None:
                return None
            entry = self._unprotected.note(name, site, "by hand")
        return Changed(name, LOST, f"{entry} ({proof.how})")

    def _lift(self, name: str, driver: PostgresDataset, other: str) -> Changed | None:
        """Only once the standby has caught up: that commits wait gives it nothing that it lacked."""
        proof = driver.in_sync(standby=other)
        if not proof.holds:
            return None
        with alone(self._estate.state) as ours:
            entry = self._unprotected.of(name)
            if not ours or entry is None or entry.why != "by hand":
                return None
            self._unprotected.lift(name)
        return Changed(name, BACK, proof.how)

    def _not_seen(self, name: str, why: str) -> Changed | None:
        if name in self._told_unseen or not self._too_long(name):
            return None
        self._told_unseen.add(name)
        return Changed(name, UNKNOWN, f"{self._unseen_said(name)}: {why}")

    def _too_long(self, name: str) -> bool:
        seen = self._seen.get(name)
        return seen is None or self._clock() - seen > UNSEEN_SECONDS_MAX

    def _unseen_said(self, name: str) -> str:
        since = self._seen.get(name)
        long = f"for {self._clock() - since:.0f} s" if since is not None else "since this watch began"
        return f'nobody could see {long} whether commits of dataset "{name}" wait for it'
