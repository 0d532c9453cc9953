"""A site made of processes on this machine, which can be lost whole and brought back.

    desk/primary/            the site's folder
      site.json              this life of the site, see site_record
      control.sock           its supervisor, see supervisor
      logs/NAME.log          what each process says

Nothing but the folder is needed to find, fence or kill a site that another process of ours brought up.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Collection, Mapping
from ipaddress import IPv4Address
from pathlib import Path, PurePosixPath

from sites.capability import Proof, Target
from sites.drivers import command
from sites.drivers.barred import Barred, nothing_barred, refuse_barred
from sites.drivers.declared import require_declared
from sites.drivers.processes import control, stillness
from sites.drivers.processes.kill import Aim
from sites.drivers.processes.network import OwnNetwork
from sites.drivers.processes.networked import Networked
from sites.drivers.processes.record import SiteRecord, prove_gone
from sites.drivers.processes.roster import Roster
from sites.drivers.processes.spec import ProcessSpec, forget_pid
from sites.drivers.processes.supervisor import LOGS
from sites.drivers.site_file import locked
from sites.errors import BlackstartError, SiteError

__all__ = ["ProcessSite", "ProcessSpec"]

UP_SECONDS = 20.0
KILL_SECONDS = 10.0
_LOST_SECONDS = 0.5
_POLL_SECONDS = 0.005


class ProcessSite(Networked):
    """Running, Killable, KnowingOne, and what its network makes of it.

    `until_pid`: the site is lost whole as soon as that process is gone.

    `namespace` says whether the site gets a PID namespace of its own; by default wherever that works.
    `barred` says why a declared process must not be started now, or None. `network`: its address in a network
    of its own; without one it shares the machine's, and cannot be cut off.
    """

    def __init__(
        self,
        name: str,
        path: Path,
        processes: Mapping[str, ProcessSpec] | None = None,
        *,
        until_pid: int | None = None,
        namespace: bool | None = None,
        barred: Barred = nothing_barred,
        network: IPv4Address | None = None,
    ) -> None:
        self._barred = barred
        self._network = OwnNetwork(name, network) if network is not None else None
        self.name = name
        self.path = path.absolute()
        self._specs = dict(processes or {})
        self._until_pid = until_pid
        self._namespace = namespace
        self._roster = Roster(name, self.path)
        self._aim: Aim | None = None

    def up(self, *, only: Collection[str] | None = None) -> None:
        """Start the supervisor and every process with `autostart`; return once all of them are ready.

        With `only`: those, and no others. Raises SiteError; for a process that does not get ready, with the
        end of its log.
        """
        wanted = {
            name: spec
            for name, spec in self._specs.items()
            if (spec.autostart if only is None else name in only)
        }
        refuse_barred(self.name, wanted, self._barred)
        (self.path / LOGS).mkdir(parents=True, exist_ok=True)
        with locked(self.path):
            self._live()
            for name, spec in wanted.items():
                self._roster.start(name, spec)
        for name, spec in wanted.items():
            self._roster.wait_until_ready(name, spec)

    def down(self) -> None:
        """Stop every process, the last started first, then end the supervisor. No effect on a site not up."""
        if not self._answers():
            return
        with locked(self.path):
            for name in reversed(self.running()):
                self._roster.stop(name)
            proof = self.kill()
        if not proof.holds:
            raise SiteError(f'cannot bring site "{self.name}" down: {proof.how}')

    def start(self, process: str) -> None:
        """Start one declared process and wait until it is ready; no effect if it runs."""
        require_declared(self.name, process, self._specs)
        refuse_barred(self.name, (process,), self._barred)
        self.launch(process, self._specs[process])

    def launch(self, name: str, spec: ProcessSpec) -> None:
        """Start a process that was not declared, in a site that is up; no effect if `name` runs."""
        self._roster.start(name, spec)
        self._roster.wait_until_ready(name, spec)

    def stop(self, process: str) -> None:
        """End a process and whatever it started. No effect if it is not running."""
        if not self._answers():
            return
        try:
            self._roster.stop(process)
        except SiteError:
            if not self._being_lost().holds:  # else the process is lost with it
                raise

    def running(self) -> dict[str, int]:
        """Names in the order of starting, with process numbers as seen from outside."""
        return self._roster.running()

    def kill_process(self, process: str) -> Proof:
        """SIGKILL a process and whatever it started; return once all of it is proven gone."""
        try:
            return self._roster.kill(process)
        except SiteError:
            whole = self._being_lost()
            if not whole.holds:
                raise
            return whole

    def process_gone(self, process: str) -> Proof:
        """Whether it and all that it started are gone; a child that outlived its parent may be anybody's."""
        return self._roster.gone(process)

    def pause(self) -> Proof:
        """SIGSTOP every process of the site; return once all stand still."""
        return stillness.pause(self.name, self._record())

    def resume(self) -> Proof:
        return stillness.resume(self.name, self._record())

    def paused(self) -> Proof:
        return stillness.paused(self.name, self._record())

    def own_folders(self, process: str) -> tuple[PurePosixPath, ...]:
        """Below its own folder everything is the site's."""
        del process
        return (PurePosixPath(self.path),)

    def foreign_folders(self) -> tuple[PurePosixPath, ...]:
        return (PurePosixPath("/"),)

    def at_volume(self, process: str, script: str, *, limit_seconds: float) -> list[str]:
        """Its folders are the machine's. Raises CommandError."""
        del process
        return command.run(["sh"], input=script, limit_seconds=limit_seconds).stdout.splitlines()

    def frozen(self, number: int) -> bool | None:
        """Whether the process with that number inside stands still; None if there is none."""
        return self._roster.frozen(number)

    def signal(self, inner_pid: int, number: signal.Signals) -> None:
        """Send a signal to any process of the site, by the number that it has inside. Raises SiteError."""
        self._roster.signal(inner_pid, number)

    def log(self, process: str) -> str:
        """The last lines of what a process said, secrets masked."""
        spec = self._specs.get(process)
        return self._roster.log(process, spec.secret_env if spec else {})

    def targets(self) -> list[Target]:
        """The site whole and each process. The next `kill` has nothing left to look up."""
        record = self._take_aim()
        if record is None or record.first() is None:
            return []
        whole: dict[str, object] = {"pid": record.pid, "namespace": record.namespace}
        named = self.running().items()
        return [
            Target(self.name, "site", self.name, whole),
            *(Target(self.name, "process", name, {"pid": pid}) for name, pid in named),
        ]

    def kill(self) -> Proof:
        """SIGKILL every process of the site; return once the last one is proven gone, or with why not."""
        if self._aim is None or self._aim.record.first() is None:
            self._take_aim()
        aim, self._aim = self._aim, None
        if aim is None:
            return self.proven_gone()
        try:
            return aim.kill(KILL_SECONDS)
        except PermissionError as error:
            raise SiteError(
                f'cannot kill site "{self.name}": its processes are another user\'s',
                hint="run this as the user who brought the site up, or as root",
            ) from error
        finally:
            aim.close()

    def proven_gone(self) -> Proof:
        """Whether no process of the site exists any more, found out from its folder alone."""
        return prove_gone(self.name, self._record())

    def _being_lost(self) -> Proof:
        """Whether somebody has just killed the whole site: its supervisor may be gone before the rest."""
        deadline = time.monotonic() + _LOST_SECONDS
        while not (proof := self.proven_gone()).holds and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        return proof

    def _answers(self) -> bool:
        """Whether it is up. Raises SiteError where that cannot be told."""
        if control.meet(self.path) is not None:
            return True
        self._roster.require_over()
        return False

    def _record(self) -> SiteRecord | None:
        """Who answers counts for more than what is written: the writer may have died in between."""
        return control.meet(self.path) or SiteRecord.load(self.path)

    def _take_aim(self) -> SiteRecord | None:
        if self._aim is not None:
            self._aim.close()
        record = self._record()
        self._aim = Aim(self.name, record) if record is not None else None
        return record

    def _live(self) -> None:
        """There is a supervisor: the one that answers, or a new life once the last is proven over."""
        written, answering = SiteRecord.load(self.path), control.meet(self.path)
        if answering is not None:
            if written is None or written.instance != answering.instance:
                answering.save(self.path)
            return
        if written is not None and not (proof := prove_gone(self.name, written)).holds:
            raise SiteError(
                f'cannot bring site "{self.name}" up: {proof.how}, yet its supervisor does not answer',
                hint="kill the site first",
            )
        for spec in self._specs.values():
            if spec.pid_file is not None:
                forget_pid(spec.pid_file)
        namespace = control.namespaces_work() if self._namespace is None else self._namespace
        if self._network is not None:
            self._network.require()
        record = control.raise_supervisor(
            self.path,
            namespace=namespace,
            until_pid=self._until_pid,
            limit_seconds=UP_SECONDS,
            network=self._network is not None,
        )
        if self._network is not None:
            self._join(self._network, record)

    def _join(self, network: OwnNetwork, record: SiteRecord) -> None:
        try:
            network.wire(record)
        except BlackstartError as error:
            self.kill()
            raise SiteError(f'cannot give site "{self.name}" a network of its own: {error}') from error
