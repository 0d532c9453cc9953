"""`on_standby_loss: degrade`: commits stop waiting for a standby that is lost, until it is back.

Only under the plan's lock, so never amid a failover, and written down before it is done: a failover that
comes later knows that the other site may lack what was acknowledged, and is not begun without a person.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from sites.drivers.postgres.dataset import PostgresDataset
from sites.errors import BlackstartError
from sites.estate import Estate
from sites.plan import PostgresDataset as Declared
from sites.recovery.direction import serving
from sites.recovery.looking_after import BACK, LOST, Changed
from sites.recovery.under_way import alone
from sites.unprotected import Unprotected

BACK_SECONDS = 30.0
SHOWN_SECONDS = 10.0

Act = Callable[[], Changed | None]


class Degrading:
    """Looks at every dataset that may be degraded. `clock` counts seconds and never goes back."""

    def __init__(self, estate: Estate, clock: Callable[[], float] = time.monotonic) -> None:
        self._estate, self._clock = estate, clock
        self._unprotected = Unprotected(estate.state)
        self._lost: dict[str, float] = {}
        self._failed: dict[str, str] = {}
        self._declared = {
            name: noun
            for name, noun in estate.plan.datasets.items()
            if noun.kind == "postgres" and noun.on_standby_loss == "degrade"
        }

    def look(self) -> list[Changed]:
        """Look once, and act where it is time. What cannot be asked is left as it is."""
        changed = []
        for name, declared in self._declared.items():
            try:
                act = self._due(name, declared)
            except BlackstartError:  # the primary does not answer: whether it is lost is detection's question
                self._lost.pop(name, None)
                continue
            found = self._done(name, act) if act is not None else None
            changed += [found] if found is not None else []
        return changed

    def _due(self, name: str, declared: Declared) -> Act | None:
        """What is to be done about a dataset now. An entry whose commits wait in vain was not carried out."""
        roles, driver = serving(self._estate), self._estate.postgres(name)
        if roles is None:
            return None
        site, other = roles
        entry = self._unprotected.of(name)
        if entry is not None and entry.why != "degraded":
            return None
        lost = driver.waits_in_vain(site)
        if entry is not None:
            return partial(self._degrade if lost else self._restore, name, driver, site, other)
        if not lost:
            self._lost.pop(name, None)
            return None
        since = self._lost.setdefault(name, self._clock())
        if self._clock() - since < declared.degrade_after.seconds:
            return None
        return partial(self._degrade, name, driver, site, other)

    def _done(self, name: str, act: Act) -> Changed | None:
        """What came of it. That it failed is told once, and it is due again with the next look."""
        try:
            changed = act()
        except BlackstartError as error:
            said = f'whom commits of dataset "{name}" wait for cannot be changed: {error}; it is tried again'
            before, self._failed[name] = self._failed.get(name), said
            return Changed(name, LOST, said) if before != said else None
        self._failed.pop(name, None)
        return changed

    def _degrade(self, name: str, driver: PostgresDataset, site: str, _other: str) -> Changed | None:
        def act() -> Changed | None:
            if not driver.waits_in_vain(site):
                return None
            entry = self._unprotected.note(name, site, "degraded")
            driver.wait_for_nobody(site)
            return Changed(name, LOST, str(entry))

        return self._locked(act)

    def _restore(self, name: str, driver: PostgresDataset, site: str, other: str) -> Changed | None:
        if not driver.in_sync(standby=other, synchronous=False).holds:
            return None

        def act() -> Changed | None:
            driver.wait_for_standby(site, other)
            proof = driver.wait_until_in_sync(limit_seconds=BACK_SECONDS, standby=other)
            if not proof.holds:
                return None
            self._unprotected.lift(name)
            self._lost.pop(name, None)
            return Changed(name, BACK, proof.how)

        return self._locked(act)

    def _locked(self, act: Act) -> Changed | None:
        """Not while somebody changes who serves; nor where that has happened since."""
        before = serving(self._estate)
        with alone(self._estate.state) as ours:
            return act() if ours and serving(self._estate) == before else None
