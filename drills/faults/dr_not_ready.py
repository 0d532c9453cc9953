"""The standby fails before its primary does: there is nothing to take over with, or old data."""

from __future__ import annotations

import threading
from pathlib import Path

from drills.fault import Healing, Left
from drills.faults.freeze_replica import FreezeReplica
from drills.faults.kill_site import KillSite
from sites.capability import Proof, Target
from sites.errors import BlackstartError, GuardError
from sites.estate import Estate
from sites.plan.faults import DrNotReady as Noun
from sites.strikable import KillingOne

_ANSWER_SECONDS = 30.0
_RECEIVER = "receiver"


class DrNotReady(KillSite):
    """Healing brings the standby back first, for the rule of every undo asks it whether it was promoted."""

    def __init__(self, estate: Estate, noun: Noun) -> None:
        super().__init__(estate, noun.site)
        self._noun = noun
        self._driver = estate.postgres(noun.dataset)
        self._freezing = FreezeReplica(estate, noun.dataset)
        self._dr, self._process = self._standby()

    def _standby(self) -> tuple[str, str]:
        declared = self.estate.plan.datasets[self._noun.dataset]
        server = declared.standby if declared.kind == "postgres" else None
        if server is None or server.process is None:
            raise GuardError(f'dataset "{self._noun.dataset}" has no standby with a process to lose')
        return server.site, server.process

    def ready(self) -> list[Target]:
        found = super().ready()
        if self._noun.standby == "stale":
            self._freezing.ready()
            return [*found, self._target()]
        if self._process not in self.estate.site(self._dr).running() or not self._killing:
            raise GuardError(f'cannot lose the standby at site "{self._dr}": it does not run')
        return [*found, self._target()]

    def _target(self) -> Target:
        return Target(self._dr, "standby", self._process, {"dataset": self._noun.dataset})

    @property
    def _killing(self) -> KillingOne:
        site = self.estate.site(self._dr)
        if not isinstance(site, KillingOne):
            raise self.unable()
        return site

    def arm(self, room: Path) -> dict[str, object]:
        stale = self._noun.standby == "stale"
        return super().arm(room) | ({_RECEIVER: self._freezing.arm(room)} if stale else {})

    def inject(self, left: Left) -> Proof:
        failed = self._fail(left)
        if not failed.holds:
            return failed
        lost = super().inject(left)
        return Proof(lost.holds, f"{failed.how}; {lost.how}", lost.detail)

    def _fail(self, left: Left) -> Proof:
        if self._noun.standby == "gone":
            return self._killing.kill_process(self._process)
        proof = self._freezing.inject(self._left_of_receiver(left))
        threading.Event().wait(self._noun.stale_for.seconds)
        return proof

    def effective(self, left: Left) -> Proof:
        lost, failed = super().effective(left), self._failed(left)
        return Proof(lost.holds and failed.holds, f"{failed.how}; {lost.how}")

    def _failed(self, left: Left) -> Proof:
        if self._noun.standby == "stale":
            return self._freezing.effective(self._left_of_receiver(left))
        gone = self._process not in self.estate.site(self._dr).running()
        return Proof(gone, f'the standby at site "{self._dr}" {"does not run" if gone else "runs"}')

    def heal(self, left: Left) -> Healing:
        standby = self._bring_back(left)
        if standby.undone == "stuck":
            return standby
        healing = super().heal(left)
        return Healing(healing.undone, f"{standby.how}; {healing.how}")

    def _bring_back(self, left: Left) -> Healing:
        """It was a standby when it was lost: started, it is one again, and no writer."""
        if self._noun.standby == "stale":
            return self._freezing.heal(self._left_of_receiver(left))
        try:
            self.estate.site(self._dr).up(only=[self._process])
            self._driver.wait_until_answering(self._dr, limit_seconds=_ANSWER_SECONDS)
        except BlackstartError as error:
            return Healing("stuck", str(error))
        return Healing("reverted", f'the standby at site "{self._dr}" runs again')

    def healed(self, left: Left) -> Proof:
        failed = self._failed(left)
        return Proof(False, failed.how) if failed.holds else super().healed(left)

    @staticmethod
    def _left_of_receiver(left: Left) -> Left:
        data = left.data.get(_RECEIVER)
        return Left((), left.room, data if isinstance(data, dict) else {}, left.last)

    def expected(self) -> str:
        how = "is gone" if self._noun.standby == "gone" else "has old data"
        where = f'its standby at site "{self._dr}"'
        return f'site "{self.name}" is gone, and {where} {how}: nothing should be promoted'

    def undo(self) -> str:
        return f'bring the standby at site "{self._dr}" back, then {super().undo()}'
