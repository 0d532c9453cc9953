"""The named processes of a site that is up: start, stop, list, signal, read what they say."""

from __future__ import annotations

import signal
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sites.capability import Proof
from sites.drivers.masking import mask
from sites.drivers.processes import control
from sites.drivers.processes import table as processes
from sites.drivers.processes.record import SiteRecord, prove_gone
from sites.drivers.processes.spec import ProcessSpec
from sites.drivers.processes.stillness import kill_family, still
from sites.drivers.processes.supervisor import LOGS
from sites.drivers.processes.table import Handle
from sites.errors import SiteDown, SiteError

_REAP_SECONDS = 10.0
_POLL_SECONDS = 0.005
_LOG_LINES_SHOWN = 15
_LOG_BYTES_READ = 1 << 16


class Roster:
    """What is known of a site's processes is what its supervisor says; nothing is kept here."""

    def __init__(self, site: str, folder: Path) -> None:
        self._site = site
        self._folder = folder

    def running(self) -> dict[str, int]:
        """Names in the order of starting, with numbers as seen from outside. Empty if the site is not up.

        Raises SiteError while something of it is alive and its supervisor, who alone knows, does not answer.
        """
        record = control.meet(self._folder)
        if record is None:
            self.require_over()
            return {}
        outer = _outer_numbers(record)
        inner = {name: told["pid"] for name, told in self._books()["processes"].items()}
        return {name: outer[pid] for name, pid in inner.items() if pid in outer}

    def require_over(self) -> None:
        """Nobody answered: then nothing may be left. Raises SiteError where something is, or may be."""
        written = SiteRecord.load(self._folder)
        if written is None or (proof := prove_gone(self._site, written)).holds:
            return
        raise SiteError(
            f'cannot tell what runs at site "{self._site}": {proof.how}, yet its supervisor does not answer',
            hint="kill the site, and bring it up again",
        )

    def start(self, name: str, spec: ProcessSpec) -> None:
        """No effect if it runs. Returns at once: see `wait_until_ready`."""
        record = control.meet(self._folder)
        if record is None:
            raise SiteDown(f'cannot start process "{name}": site "{self._site}" is not up')
        try:
            control.ask(self._folder, spec.request(name, record))
        except SiteError as error:
            message = f'cannot start process "{name}" at site "{self._site}": {error}'
            raise SiteError(message, hint=error.hint or _way_in(error, spec)) from error

    def wait_until_ready(self, name: str, spec: ProcessSpec) -> None:
        """Raises SiteError, with the end of its log, if the process ends or its time is up before."""
        deadline = time.monotonic() + spec.ready_seconds
        while True:
            reason = spec.ready.reason_not() if spec.ready else None
            how_it_ended = self._books()["ended"].get(name)
            if how_it_ended is not None and spec.ready is not None:
                raise self._not_ready(name, spec, f"it ended ({how_it_ended})")
            if reason is None:
                return
            if time.monotonic() > deadline:
                raise self._not_ready(name, spec, f"not within {spec.ready_seconds:g} s ({reason})")
            time.sleep(_POLL_SECONDS)

    def stop(self, name: str) -> None:
        """End a process and whatever it started: its stop signal, then SIGKILL. No effect if not there."""
        told = self._books()["processes"].get(name)
        pid = self.running().get(name)
        handle = Handle.grasp(pid) if pid is not None else None
        if told is None or handle is None:
            return
        number, limit_seconds = told["stop"]
        family = processes.descendants(handle.entry.pid)
        handle.send(signal.Signals(number))
        if not handle.wait(limit_seconds):
            handle.send(signal.SIGKILL)
            handle.wait(_REAP_SECONDS)
        handle.close()
        for orphan in family:
            processes.kill(orphan)
        self._wait_until_reaped(name)

    def kill(self, name: str) -> Proof:
        """SIGKILL a process and whatever it started; holds once the supervisor has reaped it."""
        pid = self.running().get(name)
        handle = Handle.grasp(pid) if pid is not None else None
        if handle is not None:
            kill_family(handle)
            handle.close()
            self._wait_until_reaped(name)
        left = self.running().get(name)
        where = f'process "{name}" at site "{self._site}"'
        if left is not None:
            return Proof(False, f"{where} is alive", {"pid": left})
        return Proof(True, f"{where} is gone", {"pid": pid})

    def gone(self, name: str) -> Proof:
        """Whether a process is gone with whatever it started. What lost its parent may be of its family."""
        where, record = f'process "{name}" at site "{self._site}"', control.meet(self._folder)
        if record is None:
            return Proof(False, f"nobody can tell of {where}: its supervisor does not answer")
        running = self.running()
        if name in running:
            return Proof(False, f"{where} is alive", {"pid": running[name]})
        others = set(running.values())
        others |= {each.pid for pid in running.values() for each in processes.descendants(pid)}
        left = [each for each in record.everyone() if each.pid not in others]
        if left:
            said = f"{where} has ended, but what some process there started is alive: {left[0].name}"
            return Proof(False, said, {"left": {str(each.pid): each.name for each in left}})
        return Proof(True, f"{where} and all that it started are gone")

    def frozen(self, inner_pid: int) -> bool | None:
        """None if there is no such process. Raises SiteError where that cannot be told."""
        record = control.meet(self._folder)
        if record is None:
            self.require_over()
        pid = _outer_numbers(record).get(inner_pid) if record is not None else None
        return still(pid) if pid is not None else None

    def signal(self, inner_pid: int, number: signal.Signals) -> None:
        """To any process of the site, by the number it has inside. Raises SiteError if none has."""
        record = control.meet(self._folder)
        pid = _outer_numbers(record).get(inner_pid) if record is not None else None
        handle = Handle.grasp(pid) if pid is not None else None
        if handle is None:
            raise SiteError(f'site "{self._site}" has no process with the number {inner_pid}')
        handle.send(number)
        handle.close()

    def log(self, name: str, secrets: Mapping[str, str], lines: int = _LOG_LINES_SHOWN) -> str:
        """The end of what a process said, secrets masked."""
        try:
            with (self._folder / LOGS / f"{name}.log").open("rb") as log:
                log.seek(max(0, log.seek(0, 2) - _LOG_BYTES_READ))
                tail = deque(log, maxlen=lines)
        except FileNotFoundError:
            return ""
        return mask(b"".join(tail).decode(errors="replace"), secrets.values())

    def _books(self) -> dict[str, dict[str, Any]]:
        return control.ask(self._folder, {"do": "list"})

    def _not_ready(self, name: str, spec: ProcessSpec, why: str) -> SiteError:
        said = self.log(name, spec.secret_env).rstrip()
        return SiteError(
            f'process "{name}" at site "{self._site}" did not get ready: {why}'
            + (f"\n{said}" if said else ""),
            hint=f"see {self._folder / LOGS / name}.log",
        )

    def _wait_until_reaped(self, name: str) -> None:
        deadline = time.monotonic() + _REAP_SECONDS
        while name in self._books()["processes"]:
            if time.monotonic() > deadline:
                raise SiteError(f'cannot stop process "{name}" at site "{self._site}": it does not end')
            time.sleep(_POLL_SECONDS)


def _way_in(error: SiteError, spec: ProcessSpec) -> str | None:
    if spec.user is None or "Permission denied" not in str(error):
        return None
    return f'user "{spec.user}" must be able to enter that folder and those above it'


def _outer_numbers(record: SiteRecord) -> dict[int, int]:
    """The site's living processes: number inside -> number outside."""
    everyone = [entry.pid for entry in record.everyone()]
    if record.namespace is None:
        return {pid: pid for pid in everyone}
    return {inner: pid for pid in everyone if (inner := processes.inner_number(pid)) is not None}
