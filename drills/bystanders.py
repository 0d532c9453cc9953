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

from drills.copies import copies
from drills.faults.struck import struck_sites
from sites.drivers.http.check import check
from sites.errors import BlackstartError, GuardError
from sites.estate import Estate
from sites.plan import Drill

EVERY_SECONDS = 1.0
BYSTANDER_PATIENCE_SECONDS = 3.0
STANDBY_PATIENCE_SECONDS = 10.0
ANSWER_SECONDS = 2.0
LAST_LOOK_SECONDS = 10.0  # for all of them, once the watch has ended

Look = Callable[[], str | None]
"""One look: why it is not well, or None. May raise BlackstartError: then it cannot be asked."""


@dataclass(slots=True)
class Watched:
    """One of them. `unwell_since` is on this process's monotonic clock, `why` what the last look came to.

    `concluded`: it was looked at once more when the watch had ended, and that look came to an end too.
    """

    name: str
    look: Look
    patience_seconds: float
    looks: int = 0
    unwell_since: float | None = None
    why: str | None = None
    concluded: bool = False

    def seen(self, now: float) -> str | None:
        """Look once; why it counts as harmed, or None."""
        self.why = _why(self.look)
        self.looks += 1
        if self.why is None:
            self.unwell_since = None
            return None
        if self.unwell_since is None:
            self.unwell_since = now
        lasted_seconds = now - self.unwell_since
        if lasted_seconds < self.patience_seconds:
            return None
        return f"{self.name} was not well for {lasted_seconds:.0f} s: {self.why}"

    @property
    def doubt(self) -> str | None:
        """Why nothing shows that it came through unharmed, once the watch ended; None if it does."""
        if not self.concluded:
            return f"{self.name} was not seen at the end: its last look did not come to one"
        if self.why is not None:
            return f"{self.name} was not well at the end, though not for long yet: {self.why}"
        return None


@dataclass
class Bystanders:
    """Looks from `with` on, each in a thread of its own. `harm` says what came to harm first.

    When the `with` ends each is looked at once more: what nobody saw at the end was not shown to be well.
    """

    watched: list[Watched]
    harm: str | None = None
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

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
        for one in self.watched:
            thread = threading.Thread(
                target=self._watch, args=(one,), name=f"watch of {one.name}", daemon=True
            )
            self._threads.append(thread)
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        until = time.monotonic() + LAST_LOOK_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def told(self) -> tuple[str, str] | None:
        """A verdict on them and why, once the watch has ended; None where nobody was watched."""
        if not self.watched:
            return None
        if self.harm is not None:
            return "missed", self.harm
        doubts = [doubt for one in self.watched if (doubt := one.doubt) is not None]
        if doubts:
            return "inconclusive", "; ".join(doubts)
        names = ", ".join(f"{one.name} ({one.looks} looks)" for one in self.watched)
        return "met", f"unharmed: {names}"

    def _watch(self, one: Watched) -> None:
        while self.harm is None and not self._stop.wait(EVERY_SECONDS):
            self._look(one)
        self._look(one)
        one.concluded = True

    def _look(self, one: Watched) -> None:
        harm = one.seen(time.monotonic())
        if harm is not None and self.harm is None:
            self.harm = harm


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
        (dataset, copy.driver) for dataset, copy in copies(estate).items() if asked and name in copy.sites
    ]

    def look() -> str | None:
        silent = [dataset for dataset, driver in databases if driver.writable(name) is None]
        if silent:
            return f"its copy of {', '.join(silent)} does not answer"
        return processes()

    return look
