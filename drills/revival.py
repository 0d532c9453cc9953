"""The old primary comes back after a failover, brought by somebody careless: it must not take a write then.

One that was killed is started by the site's own means, which know nothing of our fences. One that stood still
goes on, and one that was cut off is reconnected, and nobody is asked whether another site took over. It is
written to at its own address for a while, and put down again. What it took is for the judge to say.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from drills.arrangement import old_primary_interval_ns
from drills.copies import copies
from drills.gone import tell_if_gone
from drills.recording import RecorderState, Recording
from drills.undisturbed import undisturbed
from rto_rpo.revival import watched_ns
from sites.capability import Proof, SiteDriver
from sites.errors import BlackstartError
from sites.estate import Estate
from sites.plan import Drill, KillSite
from sites.plan.faults import Partition, PauseSite
from sites.recovery.fence import Fences
from sites.recovery.under_way import journal_of
from sites.strikable import Partitionable, Pausable

ANSWER_SECONDS_MAX = 30.0  # for its server to take or refuse a write, once it runs
_BEAT_SECONDS = 0.05
_STOP_SECONDS = 10.0  # beyond a write's own limit: what is announced is sent first
_INTERVALS = 3  # on top, so that the last refusal lies that long after the first


@dataclass(frozen=True, slots=True)
class Revival:
    """`site` was lost, and `ran` are the processes that ran there before."""

    estate: Estate
    drill: Drill
    site: str
    ran: Sequence[str]

    @property
    def seconds(self) -> float:
        """For how long it is written to once its server answers: somewhat longer than the judge asks for.

        Where a machine is off the last write that counts has to have failed before that is proven again.
        """
        longer_ns = _INTERVALS * old_primary_interval_ns(self.drill) + self.drill.canary.limit.ns
        return (watched_ns(self.drill.stable.ns) + longer_ns) / 1e9

    def processes(self) -> list[str]:
        """What takes the canary's writes there; where the plan does not name it, everything that ran."""
        named = set(self._named())
        return [name for name in self.ran if name in named] or list(self.ran)

    def _named(self) -> Iterator[str | None]:
        plan, canary = self.estate.plan, self.drill.canary
        dataset, service = plan.datasets[canary.dataset], plan.services[canary.service]
        if dataset.kind == "postgres":
            servers = (dataset.primary, dataset.standby)
            yield from (server.process for server in servers if server and server.site == self.site)
        if canary.kind != "postgres":
            yield service.process

    def needless(self) -> str | None:
        """Why nothing would be shown by it now; None if something would."""
        proof = self.estate.site(self.site).proven_gone()
        if isinstance(self.drill.fault, KillSite) and not proof.holds:
            return f'site "{self.site}" is not down, so it cannot come back: {proof.how}'
        if not Fences(self.estate.state).raised(self.site) and not any(self._taken_over()):
            return f'nothing shows that another site took over from "{self.site}"'
        return None

    def _taken_over(self) -> Iterator[bool]:
        for copy in copies(self.estate).values():
            for other in sorted(copy.sites - {self.site}):
                yield copy.driver.writable(other) is True


def revive(
    revival: Revival,
    recording: Recording,
    tell: Callable[[str], None],
    leave: Callable[[], None] = lambda: None,
) -> None:
    """Bring it back, write to it for a while, put it down. What could not be tried is *inconclusive*.

    Raises BlackstartError while a failover runs, RecorderError when the recorder is lost, and what `leave`
    raises, which is asked all along. It is put down whatever happens.
    """
    with journal_of(revival.estate.state):
        why = revival.needless()
        if why is not None:
            _check(recording, "inconclusive", why)
            return
        site = _careless(revival)
        try:
            _write_on(revival, site, recording, tell, leave)
        finally:
            with undisturbed():
                proof = site.kill()
        if not proof.holds:
            _check(recording, "missed", f"the old primary could not be put down again: {proof.how}")


def _write_on(
    revival: Revival,
    site: SiteDriver,
    recording: Recording,
    tell: Callable[[str], None],
    leave: Callable[[], None],
) -> None:
    """It may take writes long before it is said to be ready, so all of them count from here on."""
    recording.event("revival_begin", detail={"site": revival.site})
    before = recording.state().old_primary_answered
    proof = _returned(revival, site)
    if not proof.holds:
        _check(recording, "inconclusive", f"the old primary could not be brought back: {proof.how}")
        return
    recording.event("old_primary_revived", detail={"site": revival.site, "how": proof.how, **proof.detail})
    tell(f"Revived the old primary, as somebody careless would: {proof.how}")

    def answered(state: RecorderState) -> bool:
        leave()
        return state.old_primary_answered > before

    if not tell_if_gone(site, recording):
        state = recording.wait_until(answered, ANSWER_SECONDS_MAX)
        if state.old_primary_answered == before:
            tell(f"Its own server neither took nor refused a write within {ANSWER_SECONDS_MAX:.0f} s")
    until = time.monotonic() + revival.seconds
    while (left_seconds := until - time.monotonic()) > 0:
        leave()
        threading.Event().wait(min(_BEAT_SECONDS, left_seconds))
    # A write that is under way as it is put down is never answered, and may have been committed there.
    recording.stop_old_primary(limit_seconds=revival.drill.canary.limit.seconds + _STOP_SECONDS)
    tell_if_gone(site, recording)


def _careless(revival: Revival) -> SiteDriver:
    """Who was cut off is reconnected over the connection that was kept for it."""
    of_estate = isinstance(revival.drill.fault, Partition)
    return revival.estate.site(revival.site) if of_estate else revival.estate.unguarded(revival.site)


def _returned(revival: Revival, site: SiteDriver) -> Proof:
    match revival.drill.fault:
        case PauseSite() if isinstance(site, Pausable):
            return site.resume()
        case Partition() if isinstance(site, Partitionable):
            return site.reconnect()
        case _:
            return _started(site, revival.processes())


def _started(site: SiteDriver, processes: list[str]) -> Proof:
    """That they run. One that runs and does not get ready may take writes all the same."""
    said = ""
    try:
        site.up(only=processes)
    except BlackstartError as error:
        said = f" ({error})"
    running = site.running()
    missing = [name for name in processes if name not in running]
    if missing or not processes:
        return Proof(False, f"not running: {', '.join(missing) or 'nothing ran there'}{said}")
    names = ", ".join(processes)
    return Proof(True, f'{names} at site "{site.name}"{said}', {"processes": processes})


def _check(recording: Recording, verdict: str, reason: str) -> None:
    recording.event("check", detail={"name": "revival", "verdict": verdict, "reason": reason})
