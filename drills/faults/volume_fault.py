"""What the faults of a volume have in common: whose it is, and what must not be touched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from drills.faults.site_fault import SiteFault
from sites.capability import Target
from sites.drivers.volume import Room, Volume
from sites.errors import GuardError
from sites.estate import Estate
from sites.plan.faults import FillDisk, LoseVolume
from sites.strikable import HoldingVolumes


class VolumeFault(SiteFault):
    """A folder of one process. Its targets are the site's, for what runs on the volume may end with it."""

    def __init__(self, estate: Estate, noun: FillDisk | LoseVolume) -> None:
        super().__init__(estate, noun.site)
        self.process, self.path = noun.process, noun.path

    @property
    def volume(self) -> Volume:
        if not isinstance(self.site, HoldingVolumes):
            raise self.unable()
        return Volume(self.site, self.process, self.path)

    def refused(self, why: str, hint: str | None = None) -> GuardError:
        where = f'{self.path} of process "{self.process}" at site "{self.name}"'
        return GuardError(f"cannot {self.act} {where}: {why}", hint=hint)

    def target(self, folder: PurePosixPath, **detail: object) -> Target:
        """All in the folder is struck: whether something lies there that must not be, the guards see."""
        return Target(self.name, "volume", f"{self.process}:{folder}", detail)

    def own(self) -> tuple[PurePosixPath, ...]:
        """The site's own folders that it lies in. Raises GuardError where it lies in none."""
        found = self.volume.own(self._declared())
        if not found:
            raise self.refused("it is no folder of the site's own")
        return found

    def checked_room(self) -> Room:
        room = self.volume.room()
        if isinstance(room, str):
            raise self.refused(room, hint="give the site a bounded volume: a tmpfs, or a loop file")
        return room

    def _declared(self) -> Iterator[PurePosixPath]:
        """What the plan says is kept at this site. In a container folders have other names."""
        if self.estate.plan.sites[self.name].kind == "containers":
            return
        for noun in self.estate.plan.datasets.values():
            if noun.kind == "postgres":
                servers = (noun.primary, noun.standby)
                found = [each.data for each in servers if each and each.site == self.name and each.data]
                yield from map(PurePosixPath, found)
            elif noun.kind == "files" and noun.site == self.name:
                yield PurePosixPath(noun.path)
