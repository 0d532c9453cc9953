"""Who is alive on this machine, by /proc. Standard library only: the supervisor runs it as PID 1 too."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Entry:
    """One process as /proc shows it. With `start_ticks` its number cannot be mistaken after a reuse."""

    pid: int
    name: str
    state: str
    parent: int
    start_ticks: int

    @property
    def alive(self) -> bool:
        """A zombie is gone: it runs no code and holds no file, memory or socket."""
        return self.state not in "ZXx"


def boot_id() -> str:
    return (_PROC / "sys/kernel/random/boot_id").read_text().strip()


def entry(pid: int) -> Entry | None:
    """Look one process up; None if there is no such process."""
    try:
        text = (_PROC / str(pid) / "stat").read_bytes().decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    name, _, rest = text.partition("(")[2].rpartition(") ")
    fields = rest.split()
    return Entry(pid, name, fields[0], int(fields[1]), int(fields[19]))


def numbers() -> Iterator[int]:
    """Every process number in sight, zombies included."""
    return (int(name) for name in os.listdir(_PROC) if name.isdigit())  # noqa: PTH208  three times as fast


def table() -> dict[int, Entry]:
    """Every process in sight, zombies included, by its number."""
    return {pid: found for pid in numbers() if (found := entry(pid)) is not None}


def descendants(root: int) -> list[Entry]:
    """The living children of `root`, their children and so on; not `root` itself."""
    children: dict[int, list[Entry]] = {}
    for found in table().values():
        children.setdefault(found.parent, []).append(found)
    family, unseen = [], [root]
    while unseen:
        born = children.get(unseen.pop(), [])
        family += born
        unseen += [child.pid for child in born]
    return [member for member in family if member.alive]


def namespace(pid: int) -> int | None:
    """The inode of the PID namespace that a process is in; None if it is gone or not ours to see."""
    try:
        link = os.readlink(f"/proc/{pid}/ns/pid")  # noqa: PTH115  hot: a kill is proven with it
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    return int(link[len("pid:[") : -1])


def inner_number(pid: int) -> int | None:
    """The number that a process has inside its own PID namespace."""
    try:
        lines = (_PROC / str(pid) / "status").read_text(errors="replace").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return next((int(line.split()[-1]) for line in lines if line.startswith("NSpid:")), None)


def members(inode: int) -> list[Entry]:
    """The living processes in a PID namespace, by their numbers out here."""
    inside = (entry(pid) for pid in numbers() if namespace(pid) == inode)
    return [found for found in inside if found is not None and found.alive]


class Handle:
    """A hold on one process, by a pidfd: a signal sent through it can never hit a successor of its number."""

    def __init__(self, fd: int, held: Entry) -> None:
        self._fd = fd
        self.entry = held

    @classmethod
    def grasp(cls, pid: int, start_ticks: int | None = None) -> Handle | None:
        """Get hold of a living process; None if it is gone or is not the one that started then."""
        try:
            fd = os.pidfd_open(pid)
        except ProcessLookupError:
            return None
        found = entry(pid)  # read after the pidfd was opened, so both are of the same process
        if found is None or not found.alive or start_ticks not in (None, found.start_ticks):
            os.close(fd)
            return None
        return cls(fd, found)

    def send(self, number: signal.Signals) -> None:
        """Send a signal. No effect on a process that has ended."""
        try:
            signal.pidfd_send_signal(self._fd, number)
        except ProcessLookupError:
            return

    def wait(self, limit_seconds: float) -> bool:
        """Whether the process ended within the limit. The first process of a PID namespace ends last."""
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        return bool(poll.poll(max(0.0, limit_seconds) * 1000))

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def kill(target: Entry) -> None:
    """SIGKILL that very process. No effect if it is gone."""
    handle = Handle.grasp(target.pid, target.start_ticks)
    if handle is not None:
        handle.send(signal.SIGKILL)
        handle.close()
