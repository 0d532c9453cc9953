"""Every process of a site is killed at once, as when a data centre loses its power."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from drills.fault import Healing
from sites.capability import Proof, Target
from sites.errors import BlackstartError, GuardError
from sites.estate import Estate
from sites.recovery.fence import Fences


class KillSite:
    """SIGKILL to the whole site. Healing starts what ran before, unless another site took over."""

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
        fences = Fences(self._estate.state)
        if fences.raised(self._name):
            return self._kept_down("a failover fenced it")
        for dataset, site, writable in self._others():
            if writable is None:
                return Healing(
                    "stuck", f'dataset "{dataset}" at site "{site}" cannot be asked whether it took over'
                )
            if writable:
                fences.raise_(self._name, f"{dataset} takes writes at {site}")
                return self._kept_down(f'dataset "{dataset}" takes writes at site "{site}"')
        return self._start(targets)

    def _others(self) -> Iterator[tuple[str, str, bool | None]]:
        """Every copy at another site, and whether it takes writes."""
        for dataset, driver in self._estate.replicated().items():
            for site in sorted(self._estate.sites_of(dataset) - {self._name}):
                yield dataset, site, driver.writable(site)

    def _kept_down(self, why: str) -> Healing:
        proof = self._site.proven_gone()
        if not proof.holds:
            return Healing("stuck", f'site "{self._name}" must stay down ({why}), but {proof.how}')
        return Healing("reverted, fenced", f'site "{self._name}" stays down and fenced: {why}')

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
