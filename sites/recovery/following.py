"""Whether an asynchronous standby follows its primary, and until when it has all there was: looked at always.

A primary goes on without it as if nothing were. What it follows behind is measured in time: where the log
ended at each look is remembered, and the standby has all that was committed before the newest of these looks
whose end it has reached. A failover to one that has not followed for longer than the plan bears with is a
person's to decide, and so is one to a standby of which nobody knows.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from sites.drivers.postgres.dataset import PostgresDataset
from sites.drivers.postgres.logged import Follows
from sites.errors import BlackstartError
from sites.estate import Estate
from sites.recovery.at_hand import AWAY_SECONDS_MAX
from sites.recovery.direction import serving
from sites.recovery.lacking import UNSEEN_SECONDS_MAX
from sites.recovery.looking_after import BACK, LOST, Changed
from sites.recovery.under_way import busy

LEAST_SECONDS = 5.0  # looks are a second apart, more on a busy machine: they tell no shorter time
_ENDS_MAX = 256
_ENDS_WITHIN = 64  # of the time that is borne with; more than the half of that fit


@dataclass(slots=True)
class _Seen:
    """`at`: when the primary last answered. `until`: the standby has all there was then; None: not known."""

    roles: tuple[str, str]
    began: float
    at: float | None = None
    until: float | None = None
    wrong: str | None = None
    told: bool = False
    ends: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=_ENDS_MAX))

    @property
    def behind_seconds(self) -> float:
        """As of the last look at which the primary answered: what came after that is the outage's own."""
        since = self.until if self.until is not None else self.began
        return max(0.0, (self.at if self.at is not None else since) - since)


class Following:
    """Of every asynchronous dataset with a standby. `clock` counts seconds and never goes back."""

    def __init__(self, estate: Estate, clock: Callable[[], float] = time.monotonic) -> None:
        self._estate, self._clock = estate, clock
        self._drivers = {n: d for n, d in estate.replicated().items() if not d.synchronous}
        self._borne = {name: _borne_seconds(estate, name) for name in self._drivers}
        self._seen: dict[str, _Seen] = {}

    def look(self) -> list[Changed]:
        """Look once at each. A primary that cannot be asked is no loss told: that is detection's question."""
        found = []
        for name, driver in self._drivers.items():
            try:
                changed = self._look_at(name, driver)
            except BlackstartError:
                continue
            found += [changed] if changed is not None else []
        return found

    def told(self) -> str:
        """Why a person has to decide; nothing where each standby has what the plan wants of it."""
        if serving(self._estate) is None:  # amid a change of sites, which began in sync
            return ""
        reasons = ((name, self._why(name)) for name in self._drivers)
        return "".join(f' It may lack writes: dataset "{name}" {why}.' for name, why in reasons if why)

    def unseen(self) -> list[str]:
        """Of which dataset nobody has ever seen the standby follow."""
        return [n for n in self._drivers if n not in self._seen or self._seen[n].until is None]

    def _why(self, name: str) -> str:
        seen, borne = self._seen.get(name), self._borne[name]
        if seen is None or seen.at is None or seen.until is None:
            return "was not seen to follow there since this watch began"
        if seen.behind_seconds > borne:
            why = f" ({seen.wrong})" if seen.wrong else ""
            return (
                f"had not followed there for {seen.behind_seconds:.0f} s when its primary last answered{why}"
            )
        if (blind := self._clock() - seen.at) > max(UNSEEN_SECONDS_MAX, borne):
            return f"could not be seen for {blind:.0f} s: nobody knows whether it follows there"
        return ""

    def _look_at(self, name: str, driver: PostgresDataset) -> Changed | None:
        roles = serving(self._estate)
        if roles is None or busy(self._estate.state):  # whoever changes the sites may have stopped it
            return None
        began = self._clock()
        seen = self._seen.get(name)
        if seen is None or seen.roles != roles:
            seen = self._seen[name] = _Seen(roles, began)
        found = driver.follows(roles[1], roles[0])
        if found is None:
            return None
        seen.at, seen.wrong = began, found.wrong
        self._advance(seen, found, began, self._borne[name] / _ENDS_WITHIN)
        return self._changed(name, seen, found)

    def _advance(self, seen: _Seen, found: Follows, began: float, apart: float) -> None:
        if found.have is None:
            return
        if not seen.ends or began - seen.ends[-1][0] >= apart:
            seen.ends.append((began, found.ahead))
        while seen.ends and seen.ends[0][1] <= found.have:
            at, _ = seen.ends.popleft()
            if found.wrong is None:  # who does not stream lacks whatever comes next
                seen.until = at

    def _changed(self, name: str, seen: _Seen, found: Follows) -> Changed | None:
        """What does not let anybody in is told by who keeps the connections."""
        if found.have is None and found.wrong is None:
            return None
        long, site = seen.behind_seconds, seen.roles[1]
        bad = long >= (AWAY_SECONDS_MAX if found.wrong else max(AWAY_SECONDS_MAX, self._borne[name]))
        if bad and not seen.told:
            seen.told = True
            why = found.wrong or "it lags"
            return Changed(
                name, LOST, f'dataset "{name}" does not follow at site "{site}" for {long:.0f} s: {why}'
            )
        if seen.told and not bad and found.wrong is None:
            seen.told = False
            return Changed(name, BACK, f'dataset "{name}" follows at site "{site}" again')
        return None


def _borne_seconds(estate: Estate, name: str) -> float:
    rpo = estate.plan.datasets[name].rpo
    return max(LEAST_SECONDS, rpo.seconds if rpo is not None else AWAY_SECONDS_MAX)
