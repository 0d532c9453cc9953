"""A site is cut off: its packets are dropped, so that there is silence and no refusal."""

from __future__ import annotations

from drills.fault import Healing, Left
from drills.faults.site_fault import SiteFault
from sites.capability import Proof, Target
from sites.errors import GuardError
from sites.estate import Estate
from sites.strikable import Direction, Partitionable


class Partition(SiteFault):
    """Both ways, or one. What was cut off while another site took over is killed before it is reconnected.

    What ended meanwhile is started, be it by itself or killed by a host that came back without us.
    """

    act = "cut off"

    def __init__(self, estate: Estate, site: str, direction: Direction) -> None:
        super().__init__(estate, site)
        self.direction: Direction = direction

    @property
    def _cut(self) -> Partitionable:
        if not isinstance(self.site, Partitionable):
            raise self.unable()
        return self.site

    def ready(self) -> list[Target]:
        why_not = self._cut.cannot_partition()
        if why_not is not None:
            raise GuardError(f'cannot cut off site "{self.name}": {why_not}')
        return super().ready()

    def inject(self, left: Left) -> Proof:
        del left
        return self._cut.partition(self.direction)

    def effective(self, left: Left) -> Proof:
        del left
        return self._cut.partitioned()

    def heal(self, left: Left) -> Healing:
        healing = self.lift_even_fenced(left, self._reconnect)
        return self.start(left) if healing.undone == "reverted" else healing

    def _reconnect(self) -> Healing:
        proof = self._cut.reconnect()
        return Healing("reverted" if proof.holds else "stuck", proof.how)

    def healed(self, left: Left) -> Proof:
        proof = self.effective(left)
        return Proof(False, proof.how) if proof.holds else self.runs_again(left)

    def expected(self) -> str:
        way = {"both": "to and from", "inbound": "to", "outbound": "from"}[self.direction]
        return f'packets {way} site "{self.name}" are dropped: clients hear nothing until another site serves'

    def undo(self) -> str:
        told = (
            f'drop no more packets of site "{self.name}" and start what ended; if another site was promoted, '
            "its processes are killed first and it stays fenced"
        )
        return told + self.but_guests()
