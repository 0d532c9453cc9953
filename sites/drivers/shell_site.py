"""A site that is operated by the user's own commands. Running, Killable, KillingOne and Fencing.

    start stop      one process, named in BLACKSTART_PROCESS
    kill            everything at once; one process where BLACKSTART_PROCESS names it
    status          prints "NAME NUMBER" for each process that runs, then "END COUNT"
    fence           exits 0 once the site provably takes no writes any more
    reachable       exits 0 if the site can be asked at all

What a command claims is not believed, neither that it killed nor that it could not: after a kill the status
has to say that nothing is left, and a listing without its end proves nothing. Such a site is always "up":
blackstart owns no life of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sites.capability import Proof, Target
from sites.drivers import command
from sites.drivers.barred import Barred, nothing_barred, refuse_barred
from sites.drivers.declared import require_declared, require_ready
from sites.drivers.masking import mask
from sites.drivers.processes.readiness import Readiness
from sites.errors import BlackstartError, SiteError

_POLL_SECONDS = 0.02
_GRACE_SECONDS = 1.0
_DYING_SECONDS = 1.0  # what was hit by a command that failed is gone by then, or it was not hit
_SAID_LETTERS_MAX = 200


@dataclass(frozen=True, slots=True)
class ShellProcess:
    """How one process of the site gets ready, and whether it starts with it."""

    ready: Readiness | None = None
    ready_seconds: float = 30.0
    autostart: bool = True


@dataclass(frozen=True, slots=True)
class SiteCommands:
    """The commands of a site, as words; they run in `cwd`, without a shell."""

    start: tuple[str, ...]
    stop: tuple[str, ...]
    kill: tuple[str, ...]
    status: tuple[str, ...]
    fence: tuple[str, ...] | None = None
    reachable: tuple[str, ...] | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    secret_env: Mapping[str, str] = field(default_factory=dict, repr=False)
    cwd: Path | None = None
    limit_seconds: float = 30.0
    kill_seconds: float = 10.0


class ShellSite:
    """What is known of the site is what its commands say at the moment; nothing is kept here."""

    def __init__(
        self,
        name: str,
        commands: SiteCommands,
        processes: Mapping[str, ShellProcess],
        barred: Barred = nothing_barred,
    ) -> None:
        self.name = name
        self._barred = barred
        self._commands = commands
        self._processes = dict(processes)

    def up(self, *, only: Collection[str] | None = None) -> None:
        """Start every process with `autostart`, or `only` those; return once all are ready."""
        wanted = [n for n, p in self._processes.items() if (p.autostart if only is None else n in only)]
        refuse_barred(self.name, wanted, self._barred)
        running = self.running()
        for process in wanted:
            if process not in running:
                self._run("start", self._commands.start, process)
        for process in wanted:
            require_ready(self.name, process, self._processes[process])

    def down(self) -> None:
        """Stop every process, the last started first. Raises SiteError if something is left."""
        for process in reversed(self.running()):
            self._run("stop", self._commands.stop, process)
        left = self.running()
        if left:
            raise SiteError(f'cannot bring site "{self.name}" down: still running: {", ".join(left)}')

    def start(self, process: str) -> None:
        """Start one declared process and wait until it is ready; no effect if it runs."""
        require_declared(self.name, process, self._processes)
        refuse_barred(self.name, (process,), self._barred)
        if process not in self.running():
            self._run("start", self._commands.start, process)
        require_ready(self.name, process, self._processes[process])

    def stop(self, process: str) -> None:
        require_declared(self.name, process, self._processes)
        if process in self.running():
            self._run("stop", self._commands.stop, process)
        if process in self.running():
            raise SiteError(f'cannot stop process "{process}" at site "{self.name}": it still runs')

    def running(self) -> dict[str, int]:
        """As the site's status says. Raises SiteError when it does not, or not to its end."""
        self._reach()
        said = self._run("ask", self._commands.status)
        try:
            found = read_status(said)
        except ValueError as error:
            raise SiteError(
                f'cannot ask site "{self.name}": its status command {error}',
                hint='it prints "NAME NUMBER" for each process that runs, then "END COUNT"',
            ) from None
        order = [*(name for name in self._processes if name in found), *sorted(found)]
        return {name: found[name] for name in dict.fromkeys(order)}

    def targets(self) -> list[Target]:
        """The site whole and each process that runs; nothing where nothing runs."""
        running = self.running()
        named = [Target(self.name, "process", name, {"pid": pid}) for name, pid in running.items()]
        return [Target(self.name, "site", self.name), *named] if named else []

    def kill(self) -> Proof:
        """Kill everything at once; return once the status says that nothing is left, or with why not."""
        return self._kill("", self.proven_gone)

    def kill_process(self, process: str) -> Proof:
        """The same for one process, while the others go on."""
        require_declared(self.name, process, self._processes)
        return self._kill(process, lambda: self._process_gone(process))

    def _kill(self, process: str, gone: Callable[[], Proof]) -> Proof:
        began = time.monotonic()
        failed = self._killing(process)
        limit = time.monotonic() + _DYING_SECONDS if failed else began + self._commands.kill_seconds
        while not (proof := gone()).holds:
            if time.monotonic() > limit:
                return Proof(False, f"{proof.how}; {failed}" if failed else proof.how, proof.detail)
            time.sleep(_POLL_SECONDS)
        took = round((time.monotonic() - began) * 1000, 3)
        note = {"note": f"its kill command failed: {failed}"} if failed else {}
        return Proof(True, proof.how, {**proof.detail, "kill_and_proof_ms": took, **note})

    def _killing(self, process: str) -> str | None:
        """Why the command failed. That says as little of what is left as its success would."""
        try:
            self._run("kill", self._commands.kill, process, limit_seconds=self._commands.kill_seconds)
        except SiteError as error:
            return str(error)
        return None

    def _process_gone(self, process: str) -> Proof:
        try:
            running = self.running()
        except SiteError as error:
            return Proof(False, str(error))
        said = "lists it" if process in running else "does not list it"
        return Proof(process not in running, f"its status command {said}")

    def proven_gone(self) -> Proof:
        """Whether the site itself says that nothing runs there. A site that does not answer is not gone."""
        try:
            running = self.running()
        except SiteError as error:
            return Proof(False, str(error))
        if running:
            return Proof(False, f"{len(running)} of its processes are running", {"left": running})
        return Proof(True, "its status command lists no process, to the end")

    def fence(self) -> Proof:
        """By the site's own command, else by killing everything there."""
        if self._commands.fence is None:
            return self.kill()
        try:
            said = self._run("fence", self._commands.fence)
        except SiteError as error:
            return Proof(False, str(error))
        return Proof(True, "its fence command says so", {"said": said.strip()[:_SAID_LETTERS_MAX]})

    def _reach(self) -> None:
        if self._commands.reachable is not None:
            self._run("reach", self._commands.reachable)

    def _run(
        self, act: str, argv: tuple[str, ...], process: str = "", *, limit_seconds: float | None = None
    ) -> str:
        """What a command said on its standard output. Raises SiteError, with what it complained of."""
        told = {"BLACKSTART_SITE": self.name, "BLACKSTART_PROCESS": process}
        try:
            done = command.run(
                argv,
                limit_seconds=limit_seconds or self._commands.limit_seconds,
                env={**self._commands.env, **told},
                secret_env=self._commands.secret_env,
                cwd=self._commands.cwd,
                grace_seconds=_GRACE_SECONDS,
            )
        except BlackstartError as error:
            what = f'process "{process}" at site "{self.name}"' if process else f'site "{self.name}"'
            hint = error.hint or f"try it by hand: {' '.join(argv)}"
            raise SiteError(f"cannot {act} {what}: {error}", hint=hint) from error
        return mask(done.stdout, self._commands.secret_env.values())


def read_status(said: str) -> dict[str, int]:
    """The processes that a status names, by name. Raises ValueError, in the words of an error's end."""
    *rows, last = [line.split() for line in said.splitlines() if line.strip()] or [[]]
    if len(last) != 2 or last[0] != "END" or not _whole(last[1]):
        raise ValueError('did not end with "END COUNT"')
    for row in rows:
        if len(row) != 2 or not _whole(row[1]):
            raise ValueError(f'printed {" ".join(row)[:80]!r}, which is no "NAME NUMBER"')
    found = {name: int(number) for name, number in rows}
    if len(found) != int(last[1]):
        raise ValueError(f"named {len(found)} processes and counted {last[1]}")
    return found


def _whole(text: str) -> bool:
    return text.isascii() and text.isdigit()
