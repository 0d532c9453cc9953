"""A standby stands still: its receiver of changes is stopped, and the primary is told nothing."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from drills.fault import Healing, Left
from sites.capability import Proof, Target
from sites.errors import BlackstartError, GuardError
from sites.estate import Estate
from sites.strikable import Signalling

_LIMIT_SECONDS = 5.0
_LOOK_SECONDS = 0.005
_SITE, _RECEIVER = "site", "receiver"


class FreezeReplica:
    """SIGSTOP to PostgreSQL's receiver. Commits that wait for it hang; others go on, at risk."""

    reversible = True
    revives = False

    def __init__(self, estate: Estate, dataset: str) -> None:
        self._name = dataset
        self._estate = estate
        self._driver = estate.postgres(dataset)

    def ready(self) -> list[Target]:
        site, receiver = self._found()
        return [Target(site, "process", f"receiver of {self._name}", {"number_inside": receiver})]

    def arm(self, room: Path) -> dict[str, object]:
        del room
        site, receiver = self._found()
        return {_SITE: site, _RECEIVER: receiver}

    def inject(self, left: Left) -> Proof:
        self._at(left).signal(int(str(left.data[_RECEIVER])), signal.SIGSTOP)
        return self._wait(left, still=True)

    def effective(self, left: Left) -> Proof:
        frozen = self._at(left).frozen(int(str(left.data[_RECEIVER])))
        words = {True: "stands still", False: "moves", None: "is gone"}
        return Proof(frozen is True, f'the receiver of dataset "{self._name}" {words[frozen]}')

    def heal(self, left: Left) -> Healing:
        site, receiver = self._at(left), int(str(left.data[_RECEIVER]))
        if site.frozen(receiver) is None:
            return Healing("target_gone", f'the receiver of dataset "{self._name}" is gone')
        try:
            site.signal(receiver, signal.SIGCONT)
        except BlackstartError as error:
            return Healing("target_gone" if site.frozen(receiver) is None else "stuck", str(error))
        self._wait(left, still=False)
        return Healing("reverted", f'the receiver of dataset "{self._name}" goes on')

    def healed(self, left: Left) -> Proof:
        proof = self.effective(left)
        return Proof(not proof.holds, proof.how)

    def expected(self) -> str:
        waits = self._driver.synchronous
        return f'the standby of dataset "{self._name}" gets no more changes: ' + (
            "every commit waits for it" if waits else "what is committed from now on is on the primary alone"
        )

    def undo(self) -> str:
        return f'let the receiver of dataset "{self._name}" go on'

    def _found(self) -> tuple[str, int]:
        for site in sorted(self._estate.sites_of(self._name)):
            if self._driver.writable(site) is not False:
                continue
            receiver = self._driver.receiver_pid(site)
            if receiver is not None and isinstance(self._estate.site(site), Signalling):
                return site, receiver
        raise GuardError(
            f'cannot freeze the standby of dataset "{self._name}": it has no receiver that can be signalled',
            hint="it needs a standby that is in recovery and streams, at a site of processes",
        )

    def _at(self, left: Left) -> Signalling:
        site = self._estate.site(str(left.data[_SITE]))
        if not isinstance(site, Signalling):
            raise GuardError(f'site "{left.data[_SITE]}" hands on no signals')
        return site

    def _wait(self, left: Left, *, still: bool) -> Proof:
        deadline = time.monotonic() + _LIMIT_SECONDS
        while (proof := self.effective(left)).holds is not still and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
        return proof
