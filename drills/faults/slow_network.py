"""A network that works, only badly: late, with packets lost, or with little room."""

from __future__ import annotations

from collections.abc import Iterator

from drills.fault import Healing, Left
from drills.faults.site_fault import SiteFault
from sites.capability import Proof, Target
from sites.errors import GuardError
from sites.estate import Estate
from sites.plan.faults import SlowNetwork as Noun
from sites.strikable import Slowable, Slowness


class SlowNetwork(SiteFault):
    """In the site's own network alone. What was slow while another site took over is killed first."""

    act = "slow down"

    def __init__(self, estate: Estate, noun: Noun) -> None:
        super().__init__(estate, noun.site)
        self._noun = noun
        rate_bits = noun.rate.per_second if noun.rate is not None else 0
        self._wanted = Slowness(noun.latency.seconds, noun.loss, rate_bits)

    @property
    def _able(self) -> Slowable:
        if not isinstance(self.site, Slowable):
            raise self.unable()
        return self.site

    def ready(self) -> list[Target]:
        why_not = self._able.cannot_slow(self._wanted)
        if why_not is not None:
            raise GuardError(f'cannot slow down site "{self.name}": {why_not}')
        if self._able.slowed().holds:
            raise GuardError(f'cannot slow down site "{self.name}": it is slow', hint="blackstart recover")
        return super().ready()

    def inject(self, left: Left) -> Proof:
        del left
        return self._able.slow(self._wanted)

    def effective(self, left: Left) -> Proof:
        del left
        return self._able.slowed()

    def heal(self, left: Left) -> Healing:
        return self.lift_even_fenced(left, self._quicken)

    def _quicken(self) -> Healing:
        proof = self._able.quicken()
        return Healing("reverted" if proof.holds else "stuck", proof.how)

    def healed(self, left: Left) -> Proof:
        proof = self.effective(left)
        return Proof(not proof.holds, proof.how)

    def expected(self) -> str:
        slow = ", ".join(self._words())
        return f'to and from site "{self.name}" {slow}: whether that is an outage is measured'

    def _words(self) -> Iterator[str]:
        if self._noun.latency.ns:
            yield f"every round trip takes {self._noun.latency} more"
        if self._noun.loss:
            yield f"{self._noun.loss:g} % of the packets are lost each way"
        if self._noun.rate is not None:
            yield f"at most {self._noun.rate} are sent"

    def undo(self) -> str:
        return (
            f'take away what slows down site "{self.name}"; if another site was promoted, '
            "its processes are killed first and it stays fenced"
        )
