"""A site made of machines that are reached over ssh. Running, Killable, KillingOne, Pausable, Partitionable.

What runs there is what each host says at the moment; nothing is kept here but connections. A host that does
not answer is neither up nor gone. `targets` has a script wait on every host, so that `kill` is one word and
its answer: about one round trip, the proof included.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import PurePosixPath

from sites.capability import Proof, Target, Version
from sites.drivers.asked import asked
from sites.drivers.barred import Barred, nothing_barred, refuse_barred
from sites.drivers.declared import require_declared, require_ready
from sites.drivers.hosts.aim import ROUND_TRIP_SECONDS, Aim
from sites.drivers.hosts.cut import Cut
from sites.drivers.hosts.host import Host, on_all
from sites.drivers.hosts.script import HostProcess, functions, words
from sites.drivers.hosts.told import Told, gone, read_ports, read_report, standing
from sites.errors import HostError
from sites.strikable import Direction

KILL_SECONDS = 10.0
ASK_SECONDS = 10.0
CUT_SECONDS = 600.0


class HostsSite:
    """`act_seconds` is how long a start or a stop on a host may take."""

    def __init__(
        self,
        name: str,
        hosts: Mapping[str, Host],
        processes: Mapping[str, HostProcess],
        *,
        act_seconds: float = 60.0,
        ask_seconds: float = ASK_SECONDS,
        kill_seconds: float = KILL_SECONDS,
        cut_seconds: float = CUT_SECONDS,
        barred: Barred = nothing_barred,
    ) -> None:
        self.name = name
        self._barred = barred
        self.hosts = dict(hosts)
        self._processes = dict(processes)
        self._act_seconds = act_seconds
        self._ask_seconds = ask_seconds
        self._kill_seconds = kill_seconds
        for host in self.hosts.values():
            # a command that hangs is told by its host, before the host itself counts as silent
            there = self._at(host.name)
            words = functions(there, ask_seconds=0.8 * ask_seconds, act_seconds=act_seconds)
            host.words = words
        self._aim = Aim(self.hosts, self._at, kill_seconds=kill_seconds, ask_seconds=ask_seconds)
        self._cut = Cut(
            name,
            self.hosts,
            lambda host: list(self._at(host)),
            limit_seconds=cut_seconds,
            kill_seconds=kill_seconds,
            ask_seconds=ask_seconds,
        )

    def up(self, *, only: Collection[str] | None = None) -> None:
        """Start every process with `autostart`, or `only` those; return once all are ready."""
        wanted = [n for n, p in self._processes.items() if (p.autostart if only is None else n in only)]
        refuse_barred(self.name, wanted, self._barred)
        for process in wanted:
            self._ensure("start", process)
        for process in wanted:
            require_ready(self.name, process, self._processes[process])

    def down(self) -> None:
        """Stop every process, the last started first. Raises HostError if one goes on."""
        for process in reversed(self._processes):
            self._ensure("stop", process)

    def start(self, process: str) -> None:
        """Start one process and wait until it is ready; no effect if it runs."""
        require_declared(self.name, process, self._processes)
        refuse_barred(self.name, (process,), self._barred)
        self._ensure("start", process)
        require_ready(self.name, process, self._processes[process])

    def stop(self, process: str) -> None:
        require_declared(self.name, process, self._processes)
        self._ensure("stop", process)

    def running(self) -> dict[str, int]:
        """As each host says, all asked at the same time. Raises HostError when one of them can't tell."""
        told = self._told()
        return {name: told[name].number for name in self._processes if name in told and told[name].up}

    def targets(self) -> list[Target]:
        """The site whole, its hosts and each process that runs; a script waits on each host to kill them."""
        running = self.running()
        if not running:
            return []
        self._aim.take()
        named = [
            Target(self.name, "process", name, {"pid": pid, "host": self._processes[name].host})
            for name, pid in running.items()
        ]
        # by address: what a person confirms is these machines, whatever a variable of the plan says later
        machines = [Target(self.name, "host", f"{h.name} {h.address}") for h in self.hosts.values()]
        return [Target(self.name, "site", self.name), *machines, *named]

    def kill(self) -> Proof:
        """SIGKILL everything on every host; return once the last is proven gone, or with why not."""
        began = time.monotonic()
        try:
            proof = gone(read_report(self._aim.fire()), self._processes)
        except HostError as error:
            return Proof(False, str(error))
        took = round((time.monotonic() - began) * 1000, 3)
        return Proof(proof.holds, proof.how, {**proof.detail, "kill_and_proof_ms": took})

    def listening(self, process: str) -> set[int]:
        """Also what it started, and what systemd holds for a unit that is a socket. Raises HostError."""
        require_declared(self.name, process, self._processes)
        line = f"ports {words([process, self._processes[process].unit or ''])}"
        return read_ports(process, self._on(process, "ask the ports at", line, self._ask_seconds))

    def kill_process(self, process: str) -> Proof:
        """SIGKILL one and whatever it started, while the others go on."""
        require_declared(self.name, process, self._processes)
        try:
            said = self._on(process, f"kill {process} at", self._aim.line([process]), self._kill_seconds)
            return gone(read_report(said), [process])
        except HostError as error:
            return Proof(False, str(error))

    def proven_gone(self) -> Proof:
        """Whether every host says that nothing of the site runs on it. Silence proves nothing."""
        try:
            return gone(self._told(), self._processes)
        except HostError as error:
            return Proof(False, str(error))

    def pause(self) -> Proof:
        """SIGSTOP to every process of the site; the proof says whether each stands still."""
        return self._signal("STOP", "still")

    def resume(self) -> Proof:
        return self._signal("CONT", "going")

    def paused(self) -> Proof:
        return self._signal("0", "still")

    def cannot_partition(self) -> str | None:
        return self._cut.cannot()

    def partition(self, direction: Direction) -> Proof:
        """Each host cuts itself off; it comes back when it is told to, or by itself. See `cut`."""
        return self._cut.cut(direction)

    def partitioned(self) -> Proof:
        return self._cut.look()

    def reconnect(self) -> Proof:
        return self._cut.lift()

    def reconnect_fenced(self) -> Proof:
        """Kill everything on hosts that are cut off, by themselves, and only then drop no more."""
        return self._cut.lift_fenced()

    def own_folders(self, process: str) -> tuple[PurePosixPath, ...]:
        """What on a host is the site's is the plan's to say."""
        require_declared(self.name, process, self._processes)
        return ()

    def foreign_folders(self) -> tuple[PurePosixPath, ...]:
        return (PurePosixPath("/"),)

    def at_volume(self, process: str, script: str, *, limit_seconds: float) -> list[str]:
        require_declared(self.name, process, self._processes)
        return self._on(process, "work on a volume at", f"(\n{script}\n)", limit_seconds)

    def close(self) -> None:
        """Let go of what waits and listens on the hosts. Whatever is asked next opens it again."""
        self._aim.drop()
        self._cut.close()
        for host in self.hosts.values():
            host.close()

    def _signal(self, signal: str, wanted: str) -> Proof:
        """Signal 0 only looks."""
        try:
            said = self._each("signal", lambda names: f"signal_all {signal} {wanted} {words(names)}")
        except HostError as error:
            return Proof(False, str(error))
        return standing(said, wanted)

    def _told(self) -> dict[str, Told]:
        return read_report(self._each("ask", lambda names: f"report {words(names)}"))

    def _each(self, act: str, line: Callable[[list[str]], str]) -> list[str]:
        """What all hosts say to the same act on the processes of each. Raises HostError."""

        def on(host: Host) -> list[str]:
            here = self._at(host.name)
            if not here:
                return []
            return host.run(act, line(list(here)), limit_seconds=self._ask_seconds)

        return [line for lines in on_all(self.hosts, on).values() for line in lines]

    def _on(self, process: str, act: str, line: str, limit_seconds: float) -> list[str]:
        """What the host of a process says to one act. Raises HostError."""
        host = self.hosts[self._processes[process].host]
        return host.run(act, line, limit_seconds=limit_seconds + ROUND_TRIP_SECONDS)

    def _ensure(self, act: str, process: str) -> None:
        """Start or stop it, if it is not so yet. Raises HostError with what the host complained of."""
        said = self._on(process, f"{act} {process} at", f"ensure {act} {process}", self._act_seconds)
        failed = [line for line in said if line.startswith("failed ")]
        told = read_report(line for line in said if not line.startswith("failed "))
        if not failed and told[process].up is (act == "start"):
            return
        host, unit = self._processes[process].host, self._processes[process].unit
        why = (
            failed[0]
            if failed
            else f"its command ended well, but it {'runs' if told[process].up else 'does not run'}"
        )
        raise HostError(
            f'cannot {act} process "{process}" at site "{self.name}" (host "{host}"): {why}',
            hint=f"look there with: journalctl -u {unit}" if unit else None,
        )

    def versions(self) -> list[Version]:
        """What each host says of its system."""
        line = '. /etc/os-release 2>/dev/null; echo "${PRETTY_NAME:-an unnamed system}; $(uname -srm)"'

        def ask(host: Host) -> str:
            return "\n".join(host.run("ask the system of", line, limit_seconds=self._ask_seconds))

        return [
            asked(
                "operating system",
                f"site {self.name}, host {name}",
                "the host itself (uname, os-release)",
                partial(ask, host),
            )
            for name, host in self.hosts.items()
        ]

    def _at(self, host: str) -> dict[str, HostProcess]:
        return {name: process for name, process in self._processes.items() if process.host == host}
