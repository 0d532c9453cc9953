"""A site stands still: its processes accept connections, and never answer."""

from __future__ import annotations

from drills.fault import Healing, Left
from drills.faults.site_fault import SiteFault
from sites.capability import Proof, Target
from sites.strikable import Pausable


class PauseSite(SiteFault):
    """SIGSTOP, or a paused container. One that is revived after another site took over is killed first."""

    act = "pause"

    @property
    def _able(self) -> Pausable:
        if not isinstance(self.site, Pausable):
            raise self.unable()
        return self.site

    def ready(self) -> list[Target]:
        return super().ready() if self._able else []

    def inject(self, left: Left) -> Proof:
        del left
        return self._able.pause()

    def effective(self, left: Left) -> Proof:
        del left
        return self._able.paused()

    def heal(self, left: Left) -> Healing:
        return self.rule.lift(left, lambda: self._resume(left))

    def _resume(self, left: Left) -> Healing:
        if left.targets and self.site.proven_gone().holds:
            return Healing("target_gone", f'nothing of site "{self.name}" is there any more')
        proof = self._able.resume()
        return Healing("reverted" if proof.holds else "stuck", proof.how)

    def healed(self, left: Left) -> Proof:
        proof = self.effective(left)
        return Proof(not proof.holds, proof.how)

    def expected(self) -> str:
        return f'site "{self.name}" accepts connections and answers nobody: silence until another site serves'

    def undo(self) -> str:
        return (
            f'let site "{self.name}" go on, unless another site was promoted: then kill it and keep it fenced'
        )
