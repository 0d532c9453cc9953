"""One process of a site is lost while the others go on: killed without warning, or asked to end."""

from __future__ import annotations

from pathlib import Path

from drills.fault import Healing, Left
from drills.faults.site_fault import SiteFault
from sites.capability import Proof, Target
from sites.errors import BlackstartError, GuardError
from sites.estate import Estate
from sites.strikable import KillingOne

_RAN = "ran"


class _OneProcess(SiteFault):
    """Healing starts the process, and what else ran and ended since, unless another site took over."""

    def __init__(self, estate: Estate, site: str, process: str) -> None:
        super().__init__(estate, site)
        self.process = process

    def ready(self) -> list[Target]:
        found = [
            target for target in super().ready() if target.kind != "site" and target.name == self.process
        ]
        if not found:
            raise GuardError(
                f'cannot {self.act} process "{self.process}" at site "{self.name}": it does not run',
                hint=f"running there: {', '.join(self.site.running()) or 'nothing'}",
            )
        return found

    def arm(self, room: Path) -> dict[str, object]:
        return super().arm(room) | {_RAN: list(self.site.running())}

    def effective(self, left: Left) -> Proof:
        del left
        where = f'process "{self.process}" at site "{self.name}"'
        gone = self.process not in self.site.running()
        return Proof(gone, f"{where} {'does not run' if gone else 'runs'}")

    def heal(self, left: Left) -> Healing:
        return self.rule.lift(left, lambda: self._start(left))

    def _start(self, left: Left) -> Healing:
        try:
            self.site.up(only=self._ran(left))
        except BlackstartError as error:
            return Healing("stuck", str(error))
        return Healing("reverted", f'process "{self.process}" at site "{self.name}" runs again')

    def healed(self, left: Left) -> Proof:
        missing = sorted(set(self._ran(left)) - set(self.site.running()))
        if missing:
            return Proof(False, f'not running again at site "{self.name}": {", ".join(missing)}')
        return Proof(True, f'process "{self.process}" at site "{self.name}" runs, as all that ran beside it')

    def _ran(self, left: Left) -> list[str]:
        """The process, and of what ran beside it what the plan knows: it may have ended for want of it."""
        ran, declared = left.data.get(_RAN), self.estate.plan.sites[self.name].processes
        beside = map(str, ran) if isinstance(ran, list) else ()
        return list(dict.fromkeys([self.process, *(name for name in beside if name in declared)]))

    def undo(self) -> str:
        return (
            f'start process "{self.process}" at site "{self.name}", '
            "unless another site was promoted: then keep the site fenced"
        )


class KillService(_OneProcess):
    """SIGKILL to one process and whatever it started."""

    act = "kill"

    def ready(self) -> list[Target]:
        self._able()
        return super().ready()

    def inject(self, left: Left) -> Proof:
        del left
        return self._able().kill_process(self.process)

    def _able(self) -> KillingOne:
        if not isinstance(self.site, KillingOne):
            raise self.unable()
        return self.site

    def expected(self) -> str:
        return f'process "{self.process}" at site "{self.name}" is gone at once; its clients are reset'


class StopService(_OneProcess):
    """One process is asked to end, as for maintenance that nobody announced."""

    act = "stop"

    def inject(self, left: Left) -> Proof:
        self.site.stop(self.process)
        return self.effective(left)

    def expected(self) -> str:
        return f'process "{self.process}" at site "{self.name}" ends in good order; its clients are refused'
