"""What a process keeps is gone, as when its volume is deleted or its disk fails."""

from __future__ import annotations

from pathlib import Path

from drills.fault import Healing, Left
from drills.faults.volume_fault import VolumeFault
from sites.capability import Proof, Target
from sites.errors import BlackstartError
from sites.strikable import KillingOne

KEPT = ".blackstart-lost"


class LoseVolume(VolumeFault):
    """The process is killed, and its folder is emptied into one of ours within it: same disk, same files.

    A process that is alive would go on in the files that it has open, and nothing would be lost.
    """

    act = "lose"

    @property
    def _able(self) -> KillingOne:
        if not isinstance(self.site, KillingOne):
            raise self.unable()
        return self.site

    def ready(self) -> list[Target]:
        found = super().ready()
        self.own()
        if self.estate.room(self.name) == Path(self.path):
            raise self.refused("blackstart keeps there what it knows of the site")
        if self._able and self.process not in {each.name for each in found if each.kind == "process"}:
            raise self.refused("the process does not run")
        lost = self.volume.is_lost(KEPT)
        if lost is not False:
            raise self.refused("it is not there" if lost is None else "it is lost, or holds nothing")
        return [*found, self.target(self.path)]

    def inject(self, left: Left) -> Proof:
        proof = self._able.kill_process(self.process)
        if not proof.holds:
            return proof
        self.volume.lose(KEPT)
        return self.effective(left)

    def effective(self, left: Left) -> Proof:
        del left
        lost = self.volume.is_lost(KEPT)
        return Proof(lost is True, f"{self.path} {'is empty' if lost else 'holds what it held'}")

    def heal(self, left: Left) -> Healing:
        healing = self.lift_even_fenced(left, self._give_back)
        if healing.undone != "reverted":
            return healing
        return self.start(left)

    def _give_back(self) -> Healing:
        try:
            if self.volume.is_lost(KEPT) is None:
                return Healing("target_gone", f"{self.path} is not there any more")
            back = self.volume.give_back(KEPT)
        except BlackstartError as error:
            return Healing("stuck", str(error))
        return Healing(
            "reverted" if back else "stuck", f"{self.path} {'holds' if back else 'lacks'} what it held"
        )

    def healed(self, left: Left) -> Proof:
        lost = self.effective(left)
        return Proof(False, lost.how) if lost.holds else self.runs_again(left)

    def expected(self) -> str:
        return f'process "{self.process}" at site "{self.name}" is gone at once, and so is all that it kept'

    def undo(self) -> str:
        told = (
            f"put back what was in {self.path} and start the process, "
            "unless another site was promoted: then it is put back, and the site stays down and fenced"
        )
        return told + self.but_guests()
