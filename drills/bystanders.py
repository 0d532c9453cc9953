"""What must not be harmed while a drill runs: those that its plan names, and the site that is to take over.

The outage of what is struck is expected; this is about everything else. A bystander is well when its check
answers 2xx (a service), or when everything that ran there at the beginning still runs (a site). The site that
is to take over is well when its database servers answer and none of its processes has ended. Who is not well
for a while, or cannot be asked for as long, ends the drill: the fault is undone.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Self

from drills.faults.struck import struck_sites
from sites.drivers.http.check import check
from sites.errors import BlackstartError, GuardError
from sites.estate import Estate
from sites.plan import Drill

EVERY_SECONDS = 1.0
BYSTANDER_PATIENCE_SECONDS = 3.0
STANDBY_PATIENCE_SECONDS = 10.0
ANSWER_SECONDS = 2.0

Look = Callable[[], str | None]
"""One look: why it is not well, or None. May raise BlackstartError: then it cannot be asked."""


@dataclass(slots=True)
class Watched:
    """One of them. `unwell_since` is on this process's monotonic clock."""

    name: str
    look: Look
    patience_seconds: float
    looks: int = 0
    unwell_since: float | None = None

    def seen(self, now: float) -> str | None:
        """Look once; why it counts as harmed, or None."""
        why = _why(self.look)
        self.looks += 1
        if why is None:
            self.unwell_since = None
            return None
        if self.unwell_since is None:
            self.unwell_since = now
        lasted_seconds = now - self.unwell_since
        if lasted_seconds < self.patience_seconds:
            return None
        return f"{self.name} was not well for {lasted_seconds:.0f} s: {why}"


@dataclass
class Bystanders:
    """Looks from `with` on, in a thread of its own. `harm` says what came to harm, once something did."""

    watched: list[Watched]
    harm: str | None = None
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def require_well(self) -> None:
        """Raises GuardError when one of them is not well before anything was done."""
        found = [f"{one.name}: {why}" for one in self.watched if (why := _why(one.look)) is not None]
        if found:
            raise GuardError(
                f"bystanders of the drill are not well: {'; '.join(found)}",
                hint="nothing was changed; look at them first",
            )

    def require_unharmed(self) -> None:
        """Raises BlackstartError once one came to harm."""
        if self.harm is not None:
            raise BlackstartError(f"a bystander came to harm: {self.harm}")

    def __enter__(self) -> Self:
        if self.watched:
            self._thread = threading.Thread(target=self._watch, name="bystanders", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(BYSTANDER_PATIENCE_SECONDS)

    def told(self) -> tuple[str, str] | None:
        """A verdict on them and why; None where nobody was watched."""
        if not self.watched:
            return None
        if self.harm is not None:
            return "missed", self.harm
        unseen = [one.name for one in self.watched if not one.looks]
        if unseen:
            return "inconclusive", f"nobody looked at {', '.join(unseen)}"
        names = ", ".join(f"{one.name} ({one.looks} looks)" for one in self.watched)
        return "met", f"unharmed: {names}"

    def _watch(self) -> None:
        while self.harm is None and not self._stop.wait(EVERY_SECONDS):
            for one in self.watched:
                harm = one.seen(time.monotonic())
                if harm is not None:
                    self.harm = harm
                    return


def bystanders_of(estate: Estate, drill: Drill) -> Bystanders:
    """Those that the plan names and, where another site is to take over unstruck, that site."""
    plan = estate.plan
    watched = [
        Watched(
            f'{"site" if name in plan.sites else "service"} "{name}"',
            _site(estate, name) if name in plan.sites else _service(estate, name),
            BYSTANDER_PATIENCE_SECONDS,
        )
        for name in drill.bystanders
    ]
    failover = plan.failover
    if failover is not None and failover.to_site not in struck_sites(estate, drill.fault):
        look = _standby(estate, failover.to_site, asked=not drill.cold)
        watched.append(Watched(f'site "{failover.to_site}"', look, STANDBY_PATIENCE_SECONDS))
    return Bystanders(watched)


def _why(look: Look) -> str | None:
    try:
        return look()
    except BlackstartError as error:
        return f"it cannot be asked: {error}"
    except Exception as error:  # noqa: BLE001 - a watch that broke sees nothing, and that is not well
        return f"it cannot be asked: {type(error).__name__}: {error}"


def _service(estate: Estate, name: str) -> Look:
    service = estate.plan.services[name]
    url = f"{service.endpoint}{service.check.path if service.check is not None else '/'}"

    def look() -> str | None:
        seen = check(url, ANSWER_SECONDS)
        return None if seen.sign == "good" else f"{url} is {seen.sign} ({seen.cause})"

    return look


def _site(estate: Estate, name: str, *, empty: str | None = "nothing runs there") -> Look:
    """What ran there when it was first looked at has to go on. `empty`: what it means when nothing did."""
    driver = estate.site(name)
    ran: dict[str, None] = {}

    def look() -> str | None:
        running: Mapping[str, object] = driver.running()
        if not ran:
            ran.update(dict.fromkeys(running))
            return None if ran else empty
        ended = sorted(ran.keys() - running.keys())
        return f"ended there: {', '.join(ended)}" if ended else None

    return look


def _standby(estate: Estate, name: str, *, asked: bool) -> Look:
    """`asked`: its databases too. Not in a cold drill: the runbook itself empties them."""
    processes = _site(estate, name, empty=None)
    databases = [
        (dataset, driver)
        for dataset, driver in estate.replicated().items()
        if asked and name in estate.sites_of(dataset)
    ]

    def look() -> str | None:
        silent = [dataset for dataset, driver in databases if driver.writable(name) is None]
        if silent:
            return f"its copy of {', '.join(silent)} does not answer"
        return processes()

    return look
