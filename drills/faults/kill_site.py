"""Every process of a site is killed at once, as when a data centre loses its power."""

from __future__ import annotations

from drills.fault import Healing, Left
from drills.faults.site_fault import SiteFault
from sites.capability import Proof


class KillSite(SiteFault):
    """SIGKILL to the whole site. Healing starts what ran before, unless another site took over."""

    act = "kill"

    def inject(self, left: Left) -> Proof:
        del left
        return self.site.kill()

    def effective(self, left: Left) -> Proof:
        del left
        return self.site.proven_gone()

    def heal(self, left: Left) -> Healing:
        return self.rule.lift(left, lambda: self.start(left))

    def healed(self, left: Left) -> Proof:
        return self.runs_again(left)

    def expected(self) -> str:
        return f'site "{self.name}" is gone at once; its clients are refused until another site serves'

    def undo(self) -> str:
        start = f'start what ran at site "{self.name}", unless another site was promoted: then keep it fenced'
        return start + self.but_guests()
