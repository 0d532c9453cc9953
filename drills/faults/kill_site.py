"""Every process of a site is killed at once, as when a data centre loses its power."""

from __future__ import annotations

from collections.abc import Sequence

from drills.fault import Healing
from sites.capability import Proof, Target
from sites.errors import BlackstartError, GuardError
from sites.estate import Estate
from sites.recovery.fence import Fences


class KillSite:
    """SIGKILL to the whole site. Healing starts what ran before, unless another site may be writable."""

    reversible = True

    def __init__(self, estate: Estate, site: str) -> None:
        self._estate = estate
        self._name = site
        self._site = estate.site(site)

    def ready(self) -> list[Target]:
        targets = self._site.targets()
        if not targets:
            raise GuardError(
                f'cannot kill site "{self._name}": nothing runs there', hint="start the site first"
            )
        return targets

    def inject(self) -> Proof:
        return self._site.kill()

    def expected(self) -> str:
        return f'site "{self._name}" is gone at once; its clients are refused until another site serves'

    def undo(self) -> str:
        return f'start what ran at site "{self._name}", unless another site was promoted: then keep it fenced'

    def heal(self, targets: Sequence[str]) -> Healing:
        if (why := self._second_writer()) is not None:
            Fences(self._estate.state).raise_(self._name, why)
            proof = self._site.proven_gone()
            if not proof.holds:
                return Healing("stuck", f'site "{self._name}" must stay down ({why}), but {proof.how}')
            return Healing("reverted, fenced", f'site "{self._name}" stays down and fenced: {why}')
        return self._start(targets)

    def _start(self, targets: Sequence[str]) -> Healing:
        try:
            self._site.up()
            for process in targets:
                self._site.start(process)
        except BlackstartError as error:
            return Healing("stuck", str(error))
        missing = set(targets) - set(self._site.running())
        if missing:
            return Healing("stuck", f"not running again: {', '.join(sorted(missing))}")
        return Healing("reverted", f'site "{self._name}" runs again: {", ".join(sorted(targets))}')

    def _second_writer(self) -> str | None:
        """Why starting the site could make a second writer, or None when that is ruled out."""
        if Fences(self._estate.state).raised(self._name):
            return "a failover fenced it"
        for dataset, driver in self._estate.replicated().items():
            for other in self._estate.sites_of(dataset) - {self._name}:
                if driver.writable(other) is not False:
                    asked = "takes writes" if driver.writable(other) else "cannot be asked"
                    return f'dataset "{dataset}" at site "{other}" {asked}'
        return None
