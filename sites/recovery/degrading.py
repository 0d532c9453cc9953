"""`on_standby_loss: degrade`: commits stop waiting for a standby that is lost, until it is back.

Only under the plan's lock, so never amid a failover, and written down before it is done: a failover that
comes later knows that the other site may lack what was acknowledged, and is not begun without a person.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from sites.drivers.postgres.dataset import PostgresDataset
from sites.errors import BlackstartError
from sites.estate import Estate
from sites.plan import PostgresDataset as Declared
from sites.recovery.direction import serving
from sites.recovery.under_way import alone
from sites.unprotected import Unprotected

BACK_SECONDS = 30.0
SHOWN_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Changed:
    """That a dataset was degraded, or that its commits wait again."""

    dataset: str
    degraded: bool
    said: str


class Degrading:
    """Looks at every dataset that may be degraded. `clock` counts seconds and never goes back."""

    def __init__(self, estate: Estate, clock: Callable[[], float] = time.monotonic) -> None:
        self._estate, self._clock = estate, clock
        self._unprotected = Unprotected(estate.state)
        self._lost: dict[str, float] = {}
        self._declared = {
            name: noun
            for name, noun in estate.plan.datasets.items()
            if noun.kind == "postgres" and noun.on_standby_loss == "degrade"
        }

    @property
    def needed(self) -> bool:
        return bool(self._declared)

    def look(self) -> list[Changed]:
        """Look once, and act where it is time. What cannot be asked is left as it is."""
        changed = []
        for name, declared in self._declared.items():
            try:
                found = self._look_at(name, declared)
            except BlackstartError:  # the primary does not answer: whether it is lost is detection's question
                self._lost.pop(name, None)
                continue
            changed += [found] if found is not None else []
        return changed

    def _look_at(self, name: str, declared: Declared) -> Changed | None:
        roles, driver = serving(self._estate), self._estate.postgres(name)
        if roles is None:
            return None
        site, other = roles
        entry = self._unprotected.of(name)
        if entry is not None:
            return self._restore(name, driver, site, other) if entry.why == "degraded" else None
        if not driver.waits_in_vain(site):
            self._lost.pop(name, None)
            return None
        since = self._lost.setdefault(name, self._clock())
        if self._clock() - since < declared.degrade_after.seconds:
            return None
        return self._degrade(name, driver, site)

    def _degrade(self, name: str, driver: PostgresDataset, site: str) -> Changed | None:
        def act() -> Changed | None:
            if not driver.waits_in_vain(site):
                return None
            entry = self._unprotected.note(name, site, "degraded")
            driver.wait_for_nobody(site)
            return Changed(name, degraded=True, said=str(entry))

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
            return Changed(name, degraded=False, said=proof.how)

        return self._locked(act)

    def _locked(self, act: Callable[[], Changed | None]) -> Changed | None:
        """Not while somebody changes who serves; nor where that has happened since."""
        before = serving(self._estate)
        with alone(self._estate.state) as ours:
            return act() if ours and serving(self._estate) == before else None
