"""What is on disk about a running site, and the proof from it alone that the site is gone.

Written when the site comes up, before anything starts in it. Whoever finds the folder later, in another
process or after a reboot, can tell the site's processes from strangers that got their numbers.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path

from sites.capability import Proof
from sites.drivers import site_file
from sites.drivers.processes import table as processes
from sites.drivers.processes.table import Entry
from sites.errors import SiteError

SCHEMA = "blackstart/site/1"
TAG = "BLACKSTART_SITE"


@dataclass(frozen=True, slots=True)
class SiteRecord:
    """One life of a site. `namespace` is the inode of its PID namespace; None where it has none of its own.

    `observer` is the namespace from which `pid` was seen: only there the number means anything.
    """

    instance: str
    boot: str
    pid: int
    start_ticks: int
    namespace: int | None
    observer: int
    folder: str
    utc: str

    def save(self, folder: Path) -> None:
        site_file.write(folder, SCHEMA, asdict(self))

    @classmethod
    def load(cls, folder: Path) -> SiteRecord | None:
        """The record of the site's last life; None if it never came up here. Raises SiteError."""
        return site_file.read(folder, SCHEMA, cls)

    @property
    def here_and_now(self) -> bool:
        """Whether the numbers in this record mean anything to us."""
        return self.boot == processes.boot_id() and self.observer == own_namespace()

    def first(self) -> Entry | None:
        """The site's first process if it is still alive."""
        found = processes.entry(self.pid) if self.here_and_now else None
        return found if found and found.alive and found.start_ticks == self.start_ticks else None

    def everyone(self) -> list[Entry]:
        """Every living process of the site that can be found, without the supervisor."""
        if not self.here_and_now:
            return []
        if self.namespace is not None:
            return [member for member in self._inside(self.namespace) if member.pid != self.pid]
        family = self.family()
        known = {member.pid for member in family} | {self.pid}
        return family + [stray for stray in self._strays() if stray.pid not in known]

    def family(self) -> list[Entry]:
        """The living descendants of the supervisor: quicker to find than those that lost it."""
        return processes.descendants(self.pid) if self.first() else []

    def _inside(self, inode: int) -> list[Entry]:
        """The kernel hands a dead namespace's inode to the next one: it is ours as long as its PID 1 is."""
        inside = processes.members(inode)
        first = next((member for member in inside if processes.inner_number(member.pid) == 1), None)
        same = first is None or (first.pid, first.start_ticks) == (self.pid, self.start_ticks)
        return inside if same else []

    def _strays(self) -> list[Entry]:
        """Processes that carry the site's mark, whoever their parent is by now."""
        marked = (processes.entry(pid) for pid in processes.numbers() if self._marked(pid))
        return [stray for stray in marked if stray is not None and stray.alive]

    def _marked(self, pid: int) -> bool:
        """By its environment, or, as a daemon may overwrite that, by where its output goes."""
        try:
            if f"{TAG}={self.instance}".encode() in Path(f"/proc/{pid}/environ").read_bytes():
                return True
            logs = f"{self.folder}/logs/"
            return any(os.readlink(f"/proc/{pid}/fd/{fd}").startswith(logs) for fd in (1, 2))  # noqa: PTH115
        except OSError:  # gone, or not ours to look into, so not ours
            return False


def own_namespace() -> int:
    inode = processes.namespace(os.getpid())
    if inode is None:
        raise SiteError("cannot look at our own processes: is /proc mounted?")
    return inode


def prove_gone(name: str, record: SiteRecord | None) -> Proof:
    """Whether nothing of the site is left, as far as this machine can tell. Unknown is never gone."""
    if record is None:
        return Proof(False, f'site "{name}" left no record of ever having been up: nothing can be proven')
    if record.boot != processes.boot_id():
        return Proof(True, "the machine was booted since", {"boot_then": record.boot})
    if record.observer != own_namespace():
        return Proof(False, "asked from another PID namespace than the one the site was started from")
    detail: dict[str, object] = {"first": record.pid, "namespace": record.namespace}
    if record.first() is not None:
        return Proof(False, f"its first process {record.pid} is alive", detail)
    left = record.everyone()
    if left:
        detail["left"] = {str(entry.pid): entry.name for entry in left}
        return Proof(False, f"{len(left)} of its processes are alive", detail)
    if record.namespace is not None:
        return Proof(True, "its first process has ended and its PID namespace is empty", detail)
    return Proof(True, "its supervisor has ended and no process carries the site's mark", detail)
