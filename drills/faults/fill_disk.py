"""A volume of the site's own is full, to the last block. Never a disk that is more than the site's."""

from __future__ import annotations

from drills.fault import Healing, Left
from drills.faults.volume_fault import VolumeFault
from sites.capability import Proof, Target
from sites.errors import BlackstartError

FILLED_BYTES_MAX = 8 << 30
FILLER = ".blackstart-filler"


class FillDisk(VolumeFault):
    """One file takes all the room. Healing removes it, and starts what ended for want of room."""

    act = "fill"

    def ready(self) -> list[Target]:
        found = super().ready()
        own, room = self.own(), self.checked_room()
        if not any(room.mount.is_relative_to(each) for each in own):
            raise self.refused(f"its volume begins at {room.mount}, so it holds more than the site's")
        most = min(FILLED_BYTES_MAX, room.memory_bytes // 2 if room.type == "tmpfs" else FILLED_BYTES_MAX)
        if room.free_bytes > most:
            raise self.refused(f"{room.free_bytes >> 20} MiB are free, at most {most >> 20} MiB are filled")
        return [*found, self.target(room.mount, type=room.type, free_bytes=room.free_bytes)]

    def inject(self, left: Left) -> Proof:
        del left
        return self._proof(self.volume.fill(FILLER))

    def effective(self, left: Left) -> Proof:
        del left
        return self._proof(self.volume.is_full())

    def heal(self, left: Left) -> Healing:
        """A database that could not write takes writes again with the room, so the rule comes first."""
        healing = self.lift_even_fenced(left, self._drain)
        return self.start(left) if healing.undone == "reverted" else healing

    def healed(self, left: Left) -> Proof:
        full = self._proof(self.volume.is_full())
        return Proof(False, full.how) if full.holds else self.runs_again(left)

    def _drain(self) -> Healing:
        try:
            if self.volume.room() == f"there is no folder {self.path}":
                return Healing("target_gone", f"{self.path} is not there any more")
            empty = self.volume.drain(FILLER)
        except BlackstartError as error:
            return Healing("stuck", str(error))
        return Healing("reverted" if empty else "stuck", f"{self.path} has {'' if empty else 'no '}room")

    def _proof(self, full: bool) -> Proof:
        said = "a write is refused for want of room" if full else "there is room"
        return Proof(full, f'{self.path} of process "{self.process}" at site "{self.name}": {said}')

    def expected(self) -> str:
        return (
            f"nothing can be written to the volume of {self.path} any more: what writes there fails or ends"
        )

    def undo(self) -> str:
        told = (
            f"remove {self.path / FILLER} and start what ended, "
            "unless another site was promoted: then the site stays down and fenced"
        )
        return told + self.but_guests()
