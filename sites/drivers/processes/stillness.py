"""Make processes of a site stand still (SIGSTOP) and go on again: they keep their sockets, and answer nobody.

The supervisor goes on: it is ours, and whoever brings the site back has to talk to it.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Sequence

from sites.capability import Proof
from sites.drivers.processes.record import SiteRecord
from sites.drivers.processes.table import Entry, Handle, descendants, entry, kill

LIMIT_SECONDS = 10.0
_ROUND_SECONDS = 0.002
_STILL = frozenset("Tt")


def pause(name: str, record: SiteRecord | None) -> Proof:
    """Stop everyone, over and over until nobody moves: each round may find children born since the last."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while not (proof := paused(name, record)).holds and record is not None and time.monotonic() < deadline:
        _tell(record.everyone(), signal.SIGSTOP)
        time.sleep(_ROUND_SECONDS)
    return proof


def resume(name: str, record: SiteRecord | None) -> Proof:
    """Let everyone go on. Holds when nobody stands still any more, also where nobody is left."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while record is not None and (still := _still(record.everyone())):
        if time.monotonic() > deadline:
            return Proof(False, f'{len(still)} processes of site "{name}" still stand still', _names(still))
        _tell(still, signal.SIGCONT)
        time.sleep(_ROUND_SECONDS)
    return Proof(True, f'no process of site "{name}" stands still')


def paused(name: str, record: SiteRecord | None) -> Proof:
    """Whether everyone stands still. A site of which nobody is there is not paused."""
    everyone = record.everyone() if record is not None else []
    moving = [member for member in everyone if member.state not in _STILL]
    if not everyone:
        return Proof(False, f'no process of site "{name}" is there')
    if moving:
        return Proof(False, f'{len(moving)} processes of site "{name}" move', _names(moving))
    return Proof(True, f'all {len(everyone)} processes of site "{name}" stand still')


def kill_family(handle: Handle) -> None:
    """SIGKILL a process and whatever it started. It is held still first: it starts nothing more."""
    handle.send(signal.SIGSTOP)
    _wait(lambda: not _moves(handle))
    family = descendants(handle.entry.pid)
    handle.send(signal.SIGKILL)
    for member in family:
        kill(member)
    _wait(lambda: not any(_alive(member) for member in [handle.entry, *family]))


def still(pid: int) -> bool:
    """Whether the process of that number stands still."""
    found = entry(pid)
    return found is not None and found.state in _STILL


def _moves(handle: Handle) -> bool:
    found = entry(handle.entry.pid)
    return found is not None and found.alive and found.state not in _STILL


def _alive(member: Entry) -> bool:
    found = entry(member.pid)
    return found is not None and found.alive and found.start_ticks == member.start_ticks


def _wait(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_SECONDS
    while not holds() and time.monotonic() < deadline:
        time.sleep(_ROUND_SECONDS)


def _still(everyone: Sequence[Entry]) -> list[Entry]:
    return [member for member in everyone if member.state in _STILL]


def _tell(everyone: Sequence[Entry], number: signal.Signals) -> None:
    for member in everyone:
        handle = Handle.grasp(member.pid, member.start_ticks)
        if handle is not None:
            handle.send(number)
            handle.close()


def _names(members: Sequence[Entry]) -> dict[str, object]:
    return {"which": {str(member.pid): member.name for member in members[:20]}}
